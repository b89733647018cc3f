// Grey-scale dilation of images [B,H,W,C] by a filter [h,w,C], float32, as tfjs has it:
//
//   y[b,i,j,c] = max over the window's pixels inside of the image of x + filter
//
// and tfjs's smallest number where a window lies in the padding alone. NaN is passed over.
#pragma once

#include <cstdint>

#include "kernels/pool/pool.h"

namespace easel {

/// `shape` is that of a pooling; the window's pixels are `dilation_h` rows and `dilation_w` columns
/// apart. Runs on all threads.
void dilation(float* y, const float* x, const float* filter, const PoolShape& shape, int64_t dilation_h, int64_t dilation_w);

}  // namespace easel
