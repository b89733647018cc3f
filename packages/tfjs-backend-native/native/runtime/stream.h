// Whether a kernel writes past the caches. Two threads of a Sapphire Rapids, copying arrays of 16,
// 32, 64 and 128 MB: 60, 52, 38 and 29 GB/s with ordinary stores; 58, 58, 57 and 57 with streaming
// stores and the input prefetched 8 kB ahead (41 at 128 MB without). A chain of operations, each
// reading what the last one wrote, breaks even at 32 MB: below, the output is better left in the
// last-level cache for whoever reads it.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace easel {

constexpr int64_t streamed_bytes = int64_t{32} << 20;

/// Whether an output of so many 4-byte elements is streamed. From the size alone: the same for any number of threads.
inline bool is_streamed(int64_t words) { return words * 4 >= streamed_bytes; }

/// After streaming stores, before another thread may read: they are not ordered with the release of a lock.
inline void finish_streaming() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}

}  // namespace easel
