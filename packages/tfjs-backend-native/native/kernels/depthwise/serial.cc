// Plain C++: the reference, and the only code on other processors.
#include "kernels/depthwise/depthwise.h"

namespace easel {
namespace {

void sums(float* y, const float* x, const float* filter, const DepthwiseWindows& w) {
  for (int64_t n = 0; n < w.count; n++, x += w.x_step, y += w.y_step) {
    for (int64_t c = 0; c < w.channels; c++) {
      float sum = 0;
      for (int64_t i = 0; i < w.rows; i++) {
        for (int64_t j = 0; j < w.columns; j++) sum += x[i * w.x_row + j * w.x_pixel + c] * filter[i * w.filter_row + j * w.filter_pixel + c];
      }
      y[c] = sum;
    }
  }
}

void filter_sums(float* df, const float* x, const float* dy, const DepthwiseWindows& w) {
  for (int64_t n = 0; n < w.count; n++, x += w.x_step, dy += w.y_step) {
    for (int64_t i = 0; i < w.rows; i++) {
      for (int64_t j = 0; j < w.columns; j++) {
        for (int64_t c = 0; c < w.channels; c++) df[i * w.filter_row + j * w.filter_pixel + c] += x[i * w.x_row + j * w.x_pixel + c] * dy[c];
      }
    }
  }
}

}  // namespace

const DepthwiseKernels depthwise_serial = {sums, filter_sums};

}  // namespace easel
