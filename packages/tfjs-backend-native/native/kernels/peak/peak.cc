#include "kernels/peak/peak.h"

#include <atomic>
#include <chrono>

#include "runtime/dispatch.h"
#include "runtime/threads.h"

namespace easel {

double multiply_add_peak() {
  using Clock = std::chrono::steady_clock;
  constexpr int runs = 8;
  constexpr int64_t rounds = 2000;  // a microsecond or two between looks at the clock
  constexpr auto length = std::chrono::milliseconds(5);
  const auto kernel = EASEL_KERNELS(peak).multiply_adds;
  std::atomic<int64_t> sunk{0};
  double best = 0;
  for (int run = 0; run < runs; run++) {
    std::atomic<int64_t> done{0};
    const auto start = Clock::now(), end = start + length;
    parallel_for(thread_count(), 1, [&](int64_t, int64_t) {
      int64_t mine = 0;
      float sink = 0;
      while (Clock::now() < end) mine += kernel(rounds, &sink);
      done.fetch_add(mine);
      if (sink != sink) sunk.fetch_add(1);  // uses what was computed
    });
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    const double rate = static_cast<double>(done.load()) / seconds;
    if (rate > best) best = rate;
  }
  return best;
}

}  // namespace easel
