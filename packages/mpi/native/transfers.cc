#include "transfers.h"

#include <sched.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstring>

namespace easel {
namespace {

std::atomic<int> abort_code{-1};

/// Elements of one segment of an ordered sum: the parts of two are in memory beside the data.
constexpr size_t segment_elements = size_t{1} << 20;
/// Bytes or elements of one call of MPI, whose counts are ints.
constexpr size_t most_at_once = size_t{1} << 28;

constexpr int scatter_tag = 1, share_tag = 2, count_tag = 3, bytes_tag = 4;

float float_of(uint16_t half) {
  const uint32_t bits = uint32_t{half} << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// To nearest, ties to even. A NaN stays one.
uint16_t bfloat16_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

constexpr size_t block = 1024;

/// out ← ((in₀ + in₁) + in₂) + …; out may be one of the inputs.
void add_up(float* out, const std::vector<const void*>& in, size_t count) {
  float sums[block];
  for (size_t begin = 0; begin < count; begin += block) {
    const size_t some = std::min(block, count - begin);
    std::memcpy(sums, static_cast<const float*>(in[0]) + begin, some * sizeof(float));
    for (size_t k = 1; k < in.size(); k++) {
      const float* from = static_cast<const float*>(in[k]) + begin;
      for (size_t i = 0; i < some; i++) sums[i] += from[i];
    }
    std::memcpy(out + begin, sums, some * sizeof(float));
  }
}

void add_up(uint16_t* out, const std::vector<const void*>& in, size_t count) {
  float sums[block];
  for (size_t begin = 0; begin < count; begin += block) {
    const size_t some = std::min(block, count - begin);
    for (size_t k = 0; k < in.size(); k++) {
      const uint16_t* from = static_cast<const uint16_t*>(in[k]) + begin;
      if (k == 0)
        for (size_t i = 0; i < some; i++) sums[i] = float_of(from[i]);
      else
        for (size_t i = 0; i < some; i++) sums[i] += float_of(from[i]);
    }
    for (size_t i = 0; i < some; i++) out[begin + i] = bfloat16_of(sums[i]);
  }
}

/// Nanoseconds of a clock that only goes on.
int64_t now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{1000000000} * time.tv_sec + time.tv_nsec;
}

void sleep_for(long nanoseconds) {
  const timespec time{0, nanoseconds};
  nanosleep(&time, nullptr);
}

}  // namespace

void request_abort(int code) { abort_code.store(code); }

void abort_if_asked() {
  const int code = abort_code.load(std::memory_order_relaxed);
  if (code >= 0) MPI_Abort(MPI_COMM_WORLD, code);
}

int complete(std::vector<MPI_Request>& requests, size_t bytes) {
  // 30 µs, and 1 GB a second.
  const int64_t eager_until = now() + 30000 + static_cast<int64_t>(bytes);
  const long longest = bytes == 0 ? 2000000 : 100000;
  long pause = 20000;
  for (;;) {
    int done = 0;
    const int error = MPI_Testall(static_cast<int>(requests.size()), requests.data(), &done, MPI_STATUSES_IGNORE);
    if (error != MPI_SUCCESS) return error;
    if (done) break;
    abort_if_asked();
    if (now() < eager_until) {
      sched_yield();
      continue;
    }
    sleep_for(pause);
    pause = std::min(longest, pause + pause / 8);
  }
  requests.clear();
  return MPI_SUCCESS;
}

Transfers::Transfers(MPI_Comm comm) : comm_(comm) {
  MPI_Comm_rank(comm, &rank_);
  MPI_Comm_size(comm, &size_);
}

#define EASEL_TRY(call)                          \
  do {                                           \
    const int error_ = (call);                   \
    if (error_ != MPI_SUCCESS) return error_;    \
  } while (0)

int Transfers::all_reduce_ordered(void* data, size_t count, Element element) {
  if (size_ == 1 || count == 0) return MPI_SUCCESS;
  const size_t width = element == Element::float32 ? sizeof(float) : sizeof(uint16_t);
  const MPI_Datatype type = element == Element::float32 ? MPI_FLOAT : MPI_UINT16_T;
  char* const base = static_cast<char*>(data);
  const size_t ranks = static_cast<size_t>(size_);
  const size_t segments = (count + segment_elements - 1) / segment_elements;
  const auto length = [&](size_t segment) { return std::min(segment_elements, count - segment * segment_elements); };
  // The part of a segment that a rank adds up, in elements from the segment's begin.
  const auto part = [&](size_t segment, size_t rank) { return length(segment) * rank / ranks; };
  const auto place = [&](size_t segment, size_t rank) {
    return base + (segment * segment_elements + part(segment, rank)) * width;
  };
  const auto extent = [&](size_t segment, size_t rank) {
    return static_cast<int>(part(segment, rank + 1) - part(segment, rank));
  };
  const size_t own = static_cast<size_t>(rank_);
  std::vector<MPI_Request> scatter[2], share[2];

  // Sends each other rank its part of a segment, and receives this rank's part from all.
  const auto begin_scatter = [&](size_t segment) -> int {
    std::vector<MPI_Request>& requests = scatter[segment % 2];
    std::vector<char>& scratch = scratch_[segment % 2];
    const int mine = extent(segment, own);
    scratch.resize(std::max(scratch.size(), ranks * static_cast<size_t>(mine) * width));
    for (size_t other = 0; other < ranks; other++) {
      if (other == own) continue;
      const int peer = static_cast<int>(other);
      MPI_Request request;
      EASEL_TRY(MPI_Irecv(scratch.data() + other * static_cast<size_t>(mine) * width, mine, type, peer, scatter_tag, comm_, &request));
      requests.push_back(request);
      EASEL_TRY(MPI_Isend(place(segment, other), extent(segment, other), type, peer, scatter_tag, comm_, &request));
      requests.push_back(request);
    }
    return MPI_SUCCESS;
  };
  const auto sum = [&](size_t segment) {
    const size_t mine = static_cast<size_t>(extent(segment, own));
    std::vector<const void*> inputs;
    for (size_t other = 0; other < ranks; other++)
      inputs.push_back(other == own ? place(segment, own) : scratch_[segment % 2].data() + other * mine * width);
    if (element == Element::float32)
      add_up(reinterpret_cast<float*>(place(segment, own)), inputs, mine);
    else
      add_up(reinterpret_cast<uint16_t*>(place(segment, own)), inputs, mine);
  };
  const auto begin_share = [&](size_t segment) -> int {
    std::vector<MPI_Request>& requests = share[segment % 2];
    for (size_t other = 0; other < ranks; other++) {
      if (other == own) continue;
      const int peer = static_cast<int>(other);
      MPI_Request request;
      EASEL_TRY(MPI_Irecv(place(segment, other), extent(segment, other), type, peer, share_tag, comm_, &request));
      requests.push_back(request);
      EASEL_TRY(MPI_Isend(place(segment, own), extent(segment, own), type, peer, share_tag, comm_, &request));
      requests.push_back(request);
    }
    return MPI_SUCCESS;
  };

  EASEL_TRY(begin_scatter(0));
  for (size_t segment = 0; segment < segments; segment++) {
    EASEL_TRY(complete(scatter[segment % 2], length(segment) * width));
    if (segment + 1 < segments) EASEL_TRY(begin_scatter(segment + 1));
    sum(segment);
    EASEL_TRY(complete(share[segment % 2], segment_elements * width));
    EASEL_TRY(begin_share(segment));
  }
  EASEL_TRY(complete(share[0], segment_elements * width));
  EASEL_TRY(complete(share[1], segment_elements * width));
  return MPI_SUCCESS;
}

int Transfers::all_reduce_any(float* data, size_t count) {
  if (size_ == 1) return MPI_SUCCESS;
  for (size_t begin = 0; begin < count; begin += most_at_once) {
    std::vector<MPI_Request> requests(1);
    const int some = static_cast<int>(std::min(most_at_once, count - begin));
    EASEL_TRY(MPI_Iallreduce(MPI_IN_PLACE, data + begin, some, MPI_FLOAT, MPI_SUM, comm_, requests.data()));
    EASEL_TRY(complete(requests, static_cast<size_t>(some) * sizeof(float)));
  }
  return MPI_SUCCESS;
}

int Transfers::broadcast(void* data, size_t bytes, int root) {
  if (size_ == 1) return MPI_SUCCESS;
  for (size_t begin = 0; begin < bytes; begin += most_at_once) {
    std::vector<MPI_Request> requests(1);
    const int some = static_cast<int>(std::min(most_at_once, bytes - begin));
    EASEL_TRY(MPI_Ibcast(static_cast<char*>(data) + begin, some, MPI_BYTE, root, comm_, requests.data()));
    EASEL_TRY(complete(requests, static_cast<size_t>(some)));
  }
  return MPI_SUCCESS;
}

int Transfers::gather(const void* data, size_t bytes, int root, std::vector<std::vector<uint8_t>>& received) {
  std::vector<MPI_Request> requests;
  // Counts, then bytes, in pieces: one call's count is an int.
  const auto in_pieces = [&](void* at, size_t total, int peer, bool send) -> int {
    for (size_t begin = 0; begin < total; begin += most_at_once) {
      MPI_Request request;
      char* const piece = static_cast<char*>(at) + begin;
      const int some = static_cast<int>(std::min(most_at_once, total - begin));
      EASEL_TRY(send ? MPI_Isend(piece, some, MPI_BYTE, peer, bytes_tag, comm_, &request)
                     : MPI_Irecv(piece, some, MPI_BYTE, peer, bytes_tag, comm_, &request));
      requests.push_back(request);
    }
    return MPI_SUCCESS;
  };
  if (rank_ != root) {
    unsigned long long count = bytes;
    MPI_Request request;
    EASEL_TRY(MPI_Isend(&count, 1, MPI_UNSIGNED_LONG_LONG, root, count_tag, comm_, &request));
    requests.push_back(request);
    EASEL_TRY(in_pieces(const_cast<void*>(data), bytes, root, true));
    return complete(requests, bytes);
  }
  std::vector<unsigned long long> counts(static_cast<size_t>(size_));
  for (int other = 0; other < size_; other++) {
    if (other == root) continue;
    MPI_Request request;
    EASEL_TRY(MPI_Irecv(&counts[static_cast<size_t>(other)], 1, MPI_UNSIGNED_LONG_LONG, other, count_tag, comm_, &request));
    requests.push_back(request);
  }
  EASEL_TRY(complete(requests, sizeof(unsigned long long)));
  received.resize(static_cast<size_t>(size_));
  for (int other = 0; other < size_; other++) {
    std::vector<uint8_t>& part = received[static_cast<size_t>(other)];
    if (other == root) {
      const uint8_t* const own = static_cast<const uint8_t*>(data);
      part.assign(own, own + bytes);
      continue;
    }
    part.resize(counts[static_cast<size_t>(other)]);
    EASEL_TRY(in_pieces(part.data(), part.size(), other, false));
  }
  return complete(requests, bytes);
}

}  // namespace easel
