#include "runtime/block.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <mutex>

#if defined(__linux__)
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#endif

namespace easel {
namespace {

constexpr size_t cache_line = 64;
constexpr size_t huge_page = size_t{2} << 20;
/// A discarded block of this size or more gives its pages back without waiting to be freed. For a
/// smaller one the call would cost more than it brings.
constexpr size_t discarded_early = size_t{128} << 10;
constexpr int slots = 4;

#if defined(__linux__)
/// Gives the system advice on the whole pages of memory.
void advise(void* memory, size_t bytes, size_t page, int advice) {
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(memory) + page - 1) / page * page;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(memory) + bytes) / page * page;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, advice);
}
#endif

#if defined(__linux__)
/// Advice for huge pages can cost more than it brings. Where memory is full of page cache, the system
/// compacts memory at each first touch and finds no huge page: 32 MB took 7 to 116 ms to touch, and
/// 14.5 without advice. So it is tried from time to time.
constexpr size_t probed = size_t{4} << 20;
constexpr int probe_rounds = 2;
constexpr int64_t probe_again = 30;  // seconds

std::atomic<int64_t> probe_due{0};
std::atomic<int64_t> advised_ns{-1}, plain_ns{-1};
std::mutex probing;

int64_t nanoseconds(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * int64_t{1000000000} + now.tv_nsec;
}

/// The time, of this thread, of touching fresh memory for the first time. −1 if there is none.
int64_t first_touch(bool advised) {
  void* reserved = mmap(nullptr, probed + huge_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (reserved == MAP_FAILED) return -1;
  char* const memory = reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(reserved) + huge_page - 1) / huge_page * huge_page);
  if (advised) madvise(memory, probed, MADV_HUGEPAGE);
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const int64_t begin = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
  for (size_t at = 0; at < probed; at += page) static_cast<volatile char*>(memory)[at] = 1;
  const int64_t taken = nanoseconds(CLOCK_THREAD_CPUTIME_ID) - begin;
  munmap(reserved, probed + huge_page);
  return taken;
}

/// Whether the advice pays at present.
bool advice_pays() {
  const int64_t now = nanoseconds(CLOCK_MONOTONIC);
  if (now >= probe_due.load()) {
    std::unique_lock<std::mutex> guard(probing, std::try_to_lock);
    if (guard.owns_lock()) {
      int64_t best[2] = {-1, -1};
      for (int round = 0; round < probe_rounds; round++) {
        for (int advised = 0; advised < 2; advised++) {
          const int64_t taken = first_touch(advised != 0);
          if (taken >= 0 && (best[advised] < 0 || taken < best[advised])) best[advised] = taken;
        }
      }
      plain_ns.store(best[0]);
      advised_ns.store(best[1]);
      probe_due.store(nanoseconds(CLOCK_MONOTONIC) + probe_again * 1000000000);
    }
  }
  return advised_ns.load() < plain_ns.load();
}
#endif

struct Scratch {
  void* block[slots] = {};
  size_t bytes[slots] = {};
  ~Scratch() {
    for (void* b : block) free_block(b);
  }
};

thread_local Scratch scratches;

}  // namespace

void* allocate_block(size_t bytes) {
  const size_t alignment = bytes >= huge_page ? huge_page : cache_line;
  void* block = nullptr;
  if (posix_memalign(&block, alignment, bytes ? bytes : 1) != 0) return nullptr;
  prefer_huge_pages(block, bytes);
  return block;
}

void prefer_huge_pages(void* memory, size_t bytes) {
#if defined(__linux__)
  // This is a hint. Where there are huge pages, the first touch of a large block costs a third.
  if (bytes >= huge_page && advice_pays()) advise(memory, bytes, huge_page, MADV_HUGEPAGE);
#else
  (void)memory;
  (void)bytes;
#endif
}

HugePages huge_pages() {
#if defined(__linux__)
  const bool pays = advice_pays();
  return {pays, static_cast<double>(advised_ns.load()) / 1e6, static_cast<double>(plain_ns.load()) / 1e6};
#else
  return {false, -1, -1};
#endif
}

void keep_freed_memory() {
#if defined(__GLIBC__)
  // glibc learns from a mapped block that is freed, if it has up to 32 MB: blocks of its size and
  // more are mapped from then on, and twice its size may lie free at the heap's end. Freeing one
  // block of almost 32 MB sets both as high as they go. By itself, glibc gave V8's arrays of 16 MB,
  // freed two at a time, back to the system, and the next ones were page faults again.
  static const bool once = [] {
    void* volatile block = std::malloc((size_t{32} << 20) - (size_t{64} << 10));
    std::free(block);
    return true;
  }();
  (void)once;
#endif
}

void discard_block(void* block, size_t bytes) {
#if defined(__linux__)
  if (bytes >= discarded_early) advise(block, bytes, static_cast<size_t>(sysconf(_SC_PAGESIZE)), MADV_DONTNEED);
#else
  (void)block;
  (void)bytes;
#endif
}

void free_block(void* block) { std::free(block); }

void* scratch(int slot, size_t bytes) {
  Scratch& mine = scratches;
  if (mine.bytes[slot] < bytes || !mine.block[slot]) {  // 0 bytes too get a block, since null says that there is no memory
    free_block(mine.block[slot]);
    mine.block[slot] = allocate_block(bytes);
    mine.bytes[slot] = mine.block[slot] ? bytes : 0;
  }
  return mine.block[slot];
}

}  // namespace easel
