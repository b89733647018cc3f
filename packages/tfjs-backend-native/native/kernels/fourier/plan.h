// A transform of one length by PocketFFT, as a class.
#pragma once

#include <cstdint>
#include <memory>

namespace easel {
namespace pocketfft {

class Plan {
 public:
  /// The plan of a length from 1 on. Returns null if there is no memory.
  static std::shared_ptr<const Plan> make(int64_t length);
  ~Plan();
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  int64_t length() const { return length_; }

  /// Transforms `length` pairs (real, imaginary) in place; the inverse is divided by length. Several
  /// threads may do so at once. Returns false if there is no memory.
  bool run(double* pairs, bool inverse) const;

 private:
  Plan(int64_t length, void* plan) : length_(length), plan_(plan) {}

  int64_t length_;
  void* plan_;
};

}  // namespace pocketfft
}  // namespace easel
