// Bilinear resizing on vectors of channels: the same text for each vector target. Included by avx2.cc, avx512.cc and neon.cc, which name the table.
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

}  // namespace
}  // namespace easel
