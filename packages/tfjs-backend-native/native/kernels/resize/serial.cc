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

void gradient_row(float* dx, const float* dy, float weight, const BilinearAxis& columns, int64_t channels) {
  for (int64_t j = 0; j < columns.to; j++, dy += channels) {
    float* const left = dx + columns.first[j] * channels;
    float* const right = dx + columns.second[j] * channels;
    const float fraction = columns.fraction[j];
    for (int64_t c = 0; c < channels; c++) {
      left[c] += (weight * (1 - fraction)) * dy[c];
      right[c] += (weight * fraction) * dy[c];
    }
  }
}

}  // namespace

const ResizeKernels resize_serial = {bilinear_row, gradient_row};

}  // namespace easel
