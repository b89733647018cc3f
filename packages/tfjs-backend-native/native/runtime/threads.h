// One pool of threads for the whole process. It is made at first use, shared by all JS
// environments, and never torn down. Only portable files include this: in a file compiled for one
// CPU target the templates here would become weak symbols.
#pragma once

#include <cstdint>
#include <type_traits>

namespace easel {

/// How many threads take part in parallel_for, the calling one included:
/// TFJS_NATIVE_THREADS, else what affinity and the cgroup quota allow.
int thread_count();

/// Changes thread_count() for the whole process. count is clamped to 1..256.
void set_thread_count(int count);

/// Runs body(context, begin, end) on the chunks [i·grain, min(n, (i+1)·grain)) of 0..n, in any
/// order on any thread, and returns when all have run. Chunks depend on n and grain alone, so
/// results do not depend on the number of threads. Three kinds of call run on the calling thread
/// alone: a single chunk, a call from inside a chunk, and a call while another environment's thread
/// uses the pool.
void run_chunks(int64_t n, int64_t grain, void (*body)(void* context, int64_t begin, int64_t end), void* context);

/// run_chunks for a callable body(begin, end). Choose grain so that a chunk takes 10 µs or more.
template <typename Body>
inline void parallel_for(int64_t n, int64_t grain, Body&& body) {
  run_chunks(
      n, grain, [](void* context, int64_t begin, int64_t end) { (*static_cast<std::remove_reference_t<Body>*>(context))(begin, end); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

}  // namespace easel
