// Bilinear resizing of images [B,H,W,C], float32. y[i,j] is the mean of four pixels of x, weighted
// by nearness. Columns come first: t = x[top,left] + (x[top,right] − x[top,left])·f, the same for
// the line below, then t + (below − t)·g. The gradient is the adjoint: every dy goes to the four
// pixels with the weights (1 − g)(1 − f), (1 − g)f, g(1 − f) and g·f, summed in reading order of
// dy.
#pragma once

#include <cstdint>

namespace easel {

/// For each line of y: the two lines of x between which it lies, and how far it is from the first
/// to the second.
struct BilinearAxis {
  int64_t from, to;
  const int32_t* first;
  const int32_t* second;
  const float* fraction;
};

struct ResizeKernels {
  /// One row of y from two rows of x.
  void (*bilinear_row)(float* y, const float* top, const float* bottom, float fraction, const BilinearAxis& columns, int64_t channels);
  /// Adds weight · one row of dy to one row of dx.
  void (*gradient_row)(float* dx, const float* dy, float weight, const BilinearAxis& columns, int64_t channels);
};

extern const ResizeKernels resize_serial, resize_avx2, resize_avx512, resize_neon;

/// y [batch, rows.to, columns.to, channels] from x [batch, rows.from, columns.from, channels]. Runs
/// on all threads.
void resize_bilinear(float* y, const float* x, int64_t batch, const BilinearAxis& rows, const BilinearAxis& columns, int64_t channels);

/// dx [batch, rows.from, columns.from, channels] from dy [batch, rows.to, columns.to, channels].
/// Runs on all threads.
void resize_bilinear_gradient(float* dx, const float* dy, int64_t batch, const BilinearAxis& rows, const BilinearAxis& columns, int64_t channels);

}  // namespace easel
