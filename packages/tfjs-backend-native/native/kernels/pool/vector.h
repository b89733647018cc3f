// Pooling on vectors of channels: the same text for each vector target. avx2.cc, avx512.cc and
// neon.cc include it and name the table.
#pragma once

#include "kernels/pool/pool.h"
#include "kernels/vec.h"

namespace easel {
namespace {

void largest(float* y, const float* x, const PoolWindows& w) {
  const auto window = [&](const float* first, auto read) __attribute__((always_inline)) {
    vf most = set(-__builtin_inff());
    for (int64_t i = 0; i < w.rows; i++, first += w.x_row) {
      const float* p = first;
      for (int64_t j = 0; j < w.columns; j++, p += w.x_pixel) most = max_second(read(p), most);
    }
    return most;
  };
  for (int64_t n = 0; n < w.count; n++, x += w.x_step, y += w.channels) {
    for_vectors(
        w.channels, [&](int64_t c) { store(y + c, window(x + c, [](const float* p) { return load(p); })); },
        [&](int64_t c, int64_t count) { store_first(y + c, count, window(x + c, [count](const float* p) { return load_first(p, count); })); });
  }
}

void average(float* y, const float* x, const PoolWindows& w) {
  const vf number = set(static_cast<float>(w.rows * w.columns));
  const auto window = [&](const float* first, auto read) __attribute__((always_inline)) {
    vf sum = zero();
    for (int64_t i = 0; i < w.rows; i++, first += w.x_row) {
      const float* p = first;
      for (int64_t j = 0; j < w.columns; j++, p += w.x_pixel) sum = add(sum, read(p));
    }
    return div(sum, number);
  };
  for (int64_t n = 0; n < w.count; n++, x += w.x_step, y += w.channels) {
    for_vectors(
        w.channels, [&](int64_t c) { store(y + c, window(x + c, [](const float* p) { return load(p); })); },
        [&](int64_t c, int64_t count) { store_first(y + c, count, window(x + c, [count](const float* p) { return load_first(p, count); })); });
  }
}

void largest_gradient(float* dx, const float* dy, const float* x, int64_t first_row, int64_t last_row, const PoolWindows& w) {
  // The pixels of the window are numbered in floats, exact below 2^24. The binding refuses larger
  // windows.
  const auto window = [&](float* d, vf gradient, const float* first, auto read, auto write) __attribute__((always_inline)) {
    vf most = set(-__builtin_inff()), position = set(-1.0f);
    float number = 0;
    for (int64_t i = 0; i < w.rows; i++, first += w.x_row) {
      const float* p = first;
      for (int64_t j = 0; j < w.columns; j++, p += w.x_pixel, number += 1) {
        const vf value = read(p);
        const vm larger = greater(value, most);
        most = select(larger, value, most);
        position = select(larger, set(number), position);
      }
    }
    number = static_cast<float>(first_row * w.columns);
    d += first_row * w.x_row;
    for (int64_t i = first_row; i < last_row; i++, d += w.x_row) {
      float* p = d;
      for (int64_t j = 0; j < w.columns; j++, p += w.x_pixel, number += 1) {
        write(p, add(read(p), select(equal(position, set(number)), gradient, zero())));
      }
    }
  };
  for (int64_t n = 0; n < w.count; n++, x += w.x_step, dx += w.x_step, dy += w.channels) {
    for_vectors(
        w.channels,
        [&](int64_t c) { window(dx + c, load(dy + c), x + c, [](const float* p) { return load(p); }, [](float* p, vf v) { store(p, v); }); },
        [&](int64_t c, int64_t count) {
          window(dx + c, load_first(dy + c, count), x + c, [count](const float* p) { return load_first(p, count); },
                 [count](float* p, vf v) { store_first(p, count, v); });
        });
  }
}

void average_gradient(float* dx, const float* dy, float scale, const PoolWindows& w) {
  const auto window = [&](float* first, vf gradient, auto read, auto write) __attribute__((always_inline)) {
    for (int64_t i = 0; i < w.rows; i++, first += w.x_row) {
      float* p = first;
      for (int64_t j = 0; j < w.columns; j++, p += w.x_pixel) write(p, add(read(p), gradient));
    }
  };
  const vf factor = set(scale);
  for (int64_t n = 0; n < w.count; n++, dx += w.x_step, dy += w.channels) {
    for_vectors(
        w.channels,
        [&](int64_t c) { window(dx + c, mul(factor, load(dy + c)), [](const float* p) { return load(p); }, [](float* p, vf v) { store(p, v); }); },
        [&](int64_t c, int64_t count) {
          window(dx + c, mul(factor, load_first(dy + c, count)), [count](const float* p) { return load_first(p, count); },
                 [count](float* p, vf v) { store_first(p, count, v); });
        });
  }
}

}  // namespace
}  // namespace easel
