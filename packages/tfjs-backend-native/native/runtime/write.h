// Writes tensors to a file from a thread that is not JavaScript's. This does not exist on Windows,
// where an addon cannot use Node's file descriptors.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace easel {

/// How float32 values are stored.
enum class FloatFormat { f32, f16, bf16 };

/// Memory to be written. Anything but float32 is written as it is, under FloatFormat::f32.
struct Piece {
  const void* data;
  size_t bytes;
  FloatFormat format;
};

/// Rounds to nearest, ties to even. NaN stays NaN; what is too large becomes infinite.
void to_float16(uint16_t* to, const float* from, size_t count);
void to_bfloat16(uint16_t* to, const float* from, size_t count);

#if !defined(_WIN32)
/// One file that a thread of its own writes.
class FileWrite {
 public:
  explicit FileWrite(std::vector<Piece> pieces);
  ~FileWrite() { leave(); }
  FileWrite(const FileWrite&) = delete;
  FileWrite& operator=(const FileWrite&) = delete;

  /// Writes all pieces one after another at the file's position, then syncs the file. Call it once.
  /// `written` is set to the number of whole pieces as it grows, and to one more when the file is
  /// synced; other threads may look at it. Returns 0 or errno, ECANCELED if it was stopped.
  int run(int file, int32_t* written);

  /// Stops the write. Any thread may call this.
  void stop() { stopped_ = true; }
  bool reads(const void* memory, size_t bytes) const;

 private:
  int write_all(int file, int32_t* written) const;
  void leave();

  const std::vector<Piece> pieces_;
  std::atomic<bool> stopped_{false};
};
#endif

/// Call this before memory is freed. It stops whatever is being written from that memory, and
/// returns when nobody reads it any more. An environment that ends frees its arrays before its
/// clean-up hooks run.
void stop_writing_from(const void* memory, size_t bytes);

}  // namespace easel
