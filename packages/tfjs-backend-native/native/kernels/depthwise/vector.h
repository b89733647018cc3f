// Depthwise convolution on vectors of channels: the same text for each vector target. avx2.cc,
// avx512.cc and neon.cc include it and name the table.
#pragma once

#include "kernels/depthwise/depthwise.h"
#include "kernels/vec.h"

namespace easel {
namespace {

/// How many windows share each vector of the filter: as many sums as hide the latency of a
/// multiply-add.
constexpr int64_t side_by_side = 8;

/// Computes `tile` windows of one vector of channels. read(p) and write(p, v) move the channels
/// that there are.
template <int tile, typename Read, typename Write>
static inline __attribute__((always_inline)) void sum_tile(float* y, const float* x, const float* filter, const DepthwiseWindows& w, Read read, Write write) {
  vf sum[tile];
  for (int t = 0; t < tile; t++) sum[t] = zero();
  for (int64_t i = 0; i < w.rows; i++, x += w.x_row, filter += w.filter_row) {
    const float* pixel = x;
    const float* tap = filter;
    for (int64_t j = 0; j < w.columns; j++, pixel += w.x_pixel, tap += w.filter_pixel) {
      const vf factor = read(tap);
      for (int t = 0; t < tile; t++) sum[t] = fma(factor, read(pixel + t * w.x_step), sum[t]);
    }
  }
  for (int t = 0; t < tile; t++) write(y + t * w.y_step, sum[t]);
}

template <typename Read, typename Write>
static inline __attribute__((always_inline)) void sum_windows(float* y, const float* x, const float* filter, const DepthwiseWindows& w, Read read, Write write) {
  int64_t left = w.count;
  const auto next = [&](int64_t tile) {
    left -= tile;
    x += tile * w.x_step;
    y += tile * w.y_step;
  };
  for (; left >= side_by_side; next(side_by_side)) sum_tile<side_by_side>(y, x, filter, w, read, write);
  if (left >= 4) {
    sum_tile<4>(y, x, filter, w, read, write);
    next(4);
  }
  if (left >= 2) {
    sum_tile<2>(y, x, filter, w, read, write);
    next(2);
  }
  if (left >= 1) sum_tile<1>(y, x, filter, w, read, write);
}

void sums(float* y, const float* x, const float* filter, const DepthwiseWindows& w) {
  for_vectors(
      w.channels,
      [&](int64_t c) __attribute__((always_inline)) {
        sum_windows(y + c, x + c, filter + c, w, [](const float* p) { return load(p); }, [](float* p, vf v) { store(p, v); });
      },
      [&](int64_t c, int64_t count) __attribute__((always_inline)) {
        sum_windows(y + c, x + c, filter + c, w, [count](const float* p) { return load_first(p, count); }, [count](float* p, vf v) { store_first(p, count, v); });
      });
}

/// How many taps have their sums in registers together: a 3×3 window's.
constexpr int most_taps = 9;

/// The sums of `taps` taps over all windows. Their pixels are x + pixels[t], their places df +
/// places[t].
template <int taps, typename Read, typename Write>
static inline __attribute__((always_inline)) void sum_taps(float* df, const float* x, const float* dy, const int64_t* pixels, const int64_t* places, const DepthwiseWindows& w,
                                                           Read read, Write write) {
  vf sum[taps];
  const float* from[taps];
  for (int t = 0; t < taps; t++) {
    sum[t] = read(df + places[t]);
    from[t] = x + pixels[t];
  }
  int64_t at = 0;
  for (int64_t n = 0; n < w.count; n++, dy += w.y_step, at += w.x_step) {
    const vf gradient = read(dy);
    for (int t = 0; t < taps; t++) sum[t] = fma(gradient, read(from[t] + at), sum[t]);
  }
  for (int t = 0; t < taps; t++) write(df + places[t], sum[t]);
}

template <typename Read, typename Write>
static inline void filter_windows(float* df, const float* x, const float* dy, const int64_t* pixels, const int64_t* places, int taps, const DepthwiseWindows& w, Read read,
                                  Write write) {
  switch (taps) {
    case 1:
      return sum_taps<1>(df, x, dy, pixels, places, w, read, write);
    case 2:
      return sum_taps<2>(df, x, dy, pixels, places, w, read, write);
    case 3:
      return sum_taps<3>(df, x, dy, pixels, places, w, read, write);
    case 4:
      return sum_taps<4>(df, x, dy, pixels, places, w, read, write);
    case 5:
      return sum_taps<5>(df, x, dy, pixels, places, w, read, write);
    case 6:
      return sum_taps<6>(df, x, dy, pixels, places, w, read, write);
    case 7:
      return sum_taps<7>(df, x, dy, pixels, places, w, read, write);
    case 8:
      return sum_taps<8>(df, x, dy, pixels, places, w, read, write);
    default:
      return sum_taps<most_taps>(df, x, dy, pixels, places, w, read, write);
  }
}

void filter_sums(float* df, const float* x, const float* dy, const DepthwiseWindows& w) {
  const int64_t all = w.rows * w.columns;
  for (int64_t first = 0; first < all; first += most_taps) {
    const int taps = static_cast<int>(all - first < most_taps ? all - first : most_taps);
    int64_t pixels[most_taps], places[most_taps];
    for (int t = 0; t < taps; t++) {
      const int64_t i = (first + t) / w.columns, j = (first + t) % w.columns;
      pixels[t] = i * w.x_row + j * w.x_pixel;
      places[t] = i * w.filter_row + j * w.filter_pixel;
    }
    for_vectors(
        w.channels,
        [&](int64_t c) { filter_windows(df + c, x + c, dy + c, pixels, places, taps, w, [](const float* p) { return load(p); }, [](float* p, vf v) { store(p, v); }); },
        [&](int64_t c, int64_t count) {
          filter_windows(df + c, x + c, dy + c, pixels, places, taps, w, [count](const float* p) { return load_first(p, count); },
                         [count](float* p, vf v) { store_first(p, count, v); });
        });
  }
}

}  // namespace
}  // namespace easel
