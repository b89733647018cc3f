#if !defined(_WIN32)
#include "runtime/mapping.h"

#include <cerrno>
#include <csignal>
#include <mutex>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace easel {
namespace {

/// The addresses of a mapping, for the signal handler, which can take no lock. Slots are reused and
/// never freed.
struct Slot {
  std::atomic<uintptr_t> begin{0}, end{0};
  std::atomic<bool> is_cut{false};
  Slot* next = nullptr;
};

std::atomic<Slot*> slots{nullptr};
std::mutex slots_lock;
struct sigaction action_before;

/// The earlier action for a signal that is none of ours.
void pass_on(int signal, siginfo_t* info, void* context) {
  if (action_before.sa_flags & SA_SIGINFO) {
    action_before.sa_sigaction(signal, info, context);
  } else if (action_before.sa_handler != SIG_DFL && action_before.sa_handler != SIG_IGN) {
    action_before.sa_handler(signal);
  } else {
    sigaction(signal, &action_before, nullptr);  // the instruction runs again, and the process ends as it would have
  }
}

void on_bus_error(int signal, siginfo_t* info, void* context) {
  const int error = errno;
  const uintptr_t address = reinterpret_cast<uintptr_t>(info->si_addr);
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  for (Slot* slot = slots.load(); slot; slot = slot->next) {
    if (address < slot->begin.load() || address >= slot->end.load()) continue;
    const uintptr_t begin = address / page * page, end = (slot->end.load() + page - 1) / page * page;
    slot->is_cut.store(true);
    // What lies behind is gone too, so one call serves all of it.
    void* zeros = mmap(reinterpret_cast<void*>(begin), end - begin, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    errno = error;
    if (zeros != MAP_FAILED) return;
    break;
  }
  pass_on(signal, info, context);
}

void watch_bus_errors() {
  static const bool once = [] {
    struct sigaction action = {};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &action_before);
    return true;
  }();
  (void)once;
}

Slot* take_slot(uintptr_t begin, uintptr_t end) {
  std::lock_guard<std::mutex> guard(slots_lock);
  Slot* slot = slots.load();
  while (slot && slot->end.load() != 0) slot = slot->next;
  if (!slot) {
    slot = new Slot;
    slot->next = slots.load();
    slots.store(slot);
  }
  slot->is_cut.store(false);
  slot->begin.store(begin);
  slot->end.store(end);
  return slot;
}

#if defined(__APPLE__)
const timespec& written_at(const struct stat& found) { return found.st_mtimespec; }
#else
const timespec& written_at(const struct stat& found) { return found.st_mtim; }
#endif


/// A file's pages are mapped 2 MiB at a time where the page cache holds them so and the addresses are
/// as aligned as the places in the file. Without that, DALL·E mini's decoding step from a mapped file
/// took 1.2 times as long.
constexpr size_t huge_page = size_t{2} << 20;

/// Maps a file's `size` bytes at an address that is a multiple of 2 MiB.
void* map_aligned(int file, size_t size) {
#if defined(MAP_NORESERVE)
  const int flags = MAP_PRIVATE | MAP_NORESERVE;
#else
  const int flags = MAP_PRIVATE;
#endif
  const int protection = PROT_READ | PROT_WRITE;
  if (size < huge_page) return mmap(nullptr, size, protection, flags, file, 0);
  void* reserved = mmap(nullptr, size + huge_page, PROT_NONE, flags | MAP_ANONYMOUS, -1, 0);
  if (reserved == MAP_FAILED) return reserved;
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t first = reinterpret_cast<uintptr_t>(reserved), last = first + size + huge_page;
  const uintptr_t begin = (first + huge_page - 1) / huge_page * huge_page, end = (begin + size + page - 1) / page * page;
  void* data = mmap(reinterpret_cast<void*>(begin), size, protection, flags | MAP_FIXED, file, 0);
  if (data == MAP_FAILED) {
    const int error = errno;
    munmap(reserved, size + huge_page);
    errno = error;
    return data;
  }
  if (begin > first) munmap(reserved, begin - first);
  if (last > end) munmap(reinterpret_cast<void*>(end), last - end);
#if defined(__linux__)
  madvise(data, size, MADV_HUGEPAGE);  // what is still to be read comes in huge pages too
#endif
  return data;
}

}  // namespace

FileMapping* FileMapping::open(int file) {
  struct stat found;
  if (fstat(file, &found) != 0) return nullptr;
  if (!S_ISREG(found.st_mode) || found.st_size <= 0) {
    errno = EINVAL;
    return nullptr;
  }
  const int own = fcntl(file, F_DUPFD_CLOEXEC, 0);
  if (own < 0) return nullptr;
  const size_t size = static_cast<size_t>(found.st_size);
  void* data = map_aligned(own, size);
  if (data == MAP_FAILED) {
    const int error = errno;
    close(own);
    errno = error;
    return nullptr;
  }
  watch_bus_errors();
  FileMapping* mapping = new FileMapping;
  mapping->data_ = static_cast<uint8_t*>(data);
  mapping->size_ = size;
  mapping->file_ = own;
  mapping->seconds_ = written_at(found).tv_sec;
  mapping->nanoseconds_ = written_at(found).tv_nsec;
  const uintptr_t begin = reinterpret_cast<uintptr_t>(data);
  mapping->slot_ = take_slot(begin, begin + size);
  return mapping;
}

void FileMapping::read_ahead(size_t position, size_t bytes) const {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE)), begin = position / page * page;
  madvise(data_ + begin, position + bytes - begin, MADV_WILLNEED);
}

MappedState FileMapping::state() const {
  if (static_cast<const Slot*>(slot_)->is_cut.load()) return MappedState::shorter;
  struct stat found;
  if (fstat(file_, &found) != 0) return MappedState::changed;
  if (static_cast<size_t>(found.st_size) < size_) return MappedState::shorter;
  const timespec& written = written_at(found);
  const bool same = written.tv_sec == seconds_ && written.tv_nsec == nanoseconds_;
  return same ? MappedState::intact : MappedState::changed;
}

void FileMapping::release() {
  if (references_.fetch_sub(1) != 1) return;
  munmap(data_, size_);
  close(file_);
  Slot* slot = static_cast<Slot*>(slot_);
  slot->begin.store(0);
  slot->end.store(0);  // last: from here on another mapping may take the slot
  delete this;
}

}  // namespace easel
#endif
