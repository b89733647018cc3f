// Blocks of memory for tensors, aligned for the widest loads. The JavaScript side decides on their
// reuse.
#pragma once

#include <cstddef>

namespace easel {

/// Uninitialised memory, aligned to 64 bytes. From 2 MiB on it is aligned to 2 MiB, and huge pages
/// are asked for where that pays. Returns null if there is none.
void* allocate_block(size_t bytes);

/// Gives the whole pages of a block back to the system. The block's contents are then unspecified,
/// and it must still be freed.
void discard_block(void* block, size_t bytes);

/// Asks for huge pages under memory that is about to be written for the first time, if that pays at
/// present. The memory may be of any origin.
void prefer_huge_pages(void* memory, size_t bytes);

/// Whether huge pages are asked for, and why: the processor time, in ms, of touching 4 MB of fresh
/// memory with and without. It is measured again where the last time is 30 s ago. Times are −1 where
/// there is no such advice.
struct HugePages {
  bool advised;
  double with_ms, without_ms;
};
HugePages huge_pages();

/// Lets malloc keep up to 64 MB of freed memory for whoever asks next. This works on glibc, which
/// learns from what is freed, unless its environment says otherwise.
void keep_freed_memory();

/// Frees what allocate_block returned.
void free_block(void* block);

/// Scratch memory of the calling thread: at least `bytes`, aligned to 64 bytes, valid until the
/// thread's next call with the same slot (0..3). Returns null if there is none. The memory stays
/// with the thread, so kernels do not pay for page faults again.
void* scratch(int slot, size_t bytes);

}  // namespace easel
