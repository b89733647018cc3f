// Pooling on vectors of channels: the same text for each vector target. Included by avx2.cc, avx512.cc and neon.cc, which name the table.
#pragma once

#include "kernels/pool/pool.h"
#include "kernels/vec.h"

namespace easel {
namespace {

/// Calls f(offset) for each pixel of the window, rows first.
template <typename F>
static inline void each_pixel(const PoolWindow& w, F f) {
  for (int64_t r = 0; r < w.rows; r++) {
    for (int64_t c = 0; c < w.columns; c++) f(r * w.row_step + c * w.column_step);
  }
}

static void pool_max(float* y, const float* x, const PoolWindow& w) {
  const auto largest = [&](auto read) {
    vf best = set(-__builtin_inff());
    each_pixel(w, [&](int64_t at) { best = max_second(read(at), best); });  // NaN: the best so far
    return best;
  };
  for_vectors(
      w.channels, [&](int64_t j) { store(y + j, largest([&](int64_t at) { return load(x + at + j); })); },
      [&](int64_t j, int64_t n) { store_first(y + j, n, largest([&](int64_t at) { return load_first(x + at + j, n); })); });
}

static void pool_sum(float* y, const float* x, const PoolWindow& w, float scale) {
  const auto total = [&](auto read) {
    vf sum = zero();
    each_pixel(w, [&](int64_t at) { sum = add(sum, read(at)); });
    return mul(sum, set(scale));
  };
  for_vectors(
      w.channels, [&](int64_t j) { store(y + j, total([&](int64_t at) { return load(x + at + j); })); },
      [&](int64_t j, int64_t n) { store_first(y + j, n, total([&](int64_t at) { return load_first(x + at + j, n); })); });
}

static void pool_max_gradient(float* dx, const float* x, const float* dy, const PoolWindow& w) {
  // The number of the first largest pixel, as a float: windows have far fewer than 2^24.
  const auto first_largest = [&](auto read) {
    vf best = set(-__builtin_inff()), place = set(-1.0f);
    float number = 0;
    each_pixel(w, [&](int64_t at) {
      const vf value = read(at);
      const vm more = greater(value, best);
      best = select(more, value, best);
      place = select(more, set(number), place);
      number += 1.0f;
    });
    return place;
  };
  for_vectors(
      w.channels,
      [&](int64_t j) {
        const vf place = first_largest([&](int64_t at) { return load(x + at + j); }), g = load(dy + j);
        float number = 0;
        each_pixel(w, [&](int64_t at) {
          float* to = dx + at + j;
          store(to, select(equal(place, set(number)), add(load(to), g), load(to)));
          number += 1.0f;
        });
      },
      [&](int64_t j, int64_t n) {
        const vf place = first_largest([&](int64_t at) { return load_first(x + at + j, n); }), g = load_first(dy + j, n);
        float number = 0;
        each_pixel(w, [&](int64_t at) {
          float* to = dx + at + j;
          const vf old = load_first(to, n);
          store_first(to, n, select(equal(place, set(number)), add(old, g), old));
          number += 1.0f;
        });
      });
}

static void pool_sum_gradient(float* dx, const float* dy, const PoolWindow& w, float scale) {
  each_pixel(w, [&](int64_t at) {
    float* to = dx + at;
    for_vectors(
        w.channels, [&](int64_t j) { store(to + j, add(load(to + j), mul(load(dy + j), set(scale)))); },
        [&](int64_t j, int64_t n) { store_first(to + j, n, add(load_first(to + j, n), mul(load_first(dy + j, n), set(scale)))); });
  });
}

}  // namespace
}  // namespace easel

#define EASEL_POOL_TABLE \
  { pool_max, pool_sum, pool_max_gradient, pool_sum_gradient }
