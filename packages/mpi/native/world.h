// The ranks of a job as one of them sees them: a thread that owns MPI and carries out operations
// one after the other. No other thread calls MPI, so MPI_THREAD_FUNNELED is enough.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "transfers.h"

namespace easel {

enum class Kind { all_reduce, broadcast, gather, barrier, abandon, close };

/// How an operation ended.
struct Outcome {
  enum class End { done, abandoned, failed };
  End end = End::done;
  int rank = 0;         // who abandoned
  std::string message;  // why it was abandoned, or failed
};

/// One operation of a rank. All ranks submit the same ones in the same order.
struct Operation {
  struct Piece {
    void* data;
    size_t bytes;
  };
  Kind kind = Kind::barrier;
  Element element = Element::float32;
  bool ordered = true;
  int root = 0;
  /// The memory that it works on. Several pieces count as one, in their order.
  std::vector<Piece> pieces;
  std::string message;  // of abandon
  Outcome outcome;
  std::vector<std::vector<uint8_t>> received;  // of gather, at the root
  void* owner = nullptr;                       // for the binding

  size_t bytes() const;
};

/// What a started world says of itself.
struct Start {
  std::string error;  // empty: it started
  int rank = 0, size = 1;
  std::string host;
};

class World {
 public:
  /// Starts MPI in a thread. `started` and `ended` are called from that thread.
  World(std::function<void(Start)> started, std::function<void(Operation*)> ended);

  /// Hands an operation over. It is owned by the world until `ended` gets it.
  void submit(Operation* operation);

  /// After an abandoned operation every further one is refused, until this is called.
  void recover();

  /// Wakes the thread, so that it sees what was asked for elsewhere.
  void wake();

 private:
  void run();
  bool start();
  /// Waits until all ranks have come to an operation, and sees whether it is the same one.
  void arrive(Operation& operation);
  void carry_out(Operation& operation);
  int transfer(Operation& operation);
  void agree_on_abandonment(Operation& operation, int rank);
  void fail(Operation& operation, int code);

  std::function<void(Start)> started_;
  std::function<void(Operation*)> ended_;
  Transfers* transfers_ = nullptr;
  uint64_t count_ = 0;  // of operations so far
  std::vector<char> packed_;

  std::mutex lock_;
  std::condition_variable changed_;
  std::deque<Operation*> queue_;
  Outcome abandonment_;  // end == abandoned while operations are refused
  std::thread thread_;
};

/// The name and version of the MPI library. It may be asked before MPI is started.
std::string library_version();

}  // namespace easel
