// The transfers of one rank, each between arrival and completion of an operation. They are called
// from the one thread that owns MPI. Every function returns MPI_SUCCESS or MPI's error code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>

namespace easel {

enum class Element { float32, bfloat16 };

/// Tests requests until all have completed, so that they are carried on. MPI's own waits take a core
/// for as long as they last. Here it is given away between two tests, at first by sched_yield: for
/// as long as `bytes` are expected to take, since they move in the tests themselves. Then by sleeps,
/// up to 2 ms if `bytes` is 0: the wait is then for other ranks, which may be minutes late. It calls
/// MPI_Abort if that was asked for.
int complete(std::vector<MPI_Request>& requests, size_t bytes);

/// Asks the thread that owns MPI to abort the job.
void request_abort(int code);

/// Calls MPI_Abort if that was asked for.
void abort_if_asked();

class Transfers {
 public:
  explicit Transfers(MPI_Comm comm);

  int rank() const { return rank_; }
  int size() const { return size_; }
  MPI_Comm comm() const { return comm_; }

  /// x ← Σ over the ranks, elementwise, in the order of the ranks: ((x₀ + x₁) + x₂) + …. Float32
  /// adds in float32. bfloat16 adds in float32 and rounds the sum once, to nearest, ties to even.
  ///
  /// Each rank adds up one part of x, which the others send to it, and sends the sum to all: twice
  /// (R − 1)/R of the bytes go out of each rank, as in a ring.
  int all_reduce_ordered(void* data, size_t count, Element element);

  /// x ← Σ over the ranks of float32, by the MPI library's own algorithm, in whatever order.
  int all_reduce_any(float* data, size_t count);

  int broadcast(void* data, size_t bytes, int root);

  /// Brings each rank's bytes to `root`, whose `received` then has a part for each rank.
  int gather(const void* data, size_t bytes, int root, std::vector<std::vector<uint8_t>>& received);

 private:
  MPI_Comm comm_;
  int rank_ = 0, size_ = 1;
  std::vector<char> scratch_[2];
};

}  // namespace easel
