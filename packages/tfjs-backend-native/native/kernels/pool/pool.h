// Pooling of images [B,H,W,C], float32, with windows of any size, stride and padding.
//
//   largest  y[b,i,j,c] = max over the window's pixels inside of the image. NaN is passed over, and
//            a window without a number gives −Inf, as in tfjs's cpu kernel.
//   average  y[b,i,j,c] = sum over the window's pixels inside of the image, divided by their number
//
// The gradients are here too. dy of a largest pixel goes to the first one in reading order, as in
// tfjs's cpu kernel. dy of an average is divided by the number of pixels inside of the image, as
// the average itself (tfjs's cpu kernel divides by the whole window's size at the border too). Sums
// are float32, in reading order of the windows. Outputs must not overlap inputs.
#pragma once

#include <cstdint>

namespace easel {

struct PoolShape {
  int64_t batch, in_h, in_w, channels, out_h, out_w, window_h, window_w;
  int64_t stride_h, stride_w, pad_top, pad_left;
};

/// `count` windows side by side, each of rows × columns pixels of x, clipped to the image. From one
/// window to the next, x moves by x_step floats and y by `channels` floats.
struct PoolWindows {
  int64_t x_row, x_pixel, x_step;
  int64_t rows, columns, count, channels;
};

struct PoolKernels {
  void (*largest)(float* y, const float* x, const PoolWindows& windows);
  void (*average)(float* y, const float* x, const PoolWindows& windows);
  /// dx[first largest pixel] += dy, only in the window's rows first_row…last_row − 1. dx is laid
  /// out as x.
  void (*largest_gradient)(float* dx, const float* dy, const float* x, int64_t first_row, int64_t last_row, const PoolWindows& windows);
  /// dx[every pixel of the window] += scale · dy.
  void (*average_gradient)(float* dx, const float* dy, float scale, const PoolWindows& windows);
};

extern const PoolKernels pool_serial, pool_avx2, pool_avx512, pool_neon;

void max_pool(float* y, const float* x, const PoolShape& shape);
void average_pool(float* y, const float* x, const PoolShape& shape);
void max_pool_gradient(float* dx, const float* dy, const float* x, const PoolShape& shape);
void average_pool_gradient(float* dx, const float* dy, const PoolShape& shape);

}  // namespace easel
