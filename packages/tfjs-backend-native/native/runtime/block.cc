#include "runtime/block.h"

#include <cstdlib>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace easel {
namespace {

constexpr size_t cache_line = 64;
constexpr size_t huge_page = size_t{2} << 20;
constexpr int slots = 4;

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
  const size_t rounded = (bytes + cache_line - 1) / cache_line * cache_line;
  void* block = nullptr;
  if (posix_memalign(&block, alignment, rounded ? rounded : cache_line) != 0) return nullptr;
#if defined(__linux__)
  // A hint: without huge pages first touch of a large block costs three times as much.
  if (bytes >= huge_page) madvise(block, rounded, MADV_HUGEPAGE);
#endif
  return block;
}

void free_block(void* block) { std::free(block); }

void* scratch(int slot, size_t bytes) {
  Scratch& mine = scratches;
  if (mine.bytes[slot] < bytes) {
    free_block(mine.block[slot]);
    mine.block[slot] = allocate_block(bytes);
    mine.bytes[slot] = mine.block[slot] ? bytes : 0;
  }
  return mine.block[slot];
}

}  // namespace easel
