// Whether a kernel writes past the caches. Two threads of a Sapphire Rapids copied arrays of 16,
// 32, 64 and 128 MB. Ordinary stores reached 60, 52, 38 and 29 GB/s. Streaming stores, with the
// input prefetched 8 kB ahead, reached 58, 58, 57 and 57 GB/s (41 at 128 MB without prefetching). A
// chain of operations, each reading what the last one wrote, breaks even at 32 MB: a smaller output
// is better left in the last-level cache for whoever reads it.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace easel {

constexpr int64_t streamed_bytes = int64_t{32} << 20;

/// Whether an output of so many 4-byte elements is streamed. It depends on the size alone, so it is
/// the same for any number of threads.
inline bool is_streamed(int64_t words) { return words * 4 >= streamed_bytes; }

/// Call this after streaming stores, before another thread may read: the release of a lock does not
/// order them.
inline void finish_streaming() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}

}  // namespace easel
