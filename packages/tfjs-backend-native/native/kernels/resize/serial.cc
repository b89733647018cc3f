// Plain C++: the reference, and the only code on other processors.
#include "kernels/resize/resize.h"

namespace easel {
namespace {

void bilinear_row(float* y, const float* top, const float* bottom, float fraction, const BilinearAxis& columns, int64_t channels) {
  for (int64_t j = 0; j < columns.to; j++, y += channels) {
    const int64_t left = columns.first[j] * channels, right = columns.second[j] * channels;
    for (int64_t c = 0; c < channels; c++) {
      const float above = top[left + c] + (top[right + c] - top[left + c]) * columns.fraction[j];
      const float below = bottom[left + c] + (bottom[right + c] - bottom[left + c]) * columns.fraction[j];
      y[c] = above + (below - above) * fraction;
    }
  }
}

}  // namespace

const ResizeKernels resize_serial = {bilinear_row};

}  // namespace easel
