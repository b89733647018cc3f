#include "kernels/pool/pool.h"

namespace easel {
namespace {

/// Calls f(offset) for each pixel of the window, rows first.
template <typename F>
void each_pixel(const PoolWindow& w, F f) {
  for (int64_t r = 0; r < w.rows; r++) {
    for (int64_t c = 0; c < w.columns; c++) f(r * w.row_step + c * w.column_step);
  }
}

void max(float* y, const float* x, const PoolWindow& w) {
  for (int64_t j = 0; j < w.channels; j++) {
    float best = -__builtin_inff();
    each_pixel(w, [&](int64_t at) { best = x[at + j] > best ? x[at + j] : best; });
    y[j] = best;
  }
}

void sum(float* y, const float* x, const PoolWindow& w, float scale) {
  for (int64_t j = 0; j < w.channels; j++) {
    float total = 0;
    each_pixel(w, [&](int64_t at) { total += x[at + j]; });
    y[j] = total * scale;
  }
}

void max_gradient(float* dx, const float* x, const float* dy, const PoolWindow& w) {
  for (int64_t j = 0; j < w.channels; j++) {
    float best = -__builtin_inff();
    int64_t place = -1;
    each_pixel(w, [&](int64_t at) {
      if (!(x[at + j] > best)) return;
      best = x[at + j];
      place = at;
    });
    if (place >= 0) dx[place + j] += dy[j];
  }
}

void sum_gradient(float* dx, const float* dy, const PoolWindow& w, float scale) {
  each_pixel(w, [&](int64_t at) {
    for (int64_t j = 0; j < w.channels; j++) dx[at + j] += dy[j] * scale;
  });
}

}  // namespace

const PoolKernels pool_serial = {max, sum, max_gradient, sum_gradient};

}  // namespace easel
