// Convolutions 3×3 of stride 1 by Winograd's minimal filtering F(4×4, 3×3), float32 (Lavin and Gray
// 2015, arXiv:1509.09308).
//
// An output tile of 4×4 pixels Y comes from the 6×6 pixels d under it, for each pair of channels:
//
//   Y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A
//
// These are 36 multiplications where the definition has 144. Summed over input channels, the 36
// products are 36 matrix products [tiles, c]·[c, d], which the register tile of kernels/gemm
// computes. A, B and G belong to the interpolation points 0, ±5/8, ±3/2, ∞ (exact in binary). With
// them the error is a quarter of that of the usual 0, ±1, ±2, ∞.
//
// Errors were measured against float64 on a swish's outputs and weights of variance 1/(9·c), with c
// = 32, 128, 512, on every target. The largest error is at most 2.0e-6 of the largest result,
// forward and to the image, and 1.1e-6 for the filter. Root mean squares are 8.4e-7 and 5.3e-7 of
// the results'. Direct sums in float32 have 6e-7 and 4e-7 there.
//
// The filter's gradient is the adjoint of the same form, dg = Gᵀ[Σ (Bᵀ d B) ⊙ (A dY Aᵀ)]G, summed
// over all tiles by 36 products [c, tiles]·[tiles, d]. An infinity or NaN in x spreads over the
// output tiles that see it, at most 5 pixels beyond its own windows.
#pragma once

#include <cstdint>

#include "kernels/gemm/gemm.h"

namespace easel {

/// Pixels along the side of an output tile and of the input that it needs, and the number of
/// products of such a tile.
constexpr int64_t winograd_tile = 4, winograd_patch = 6, winograd_products = 36;
/// The interpolation points ±a and ±b.
constexpr float winograd_a = 0.625f, winograd_b = 1.5f;

/// The transforms of one CPU target. Rows of v, u and m are read and written in whole vectors, so
/// their strides are multiples of winograd_lanes.
struct WinogradKernels {
  /// v[k·v_step + c] = (Bᵀ d B)[k] with d[i,j] = x[i·x_row + j·x_pixel + c], for c < channels. From
  /// there to the vector's end v is 0.
  void (*input)(float* v, int64_t v_step, const float* x, int64_t x_row, int64_t x_pixel, int64_t channels);
  /// u[k·u_step + i·u_row + j] = (G g Gᵀ)[k] with g[t] = f[t·f_tap + i·f_row + j], for i < rows, j
  /// < columns. From there to the vector's end u is 0.
  void (*filter)(float* u, int64_t u_step, int64_t u_row, const float* f, int64_t f_tap, int64_t f_row, int64_t rows, int64_t columns);
  /// y[i·y_row + j·y_pixel + c] = (Aᵀ m A)[i,j] + bias[c], for i < rows, j < columns (up to 4), c <
  /// channels. With relu it is at least 0 (NaN stays). bias may be null.
  void (*output)(float* y, int64_t y_row, int64_t y_pixel, int rows, int columns, const float* m, int64_t m_step, int64_t channels, const float* bias, bool relu);
  /// The adjoint of output: w[k·w_step + c] = (A dY Aᵀ)[k] with dY[i,j] = dy[i·dy_row + j·dy_pixel
  /// + c], for c < channels. From there to the vector's end w is 0.
  void (*output_adjoint)(float* w, int64_t w_step, const float* dy, int64_t dy_row, int64_t dy_pixel, int64_t channels);
  /// The adjoint of filter: df[t·f_tap + i·f_row + j] = (Gᵀ u G)[t] with u[k] = u[k·u_step +
  /// i·u_row + j], for i < rows, j < columns.
  void (*filter_adjoint)(float* df, int64_t f_tap, int64_t f_row, const float* u, int64_t u_step, int64_t u_row, int64_t rows, int64_t columns);
};

constexpr int64_t winograd_lanes = 16;

extern const WinogradKernels winograd_serial, winograd_avx2, winograd_avx512, winograd_neon;

/// y [images, out_h, out_w, out_c] from x [images, in_h, in_w, in_c] and filter [3,3,in_c,out_c].
/// If transposed, the filter is [3,3,out_c,in_c] and its taps are taken in reverse: that is the
/// gradient with respect to the image. Pads may be negative.
struct WinogradProblem {
  int64_t images, in_h, in_w, in_c, out_h, out_w, out_c, pad_top, pad_left;
  const float* x;
  const float* filter;
  bool transposed;
  float* y;
  Epilogue epilogue;
};

/// Whether a convolution 3×3 of stride 1 with these sizes is faster this way than directly.
bool winograd_pays(int64_t images, int64_t out_h, int64_t out_w, int64_t in_c, int64_t out_c);

/// Runs on all threads. Returns false if scratch memory is lacking.
bool winograd(const WinogradProblem& problem);

/// df [3,3,in_c,out_c] from x [images, in_h, in_w, in_c] and dy [images, out_h, out_w, out_c].
/// Tiles are summed in fixed parts, and the parts in order.
struct WinogradGradient {
  int64_t images, in_h, in_w, in_c, out_h, out_w, out_c, pad_top, pad_left;
  const float* x;
  const float* dy;
  float* df;
};

/// Runs on all threads. Returns false if scratch memory is lacking.
bool winograd_filter_gradient(const WinogradGradient& problem);

}  // namespace easel
