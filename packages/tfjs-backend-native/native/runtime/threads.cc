#include "runtime/threads.h"

#include "runtime/cpu.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace easel {
namespace {

constexpr int max_threads = 256;
/// How long an idle worker looks for new work before it sleeps. For spin_time it looks without a
/// pause; until yield_time it then yields its processor to whoever else wants it. Waking a sleeper
/// costs the caller some 15 µs where processors are virtual, and the sleeper comes 50 to 300 µs
/// later.
constexpr auto spin_time = std::chrono::microseconds(40), yield_time = std::chrono::microseconds(1000);
/// How long a job's owner waits for others' last chunks before it sleeps.
constexpr auto owner_spin_time = std::chrono::microseconds(160);

inline void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  // This waits some ten cycles. `yield` does nothing on most cores.
  __asm__ volatile("isb" ::: "memory");
#else
  std::this_thread::yield();
#endif
}

/// How many processors this process may use at once: the affinity mask, cut by the cgroup's quota
/// (version 2, else 1).
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

int clamp_threads(long count) { return count < 1 ? 1 : count > max_threads ? max_threads : static_cast<int>(count); }

std::atomic<int>& wanted_threads() {
  static std::atomic<int> count{[] {
    const char* forced = setting("THREADS");
    const long number = forced ? std::strtol(forced, nullptr, 10) : 0;
    return clamp_threads(number > 0 ? number : usable_processors());
  }()};
  return count;
}

#if defined(__linux__)
/// Keeps workers off the processor of the thread that calls them. Linux likes to wake a thread
/// where its waker runs, above all in a virtual machine, where a halted processor does not count as
/// idle. The waker or the worker then waits for a tick, up to 4 ms, while another processor is
/// idle.
class Placement {
 public:
  /// Lets all `count` workers run where the calling thread may run, except on its own processor. If
  /// there are more workers than other processors, they may run there too. `look_again`: the
  /// caller's own mask may have changed.
  void follow_caller(const pthread_t* workers, int count, bool look_again) {
    const int processor = sched_getcpu();
    if (processor == processor_ && count == count_ && !look_again) return;
    cpu_set_t mask;
    if (processor < 0 || processor >= CPU_SETSIZE || sched_getaffinity(0, sizeof(mask), &mask) != 0) return;
    const bool here = CPU_ISSET(processor, &mask);
    if (CPU_COUNT(&mask) - here >= count) CPU_CLR(processor, &mask);
    for (int i = CPU_EQUAL(&mask, &mask_) ? count_ : 0; i < count; i++) pthread_setaffinity_np(workers[i], sizeof(mask), &mask);
    processor_ = processor;
    count_ = count;
    mask_ = mask;
  }

 private:
  int processor_ = -1, count_ = 0;
  cpu_set_t mask_ = {};
};
#endif

/// True on pool workers and on a thread that is inside run_chunks. Nested calls run inline.
thread_local bool inside = false;

struct Pool {
  // The ticket holds (generation << 32 | chunks not yet taken). A worker takes a chunk by
  // decreasing it, which fails if the job has changed meanwhile. The job's fields are written only
  // while no chunks are left and all have ended, so a worker may read them after it has taken a
  // chunk.
  alignas(64) std::atomic<uint64_t> ticket{0};
  alignas(64) std::atomic<int64_t> ended{0};
  alignas(64) void (*body)(void*, int64_t, int64_t) = nullptr;
  void* context = nullptr;
  int64_t n = 0, grain = 1, chunks = 0;
  /// Workers that may take part: the first `helpers` of them, at most thread_count() − 1.
  std::atomic<int> helpers{0};

  alignas(64) std::mutex job;  // held by the thread whose job is running
  std::mutex sleep;
  std::condition_variable wake;     // workers, for a new generation
  std::condition_variable all_done;  // the owner of the job
  std::atomic<int> sleepers{0};
  std::atomic<bool> owner_sleeps{false};
  int workers = 0;  // started so far; guarded by job, as what follows
#if defined(__linux__)
  pthread_t handles[max_threads] = {};
  Placement placement;
#endif

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
      const auto called = [&] {
        return static_cast<uint32_t>(ticket.load()) != 0 && index < helpers.load(std::memory_order_relaxed);
      };
      const auto start = std::chrono::steady_clock::now();
      bool found = called();
      for (auto waited = start - start; !found && waited < yield_time; waited = std::chrono::steady_clock::now() - start) {
        for (int i = 0; i < 32 && !found; i++) {
          relax();
          found = called();
        }
        if (waited > spin_time) std::this_thread::yield();
      }
      if (!found) {
        std::unique_lock<std::mutex> lock(sleep);
        sleepers.fetch_add(1);
        while (!called()) wake.wait(lock);
        sleepers.fetch_sub(1);
      }
      work();
    }
  }

  void run(int64_t n_, int64_t grain_, int64_t chunks_, void (*body_)(void*, int64_t, int64_t), void* context_, int threads) {
    const int64_t useful = chunks_ - 1 < threads - 1 ? chunks_ - 1 : threads - 1;
    while (workers < useful) {
      std::thread worker([this, index = workers] { serve(index); });
#if defined(__linux__)
      handles[workers] = worker.native_handle();
#endif
      worker.detach();
      workers++;
    }
    body = body_;
    context = context_;
    n = n_;
    grain = grain_;
    chunks = chunks_;
    ended.store(0, std::memory_order_relaxed);
    helpers.store(static_cast<int>(useful), std::memory_order_relaxed);
#if defined(__linux__)
    placement.follow_caller(handles, workers < threads ? workers : threads - 1, sleepers.load(std::memory_order_relaxed) > 0);
#endif
    const uint64_t generation = (ticket.load(std::memory_order_relaxed) >> 32) + 1;
    ticket.store(generation << 32 | static_cast<uint64_t>(chunks_));
    if (sleepers.load() > 0) {
      { std::lock_guard<std::mutex> lock(sleep); }
      wake.notify_all();
    }
    work();
    const auto give_up = std::chrono::steady_clock::now() + owner_spin_time;
    while (ended.load(std::memory_order_acquire) != chunks_) {
      relax();
      if (std::chrono::steady_clock::now() < give_up) continue;
      // A worker lost its processor in the middle of a chunk. Sleeping lets it have this one.
      std::unique_lock<std::mutex> lock(sleep);
      owner_sleeps.store(true);
      while (ended.load() != chunks_) all_done.wait(lock);
      owner_sleeps.store(false);
    }
  }
};

/// The pool is never destroyed: workers may still look at it while the process exits.
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
