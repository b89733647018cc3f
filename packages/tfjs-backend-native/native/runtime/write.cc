#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE 1  // sync_file_range
#endif
#include "runtime/write.h"

#include <cerrno>
#include <condition_variable>
#include <list>
#include <mutex>
#include <utility>

#include "runtime/float_bits.h"

#if !defined(_WIN32)
#include <fcntl.h>
#include <unistd.h>
#endif

namespace easel {
namespace {

/// `bits` without its lowest `count`, rounded to nearest, ties to even.
uint32_t rounded(uint32_t bits, int count) {
  const uint32_t half = (uint32_t{1} << (count - 1)) - 1, odd = bits >> count & 1;
  return (bits + half + odd) >> count;
}

uint16_t float16_of(float value) {
  const uint32_t bits = bits_of(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  constexpr uint32_t infinity = 0x7f800000, too_large = 0x477ff000, least_normal = 0x38800000, half_of_least = 0x33000000;
  if (magnitude > infinity) return static_cast<uint16_t>(sign | 0x7e00);
  if (magnitude >= too_large) return static_cast<uint16_t>(sign | 0x7c00);
  if (magnitude >= least_normal) return static_cast<uint16_t>(sign | rounded(magnitude - (uint32_t{112} << 23), 13));
  if (magnitude <= half_of_least) return static_cast<uint16_t>(sign);
  // The result is a multiple of 2^-24: the significand is shifted until that is its lowest bit.
  const uint32_t significand = (magnitude & 0x7fffff) | 0x800000;
  return static_cast<uint16_t>(sign | rounded(significand, 126 - static_cast<int>(magnitude >> 23)));
}

}  // namespace

void to_float16(uint16_t* to, const float* from, size_t count) {
  for (size_t i = 0; i < count; i++) to[i] = float16_of(from[i]);
}

void to_bfloat16(uint16_t* to, const float* from, size_t count) {
  for (size_t i = 0; i < count; i++) to[i] = static_cast<uint16_t>(bfloat16_upper(from[i]) >> 16);
}

#if defined(_WIN32)
void stop_writing_from(const void*, size_t) {}
#else
namespace {

/// The writes of all environments that have not ended.
struct Writes {
  std::mutex lock;
  std::condition_variable ended;
  std::list<FileWrite*> list;
  std::atomic<int> count{0};  // at 0, a block is freed without the lock
};

/// The list is never destroyed: threads may still write while the process exits.
Writes& writes() {
  static Writes* instance = new Writes;
  return *instance;
}

/// The most bytes of one call of write(). Between calls the thread looks whether to stop.
constexpr size_t most_bytes = size_t{16} << 20;

/// A file that is written from its position on.
class Output {
 public:
  Output(int file, const std::atomic<bool>& stop) : file_(file), stop_(stop) {}

  bool stopped() const { return stop_.load(std::memory_order_relaxed); }

  /// Returns 0 or errno.
  int write_bytes(const void* data, size_t bytes) {
    const char* at = static_cast<const char*>(data);
    while (bytes > 0) {
      if (stopped()) return ECANCELED;
      const ssize_t count = ::write(file_, at, bytes < most_bytes ? bytes : most_bytes);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return errno;
      at += count;
      bytes -= static_cast<size_t>(count);
      start_writing_back(static_cast<size_t>(count));
    }
    return 0;
  }

 private:
  /// Makes the disk begin with what has been written, so that little is left when the file is
  /// synced.
  void start_writing_back(size_t bytes) {
    waiting_ += bytes;
    if (waiting_ < most_bytes) return;
    waiting_ = 0;
#if defined(__linux__)
    sync_file_range(file_, 0, 0, SYNC_FILE_RANGE_WRITE);
#endif
  }

  int file_;
  const std::atomic<bool>& stop_;
  size_t waiting_ = 0;
};

int write_converted(Output& output, const Piece& piece) {
  constexpr size_t most_values = size_t{1} << 18;
  const float* values = static_cast<const float*>(piece.data);
  const size_t count = piece.bytes / sizeof(float);
  std::vector<uint16_t> converted(count < most_values ? count : most_values);
  const auto convert = piece.format == FloatFormat::f16 ? to_float16 : to_bfloat16;
  for (size_t begin = 0; begin < count; begin += most_values) {
    const size_t part = count - begin < most_values ? count - begin : most_values;
    if (output.stopped()) return ECANCELED;
    convert(converted.data(), values + begin, part);
    if (const int error = output.write_bytes(converted.data(), part * sizeof(uint16_t))) return error;
  }
  return 0;
}

}  // namespace

FileWrite::FileWrite(std::vector<Piece> pieces) : pieces_(std::move(pieces)) {
  std::lock_guard<std::mutex> guard(writes().lock);
  writes().list.push_back(this);
  writes().count++;
}

void FileWrite::leave() {
  {
    std::lock_guard<std::mutex> guard(writes().lock);
    const size_t before = writes().list.size();
    writes().list.remove(this);
    if (writes().list.size() != before) writes().count--;
  }
  writes().ended.notify_all();
}

bool FileWrite::reads(const void* memory, size_t bytes) const {
  const char* const begin = static_cast<const char*>(memory);
  for (const Piece& piece : pieces_) {
    const char* const data = static_cast<const char*>(piece.data);
    if (data < begin + bytes && data + piece.bytes > begin) return true;
  }
  return false;
}

int FileWrite::run(int file, int32_t* written) {
  const int error = write_all(file, written);
  leave();
  return error;
}

int FileWrite::write_all(int file, int32_t* written) const {
  Output output(file, stopped_);
  int32_t count = 0;
  for (const Piece& piece : pieces_) {
    const int error = piece.format == FloatFormat::f32 ? output.write_bytes(piece.data, piece.bytes) : write_converted(output, piece);
    if (error) return error;
    __atomic_store_n(written, ++count, __ATOMIC_RELEASE);
  }
  if (::fsync(file) != 0) return errno;
  __atomic_store_n(written, ++count, __ATOMIC_RELEASE);
  return 0;
}

void stop_writing_from(const void* memory, size_t bytes) {
  if (writes().count.load() == 0) return;
  std::unique_lock<std::mutex> guard(writes().lock);
  const auto stop_readers = [&] {
    bool any = false;
    for (FileWrite* write : writes().list) {
      if (!write->reads(memory, bytes)) continue;
      write->stop();
      any = true;
    }
    return any;
  };
  while (stop_readers()) writes().ended.wait(guard);
}
#endif

}  // namespace easel
