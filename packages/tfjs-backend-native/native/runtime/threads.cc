#include "runtime/threads.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace easel {
namespace {

constexpr int max_threads = 256;
/// How long an idle worker looks for new work before it sleeps: about the gap between two kernels of a model.
constexpr auto spin_time = std::chrono::microseconds(40);

inline void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  // Waits some ten cycles. `yield` is a no-op on most cores.
  __asm__ volatile("isb" ::: "memory");
#else
  std::this_thread::yield();
#endif
}

/// Processors this process may use at once: affinity mask, cut by the cgroup's quota (version 2, else 1).
int usable_processors() {
  int count = static_cast<int>(std::thread::hardware_concurrency());
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) count = CPU_COUNT(&set);
  double quota = 0, period = 0;
  if (FILE* file = std::fopen("/sys/fs/cgroup/cpu.max", "r")) {
    if (std::fscanf(file, "%lf %lf", &quota, &period) != 2) quota = 0;  // "max 100000": no quota
    std::fclose(file);
  } else if (FILE* v1 = std::fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "r")) {
    if (std::fscanf(v1, "%lf", &quota) != 1) quota = 0;
    std::fclose(v1);
    if (FILE* v1_period = std::fopen("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "r")) {
      if (std::fscanf(v1_period, "%lf", &period) != 1) period = 0;
      std::fclose(v1_period);
    }
  }
  if (quota > 0 && period > 0) {
    const int allowed = static_cast<int>(quota / period + 0.5);
    if (allowed < count) count = allowed;
  }
#endif
  return count < 1 ? 1 : count;
}

/// The processor that runs the calling thread, or -1 where the system does not say.
int this_processor() {
#if defined(__linux__)
  return sched_getcpu();
#else
  return -1;
#endif
}

/// Moves the calling thread from `processor` to another one that it may use, if there is one.
void leave(int processor) {
#if defined(__linux__)
  cpu_set_t all;
  if (processor < 0 || processor >= CPU_SETSIZE || sched_getaffinity(0, sizeof(all), &all) != 0) return;
  cpu_set_t others = all;
  CPU_CLR(processor, &others);
  if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof(others), &others) != 0) return;
  sched_setaffinity(0, sizeof(all), &all);
#else
  (void)processor;
#endif
}

int clamp_threads(long count) { return count < 1 ? 1 : count > max_threads ? max_threads : static_cast<int>(count); }

std::atomic<int>& wanted_threads() {
  static std::atomic<int> count{[] {
    const char* forced = std::getenv("EASEL_THREADS");
    const long number = forced ? std::strtol(forced, nullptr, 10) : 0;
    return clamp_threads(number > 0 ? number : usable_processors());
  }()};
  return count;
}

/// True on pool workers and on a thread that is inside run_chunks: nested calls run inline.
thread_local bool inside = false;

struct Pool {
  // The ticket holds (generation << 32 | chunks not yet taken). A worker takes a chunk by decreasing it, which fails if the
  // job has changed meanwhile; the job's fields are written only while it is 0 and all chunks have ended, so they may be read after a chunk is taken.
  alignas(64) std::atomic<uint64_t> ticket{0};
  alignas(64) std::atomic<int64_t> ended{0};
  alignas(64) void (*body)(void*, int64_t, int64_t) = nullptr;
  void* context = nullptr;
  int64_t n = 0, grain = 1, chunks = 0;
  /// Workers that may take part: the first thread_count() - 1 ones.
  std::atomic<int> helpers{0};
  /// Where the job's owner ran when it called.
  std::atomic<int> owner_processor{-1};

  alignas(64) std::mutex job;  // held by the thread whose job is running
  std::mutex sleep;
  std::condition_variable wake;     // workers, for a new generation
  std::condition_variable all_done;  // the owner of the job
  std::atomic<int> sleepers{0};
  std::atomic<bool> owner_sleeps{false};
  int workers = 0;  // started so far; guarded by job

