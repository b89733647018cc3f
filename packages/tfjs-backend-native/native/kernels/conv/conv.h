// Two-dimensional convolutions of images [B,H,W,C] with filters [h,w,C,D], float32, with any
// stride, padding and dilation:
//
//   y[b,i,j,d] = Σ_{u,v,c} x[b, i·stride_h + u·dilation_h − pad_top,
//                            j·stride_w + v·dilation_w − pad_left, c] · f[u,v,c,d]
//
// x is 0 outside of the image. The gradients with respect to x and f are here too.
//
// Windows of 3×3 with stride 1 between 12 or more channels take Winograd's form (winograd.h).
// Results of 4 or fewer channels take that of few_channels.h. 1×1 convolutions are plain products.
// The rest are products of register tiles (kernels/gemm) that walk the image in place. Such a tile
// is up to 14 neighbouring pixels of one row by 32 channels; its segments are the rows of the
// window. Nothing like im2col is stored. Only where windows reach over the border are the rows that
// a task needs copied, with zeros around them. Sums are float32, in an order that depends on sizes
// and CPU target alone. Outputs must not overlap inputs.
#pragma once

#include <cstdint>

#include "kernels/gemm/gemm.h"

namespace easel {

struct ConvShape {
  int64_t batch, in_h, in_w, in_c, out_h, out_w, out_c, filter_h, filter_w;
  int64_t stride_h, stride_w, pad_top, pad_left, dilation_h, dilation_w;
};

/// y [B,out_h,out_w,out_c] from x [B,in_h,in_w,in_c] and filter [h,w,in_c,out_c]. Returns false if
/// scratch memory is lacking.
bool conv2d(const ConvShape& shape, const float* x, const float* filter, float* y, const Epilogue& epilogue);

/// dx from dy and filter. Each residue of the stride is a convolution of dy with the filter's taps
/// that reach it.
bool conv2d_input_gradient(const ConvShape& shape, const float* dy, const float* filter, float* dx);

/// df from x and dy. Rows are summed in fixed parts, and the parts in order.
bool conv2d_filter_gradient(const ConvShape& shape, const float* x, const float* dy, float* df);

}  // namespace easel
