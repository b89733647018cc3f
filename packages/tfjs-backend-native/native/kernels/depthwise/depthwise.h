// Depthwise convolutions of images [B,H,W,C] with filters [h,w,C,M], float32, with any stride,
// padding and dilation. Every channel has M filters of its own:
//
//   y[b,i,j,c·M + m] = Σ_{u,v} x[b, i·stride_h + u·dilation_h − pad_top,
//                                j·stride_w + v·dilation_w − pad_left, c] · f[u,v,c,m]
//
// x is 0 outside of the image. The gradients with respect to x and f are here too.
//
// Channels share no product, so vectors lie along them, and a tile of neighbouring pixels takes
// each vector of the filter once. With M above 1, the rows of x that a task reads are written out
// with each channel M times. From there on it is a convolution of C·M channels; dx is summed over m
// at the end.
//
// Sums are float32. y and dx are summed in reading order of the filter's taps; df row by row within
// parts of the rows, then the parts in order. All of that depends on sizes alone. Outputs must not
// overlap inputs.
#pragma once

#include <cstdint>

#include "kernels/conv/conv.h"

namespace easel {

/// `count` windows side by side. Each has rows × columns taps, all of them inside of x. Steps are
/// in floats and may be negative.
struct DepthwiseWindows {
  /// Steps from a tap's pixel of x: to that of the tap below (x_row), to that of the tap at its
  /// right (x_pixel), and to that of the same tap of the next window (x_step).
  int64_t x_row, x_pixel, x_step;
  /// Steps from a tap of the filter to the one below and to the one at its right.
  int64_t filter_row, filter_pixel;
  /// The step from one window's result to the next one's.
  int64_t y_step;
  int64_t rows, columns, count, channels;
};

struct DepthwiseKernels {
  /// y[n, c] = Σ over a window's taps of x · filter.
  void (*sums)(float* y, const float* x, const float* filter, const DepthwiseWindows& windows);
  /// df[tap, c] += Σ_n x[tap of window n, c] · dy[n, c]. df is laid out as the filter, dy as y.
  void (*filter_sums)(float* df, const float* x, const float* dy, const DepthwiseWindows& windows);
};

extern const DepthwiseKernels depthwise_serial, depthwise_avx2, depthwise_avx512, depthwise_neon;

/// y [B,out_h,out_w,out_c] from x [B,in_h,in_w,in_c] and filter [h,w,out_c], with out_c = M·in_c.
/// This function and the two below return false if scratch memory is lacking.
bool depthwise(const ConvShape& shape, const float* x, const float* filter, float* y, const Epilogue& epilogue);

/// dx from dy and filter. Each residue of the stride is a convolution of dy with the filter's taps
/// that reach it.
bool depthwise_input_gradient(const ConvShape& shape, const float* dy, const float* filter, float* dx);

/// df from x and dy.
bool depthwise_filter_gradient(const ConvShape& shape, const float* x, const float* dy, float* df);

}  // namespace easel
