// What the processor can at most: float32 multiply-adds in registers, of which a product is made.
// Measured, since neither the clock under load nor the number of units is known beforehand.
#pragma once

#include <cstdint>

namespace easel {

struct PeakKernels {
  /// `rounds` multiply-adds of each of several independent chains; adds the end of one of them to *sink, and returns how many floating-point operations that was.
  int64_t (*multiply_adds)(int64_t rounds, float* sink);
};

extern const PeakKernels peak_serial, peak_avx2, peak_avx512, peak_neon;

/// Floating-point operations a second (two a multiply-add) of all threads: the best of several short runs. Takes 40 ms.
double multiply_add_peak();

}  // namespace easel
