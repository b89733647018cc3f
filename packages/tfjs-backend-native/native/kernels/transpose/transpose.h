// Transpositions of 4-byte elements. Where the last axis stays, runs are copied. Otherwise tiles of
// the plane of the output's and the input's last axes are turned in registers. Threads take tiles.
#pragma once

#include <cstdint>

namespace easel {

struct TransposeKernels {
  /// y[c·y_stride + r] = x[r·x_stride + c] for r < rows, c < columns.
  void (*tile)(float* y, int64_t y_stride, const float* x, int64_t x_stride, int64_t rows, int64_t columns);
};

extern const TransposeKernels transpose_serial, transpose_avx2, transpose_avx512, transpose_neon;

/// The axes of the output, row-major, and the input's step along each of them.
struct Permutation {
  static constexpr int most_axes = 8;
  int rank;
  int64_t extent[most_axes], x_step[most_axes];
};

/// y [extents] = x, seen with the steps. Some axis must have step 1.
void transpose(float* y, const float* x, const Permutation& axes);

}  // namespace easel
