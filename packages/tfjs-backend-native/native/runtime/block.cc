#include "runtime/block.h"

#include <cstdint>
#include <cstdlib>

#if defined(__linux__)
#include <sys/mman.h>
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
  // This is a hint. Without huge pages, the first touch of a large block costs three times as much.
  advise(memory, bytes, huge_page, MADV_HUGEPAGE);
#else
  (void)memory;
  (void)bytes;
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
