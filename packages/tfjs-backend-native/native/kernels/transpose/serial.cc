#include "kernels/transpose/transpose.h"

namespace easel {
namespace {

void tile(float* y, int64_t y_stride, const float* x, int64_t x_stride, int64_t rows, int64_t columns) {
  for (int64_t c = 0; c < columns; c++) {
    for (int64_t r = 0; r < rows; r++) y[c * y_stride + r] = x[r * x_stride + c];
  }
}

}  // namespace

const TransposeKernels transpose_serial = {tile};

}  // namespace easel
