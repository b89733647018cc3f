// The most that the processor can do: float32 multiply-adds in registers, of which a product is
// made. It is measured, since neither the clock under load nor the number of units is known
// beforehand.
#pragma once

#include <cstdint>

namespace easel {

struct PeakKernels {
  /// Runs `rounds` multiply-adds of each of several independent chains, and adds the end of one of
  /// them to *sink. Returns how many floating-point operations that was.
  int64_t (*multiply_adds)(int64_t rounds, float* sink);
};

extern const PeakKernels peak_serial, peak_avx2, peak_avx512, peak_neon;

/// Floating-point operations a second of all threads, a multiply-add counted as two: the best of
/// several short runs. Takes 40 ms.
double multiply_add_peak();

}  // namespace easel
