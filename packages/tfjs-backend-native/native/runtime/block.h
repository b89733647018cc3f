// Blocks of memory for tensors, aligned for the widest loads. Reuse of blocks is the JavaScript
// side's business.
#pragma once

#include <cstddef>

namespace easel {

/// Uninitialised memory, aligned to 64 bytes, or to 2 MiB with huge pages asked for from 2 MiB up. Null if there is none.
void* allocate_block(size_t bytes);

/// Gives the whole pages of a block back to the system; its contents are then unspecified, and it must still be freed.
void discard_block(void* block, size_t bytes);

/// Asks for huge pages for memory of any origin that is about to be written for the first time.
void prefer_huge_pages(void* memory, size_t bytes);

/// Lets malloc keep up to 64 MB that were freed, for whoever asks next, where it learns from what is freed (glibc, unless its environment says otherwise).
void keep_freed_memory();

/// Gives back what allocate_block returned.
void free_block(void* block);

/// Scratch memory of the calling thread, at least that large and aligned to 64 bytes; valid until its next call with the same slot
/// (0..3). Null if there is none. It stays with the thread, so kernels do not pay for page faults again.
void* scratch(int slot, size_t bytes);

}  // namespace easel
