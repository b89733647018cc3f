// Plain C++: the reference, and the only code on other processors.
#include "kernels/pool/pool.h"

namespace easel {
namespace {

void largest(float* y, const float* x, const PoolWindows& w) {
  for (int64_t n = 0; n < w.count; n++, x += w.x_step, y += w.channels) {
    for (int64_t c = 0; c < w.channels; c++) {
      float most = -__builtin_inff();
      for (int64_t i = 0; i < w.rows; i++) {
        for (int64_t j = 0; j < w.columns; j++) {
          const float value = x[i * w.x_row + j * w.x_pixel + c];
          if (value > most) most = value;
        }
      }
      y[c] = most;
    }
  }
}

void average(float* y, const float* x, const PoolWindows& w) {
  for (int64_t n = 0; n < w.count; n++, x += w.x_step, y += w.channels) {
    for (int64_t c = 0; c < w.channels; c++) {
      float sum = 0;
      for (int64_t i = 0; i < w.rows; i++) {
        for (int64_t j = 0; j < w.columns; j++) sum += x[i * w.x_row + j * w.x_pixel + c];
      }
      y[c] = sum / static_cast<float>(w.rows * w.columns);
    }
  }
}

void largest_gradient(float* dx, const float* dy, const float* x, int64_t first_row, int64_t last_row, const PoolWindows& w) {
  for (int64_t n = 0; n < w.count; n++, x += w.x_step, dx += w.x_step, dy += w.channels) {
    for (int64_t c = 0; c < w.channels; c++) {
      float most = -__builtin_inff();
      int64_t row = -1, column = -1;
      for (int64_t i = 0; i < w.rows; i++) {
        for (int64_t j = 0; j < w.columns; j++) {
          const float value = x[i * w.x_row + j * w.x_pixel + c];
          if (value > most) {
            most = value;
            row = i;
            column = j;
          }
        }
      }
      if (row >= first_row && row < last_row) dx[row * w.x_row + column * w.x_pixel + c] += dy[c];
    }
  }
}

void average_gradient(float* dx, const float* dy, float scale, const PoolWindows& w) {
  for (int64_t n = 0; n < w.count; n++, dx += w.x_step, dy += w.channels) {
    for (int64_t i = 0; i < w.rows; i++) {
      for (int64_t j = 0; j < w.columns; j++) {
        for (int64_t c = 0; c < w.channels; c++) dx[i * w.x_row + j * w.x_pixel + c] += scale * dy[c];
      }
    }
  }
}

}  // namespace

const PoolKernels pool_serial = {largest, average, largest_gradient, average_gradient};

}  // namespace easel
