// Files mapped into memory: weights are used where they lie in the page cache, without a copy.
//
// Memory beyond the end of a file that was cut raises SIGBUS, which would end the process. Here a
// handler puts zeros in its place and marks the mapping; whoever uses the memory asks state()
// before it hands results on. Reads cannot be guarded one by one, because kernels do them. Signals
// outside our mappings go where they went before.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace easel {

/// What has become of a mapped file since it was opened.
enum class MappedState : int { intact, shorter, changed };

/// A whole file, mapped for this process alone: what is written to the memory never reaches the
/// file. (Nothing should write there. If something does, the process goes on.)
class FileMapping {
 public:
  /// Maps the file of a descriptor, which may be closed afterwards. Returns null with errno if the
  /// system refuses. The caller has one reference.
  static FileMapping* open(int file);

  /// The file's bytes when it was opened.
  size_t size() const { return size_; }
  const uint8_t* data() const { return data_; }

  /// Asks the system to read these bytes ahead, while the caller goes on.
  void read_ahead(size_t position, size_t bytes) const;

  /// Whether the file is as it was: it has been cut (`shorter`), or written (`changed`).
  MappedState state() const;

  void retain() { references_.fetch_add(1); }
  /// The last release unmaps the file.
  void release();

 private:
  FileMapping() = default;
  ~FileMapping() = default;

  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  int file_ = -1;
  int64_t seconds_ = 0, nanoseconds_ = 0;  // when the file was last written
  void* slot_ = nullptr;
  std::atomic<int> references_{1};
};

}  // namespace easel
