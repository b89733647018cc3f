// Bilinear resizing on vectors of channels: the same text for each vector target. avx2.cc,
// avx512.cc and neon.cc include it and name the table.
#pragma once

#include "kernels/resize/resize.h"
#include "kernels/vec.h"

namespace easel {
namespace {

static inline vf between(vf first, vf second, vf fraction) { return fma(sub(second, first), fraction, first); }

void bilinear_row(float* y, const float* top, const float* bottom, float fraction, const BilinearAxis& columns, int64_t channels) {
  const vf down = set(fraction);
  for (int64_t j = 0; j < columns.to; j++, y += channels) {
    const int64_t left = columns.first[j] * channels, right = columns.second[j] * channels;
    const vf along = set(columns.fraction[j]);
    const auto value = [&](int64_t c, auto read) __attribute__((always_inline)) {
      const vf above = between(read(top + left + c), read(top + right + c), along);
      const vf below = between(read(bottom + left + c), read(bottom + right + c), along);
      return between(above, below, down);
    };
    for_vectors(
        channels, [&](int64_t c) { store(y + c, value(c, [](const float* p) { return load(p); })); },
        [&](int64_t c, int64_t count) { store_first(y + c, count, value(c, [count](const float* p) { return load_first(p, count); })); });
  }
}

void gradient_row(float* dx, const float* dy, float weight, const BilinearAxis& columns, int64_t channels) {
  for (int64_t j = 0; j < columns.to; j++, dy += channels) {
    float* const left = dx + columns.first[j] * channels;
    float* const right = dx + columns.second[j] * channels;
    const vf to_left = set(weight * (1 - columns.fraction[j])), to_right = set(weight * columns.fraction[j]);
    // Left and right may be one pixel. The first sum is stored before the second is read.
    for_vectors(
        channels,
        [&](int64_t c) {
          const vf gradient = load(dy + c);
          store(left + c, fma(to_left, gradient, load(left + c)));
          store(right + c, fma(to_right, gradient, load(right + c)));
        },
        [&](int64_t c, int64_t count) {
          const vf gradient = load_first(dy + c, count);
          store_first(left + c, count, fma(to_left, gradient, load_first(left + c, count)));
          store_first(right + c, count, fma(to_right, gradient, load_first(right + c, count)));
        });
  }
}

}  // namespace
}  // namespace easel