  /// Takes and runs chunks until none is left.
  void work() {
    uint64_t now = ticket.load(std::memory_order_acquire);
    while (static_cast<uint32_t>(now) != 0) {
      if (!ticket.compare_exchange_weak(now, now - 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
      const int64_t total = chunks;
      const int64_t begin = (total - static_cast<int64_t>(static_cast<uint32_t>(now))) * grain;
      const int64_t end = begin + grain < n ? begin + grain : n;
      body(context, begin, end);
      if (ended.fetch_add(1) + 1 == total && owner_sleeps.load()) {
        { std::lock_guard<std::mutex> lock(sleep); }
        all_done.notify_one();
      }
      now = ticket.load(std::memory_order_acquire);
    }
  }

  void serve(int index) {
    inside = true;
    for (;;) {
      const auto give_up = std::chrono::steady_clock::now() + spin_time;
      const auto called = [&] {
        return static_cast<uint32_t>(ticket.load()) != 0 && index < helpers.load(std::memory_order_relaxed);
      };
      bool found = called();
      while (!found && std::chrono::steady_clock::now() < give_up) {
        for (int i = 0; i < 32 && !found; i++) {
          relax();
          found = called();
        }
      }
      if (!found) {
        std::unique_lock<std::mutex> lock(sleep);
        sleepers.fetch_add(1);
        while (!called()) wake.wait(lock);
        sleepers.fetch_sub(1);
      }
      // Linux likes to wake a thread where its waker runs, and leaves it there: owner and worker would take turns on one processor for seconds.
      const int processor = this_processor();
      if (processor >= 0 && processor == owner_processor.load(std::memory_order_relaxed)) leave(processor);
      work();
    }
  }

  void run(int64_t n_, int64_t grain_, int64_t chunks_, void (*body_)(void*, int64_t, int64_t), void* context_, int threads) {
    const int64_t useful = chunks_ - 1 < threads - 1 ? chunks_ - 1 : threads - 1;
    while (workers < useful) {
      std::thread([this, index = workers] { serve(index); }).detach();
      workers++;
    }
    body = body_;
    context = context_;
    n = n_;
    grain = grain_;
    chunks = chunks_;
    ended.store(0, std::memory_order_relaxed);
    helpers.store(static_cast<int>(useful), std::memory_order_relaxed);
    owner_processor.store(this_processor(), std::memory_order_relaxed);
    const uint64_t generation = (ticket.load(std::memory_order_relaxed) >> 32) + 1;
    ticket.store(generation << 32 | static_cast<uint64_t>(chunks_));
    if (sleepers.load() > 0) {
      { std::lock_guard<std::mutex> lock(sleep); }
      wake.notify_all();
    }
    work();
    const auto give_up = std::chrono::steady_clock::now() + 4 * spin_time;
    while (ended.load(std::memory_order_acquire) != chunks_) {
      relax();
      if (std::chrono::steady_clock::now() < give_up) continue;
      // A worker was put off the processor in the middle of a chunk: let it have this one.
      std::unique_lock<std::mutex> lock(sleep);
      owner_sleeps.store(true);
      while (ended.load() != chunks_) all_done.wait(lock);
      owner_sleeps.store(false);
    }
  }
};

/// Never destroyed: workers may still look at it while the process exits.
Pool& pool() {
  static Pool* instance = new Pool;
  return *instance;
}

}  // namespace

int thread_count() { return wanted_threads().load(std::memory_order_relaxed); }

void set_thread_count(int count) { wanted_threads().store(clamp_threads(count)); }

void run_chunks(int64_t n, int64_t grain, void (*body)(void* context, int64_t begin, int64_t end), void* context) {
  if (n <= 0) return;
  if (grain < 1) grain = 1;
  if ((n - 1) / grain >= INT32_MAX) grain = n / INT32_MAX + 1;
  const int64_t chunks = (n + grain - 1) / grain;
  const int threads = thread_count();
  if (chunks > 1 && threads > 1 && !inside) {
    Pool& shared = pool();
    if (shared.job.try_lock()) {
      inside = true;
      shared.run(n, grain, chunks, body, context, threads);
      inside = false;
      shared.job.unlock();
      return;
    }
  }
  for (int64_t begin = 0; begin < n; begin += grain) body(context, begin, begin + grain < n ? begin + grain : n);
}

}  // namespace easel
