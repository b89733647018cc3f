// Max and average pooling of float32 images [batch, height, width, channels], and their gradients.
//
//   max: y = largest of the window's pixels, those outside the image and NaN left aside (−Inf where nothing is left); dx gets dy at the
//        window's first largest pixel.
//   average: y = sum of the window's pixels inside the image / their number; dx gets dy / (window height · width), as tfjs's cpu backend has it,
//        also where the window is cut off by the edge.
//
// All channels of a pixel at once, a vector at a time. Work is cut into rows of the result, or pictures and channels, by sizes alone; the windows that
// share a pixel add to it in the order of rows, then columns.
#pragma once

#include <cstdint>

namespace easel {

/// The pixels of one window that lie inside the image: `rows` × `columns` of them, the next row `row_step` floats on, the next column
/// `column_step`; `channels` of each are worked on.
struct PoolWindow {
  int64_t rows, columns, row_step, column_step, channels;
};

struct PoolKernels {
  void (*max)(float* y, const float* x, const PoolWindow& window);
  /// y = scale · sum
  void (*sum)(float* y, const float* x, const PoolWindow& window, float scale);
  /// dx += dy at the first largest of x
  void (*max_gradient)(float* dx, const float* x, const float* dy, const PoolWindow& window);
  /// dx += scale · dy
  void (*sum_gradient)(float* dx, const float* dy, const PoolWindow& window, float scale);
};

extern const PoolKernels pool_serial, pool_avx2, pool_avx512, pool_neon;

struct PoolShape {
  int64_t batch, in_height, in_width, channels, out_height, out_width, filter_height, filter_width, stride_height, stride_width, pad_top, pad_left;
};

/// y [batch, out_height, out_width, channels] from x [batch, in_height, in_width, channels].
void max_pool(float* y, const float* x, const PoolShape& shape);
void average_pool(float* y, const float* x, const PoolShape& shape);

/// dx as x, from dy as y.
void max_pool_gradient(float* dx, const float* dy, const float* x, const PoolShape& shape);
void average_pool_gradient(float* dx, const float* dy, const PoolShape& shape);

}  // namespace easel
