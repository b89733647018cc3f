// Normalisations on vectors: the same text for each vector target. Included by avx2.cc, avx512.cc and neon.cc, which name the table.
#pragma once

#include <math.h>

#include "kernels/norm/norm.h"
#include "kernels/vec.h"

namespace easel {
namespace {

// Lanes of x beyond a row's end are read as `fill` (so that they add nothing).
static inline vf load_filled(const float* p, int64_t n, float fill) {
  float values[lanes];
  store(values, load_first(p, n));
  for (int64_t i = n; i < lanes; i++) values[i] = fill;
  return load(values);
}

// The last pass over a row, which only writes to memory, fetches what comes so many floats later: the next row where rows are long.
constexpr int64_t long_row = 4096, fetched_ahead = 2048;
constexpr int64_t block = 4096;  // floats that stay in the first-level cache from their sum to their squares

template <bool streamed>
static inline float sum_of(const float* x, int64_t n) {
  vf s0 = zero(), s1 = zero();
  for_pairs<streamed>(
      x, n,
      [&](int64_t i) {
        s0 = add(s0, load(x + i));
        s1 = add(s1, load(x + i + lanes));
      },
      [&](int64_t i, int64_t count) { s1 = add(s1, load_first(x + i, count)); });
  return sum_lanes(add(s0, s1));
}

// Σ (x − m)²
template <bool streamed>
static inline float squares_of(const float* x, int64_t n, float m) {
  const vf vm_ = set(m);
  vf s0 = zero(), s1 = zero();
  for_pairs<streamed>(
      x, n,
      [&](int64_t i) {
        const vf d0 = sub(load(x + i), vm_), d1 = sub(load(x + i + lanes), vm_);
        s0 = fma(d0, d0, s0);
        s1 = fma(d1, d1, s1);
      },
      [&](int64_t i, int64_t count) {
        const vf d = sub(load_filled(x + i, count, m), vm_);
        s1 = fma(d, d, s1);
      });
  return sum_lanes(add(s0, s1));
}

// Mean and sum of squared deviations of a row: of its blocks, put together by Chan's formula.
template <bool streamed>
static inline void moments(const float* x, int64_t n, float* mean, float* squares) {
  if (n <= block) {
    *mean = sum_of<streamed>(x, n) / static_cast<float>(n);
    *squares = squares_of<streamed>(x, n, *mean);
    return;
  }
  double m = 0, s = 0;
  for (int64_t begin = 0, count; begin < n; begin += count) {
    count = block + (streamed && begin == 0 ? before_aligned(x, n) : 0);
    if (count > n - begin) count = n - begin;
    const float here = sum_of<streamed>(x + begin, count) / static_cast<float>(count);
    const double sum = squares_of<streamed>(x + begin, count, here), delta = here - m;
    const double share = static_cast<double>(count) / static_cast<double>(begin + count);
    m += delta * share;
    s += sum + delta * delta * share * static_cast<double>(begin);
  }
  *mean = static_cast<float>(m);
  *squares = static_cast<float>(s);
}

template <bool streamed>
static inline void layer_row_of(float* y, float* mean, float* rstd, const float* x, const float* scale, const float* bias, int64_t width,
                                float epsilon, bool rms) {
  const int64_t ahead = width >= long_row ? width : fetched_ahead;
  float m = 0, squares;
  if (rms) {
    squares = squares_of<streamed>(x, width, 0);
  } else {
    moments<streamed>(x, width, &m, &squares);
  }
  const float r = 1.0f / sqrtf(squares / static_cast<float>(width) + epsilon);
  const vf vm_ = set(m);
  const vf vr = set(r), one = set(1.0f);
  for_output<streamed>(
      y, width,
      [&](int64_t j) {
        if (streamed) prefetch_beyond(x + j, ahead);
        const vf normal = mul(sub(load(x + j), vm_), vr);
        put<streamed>(y + j, fma(normal, scale ? load(scale + j) : one, bias ? load(bias + j) : zero()));
      },
      [&](int64_t j, int64_t n) {
        const vf normal = mul(sub(load_first(x + j, n), vm_), vr);
        store_first(y + j, n, fma(normal, scale ? load_first(scale + j, n) : one, bias ? load_first(bias + j, n) : zero()));
      });
  *mean = m;
  *rstd = r;
}

static void layer_row(float* y, float* mean, float* rstd, const float* x, const float* scale, const float* bias, int64_t width, float epsilon,
                      bool rms, bool streamed) {
  if (streamed) {
    layer_row_of<true>(y, mean, rstd, x, scale, bias, width, epsilon, rms);
  } else {
    layer_row_of<false>(y, mean, rstd, x, scale, bias, width, epsilon, rms);
  }
}

// Rows of a gradient, none of them long, that share each vector of the scale and of the sums over rows: as many as there are registers for. Long ones would have their
// streams of all rows in the same few sets of the caches.
constexpr int together = lanes == 8 ? 2 : 4;

// While the first pass runs it fetches the x of as many rows ahead, the second one their dy; of one row alone the second pass, which writes to memory only, fetches both.
template <int count, bool streamed>
static inline void layer_grad_rows_of(float* dx, float* dscale, float* dbias, const float* dy, const float* x, const float* scale, const float* mean,
                                      const float* rstd, int64_t width, bool rms) {
  const vf one = set(1.0f);
  vf sum[count], dot[count];
  for (int k = 0; k < count; k++) sum[k] = dot[k] = zero();
  const auto take = [&](int64_t i, auto read, auto write) __attribute__((always_inline)) {
    const vf factor = scale ? read(scale + i) : one;
    vf along_x = dscale ? read(dscale + i) : zero(), of_dy = dbias ? read(dbias + i) : zero();
    for (int k = 0; k < count; k++) {
      // dy is 0 beyond the end, so those lanes add nothing.
      const vf d = read(dy + k * width + i), normal = mul(sub(read(x + k * width + i), set(mean[k])), set(rstd[k])), g = mul(d, factor);
      sum[k] = add(sum[k], g);
      dot[k] = fma(g, normal, dot[k]);
      along_x = fma(d, normal, along_x);
      of_dy = add(of_dy, d);
    }
    if (dscale) write(dscale + i, along_x);
    if (dbias) write(dbias + i, of_dy);
  };
  for_vectors(
      width,
      [&](int64_t i) __attribute__((always_inline)) {
        for (int k = 0; streamed && count > 1 && k < count; k++) prefetch_beyond(x + k * width + i, count * width);
        take(i, [](const float* p) { return load(p); }, [](float* p, vf v) { store(p, v); });
      },
      [&](int64_t i, int64_t n) __attribute__((always_inline)) {
        take(i, [n](const float* p) { return load_first(p, n); }, [n](float* p, vf v) { store_first(p, n, v); });
      });
  for (int k = 0; k < count; k++, dx += width, dy += width, x += width) {
    const vf vm_ = set(mean[k]), vr = set(rstd[k]);
    const vf average = set(rms ? 0 : sum_lanes(sum[k]) / static_cast<float>(width)), along = set(sum_lanes(dot[k]) / static_cast<float>(width));
    for_output<streamed>(
        dx, width,
        [&](int64_t i) {
          if (streamed) prefetch_beyond(dy + i, count * width);
          if (streamed && count == 1) prefetch_beyond(x + i, count * width);
          const vf normal = mul(sub(load(x + i), vm_), vr), g = mul(load(dy + i), scale ? load(scale + i) : one);
          put<streamed>(dx + i, mul(vr, fnma(normal, along, sub(g, average))));
        },
        [&](int64_t i, int64_t n) {
          const vf normal = mul(sub(load_first(x + i, n), vm_), vr), g = mul(load_first(dy + i, n), scale ? load_first(scale + i, n) : one);
          store_first(dx + i, n, mul(vr, fnma(normal, along, sub(g, average))));
        });
  }
}

template <bool streamed>
static inline void layer_grad_all(float* dx, float* dscale, float* dbias, const float* dy, const float* x, const float* scale, const float* mean,
                                  const float* rstd, int64_t rows, int64_t width, bool rms) {
  int64_t r = 0;
  for (; width < long_row && r + together <= rows; r += together) {
    const int64_t at = r * width;
    layer_grad_rows_of<together, streamed>(dx + at, dscale, dbias, dy + at, x + at, scale, mean + r, rstd + r, width, rms);
  }
  for (; r < rows; r++) {
    const int64_t at = r * width;
    layer_grad_rows_of<1, streamed>(dx + at, dscale, dbias, dy + at, x + at, scale, mean + r, rstd + r, width, rms);
  }
}

static void layer_grad_rows(float* dx, float* dscale, float* dbias, const float* dy, const float* x, const float* scale, const float* mean,
                            const float* rstd, int64_t rows, int64_t width, bool rms, bool streamed) {
  if (streamed) {
    layer_grad_all<true>(dx, dscale, dbias, dy, x, scale, mean, rstd, rows, width, rms);
  } else {
    layer_grad_all<false>(dx, dscale, dbias, dy, x, scale, mean, rstd, rows, width, rms);
  }
}

static void square_deviations(float* sum, const float* x, const float* mean, int64_t rows, int64_t channels) {
  for_vectors(
      channels,
      [&](int64_t c) {
        const vf m = load(mean + c);
        vf s0 = zero(), s1 = zero();
        int64_t r = 0;
        for (; r + 2 <= rows; r += 2) {
          const vf d0 = sub(load(x + r * channels + c), m), d1 = sub(load(x + (r + 1) * channels + c), m);
          s0 = fma(d0, d0, s0);
          s1 = fma(d1, d1, s1);
        }
        if (r < rows) {
          const vf d = sub(load(x + r * channels + c), m);
          s0 = fma(d, d, s0);
        }
        store(sum + c, add(s0, s1));
      },
      [&](int64_t c, int64_t n) {
        const vf m = load_first(mean + c, n);
        vf s = zero();
        for (int64_t r = 0; r < rows; r++) {
          const vf d = sub(load_first(x + r * channels + c, n), m);
          s = fma(d, d, s);
        }
        store_first(sum + c, n, s);
      });
}

static inline vf activate(vf z, bool swish) { return swish ? mul(z, sigmoid(z)) : z; }

template <bool streamed>
static inline void normalize_rows_of(float* y, const float* x, const float* mean, const float* factor, const float* bias, int64_t rows,
                                     int64_t channels, bool swish) {
  for (int64_t r = 0; r < rows; r++) {
    const float* from = x + r * channels;
    float* to = y + r * channels;
    for_output<streamed>(
        to, channels,
        [&](int64_t c) {
          if (streamed) prefetch(from + c);
          put<streamed>(to + c, activate(fma(sub(load(from + c), load(mean + c)), load(factor + c), load(bias + c)), swish));
        },
        [&](int64_t c, int64_t n) {
          const vf z = fma(sub(load_first(from + c, n), load_first(mean + c, n)), load_first(factor + c, n), load_first(bias + c, n));
          store_first(to + c, n, activate(z, swish));
        });
  }
}

static void normalize_rows(float* y, const float* x, const float* mean, const float* factor, const float* bias, int64_t rows, int64_t channels,
                           bool swish, bool streamed) {
  if (streamed) {
    normalize_rows_of<true>(y, x, mean, factor, bias, rows, channels, swish);
  } else {
    normalize_rows_of<false>(y, x, mean, factor, bias, rows, channels, swish);
  }
}

// dy·silu'(z)
static inline vf through_swish(vf dy, vf z) {
  const vf s = sigmoid(z);
  return mul(dy, fma(z, fnma(s, s, s), s));
}

// The columns of `count` vectors, all rows, with sums in registers.
template <int count>
static inline void grad_sums_of(float* sum1, float* sum2, float* dz, const float* dy, const float* x, const float* mean, const float* rstd,
                                const float* scale, const float* bias, int64_t rows, int64_t channels, bool swish) {
  vf s1[count], s2[count];
  for (int k = 0; k < count; k++) {
    s1[k] = load(sum1 + k * lanes);
    s2[k] = load(sum2 + k * lanes);
  }
  for (int64_t r = 0; r < rows; r++) {
    for (int k = 0; k < count; k++) {
      const int64_t i = r * channels + k * lanes;
      prefetch(x + i);
      prefetch(dy + i);
      const vf normal = mul(sub(load(x + i), load(mean + k * lanes)), load(rstd + k * lanes));
      vf d = load(dy + i);
      if (swish) {
        d = through_swish(d, fma(normal, load(scale + k * lanes), load(bias + k * lanes)));
        if (dz) store(dz + i, d);
      }
      s1[k] = add(s1[k], d);
      s2[k] = fma(d, normal, s2[k]);
    }
  }
  for (int k = 0; k < count; k++) {
    store(sum1 + k * lanes, s1[k]);
    store(sum2 + k * lanes, s2[k]);
  }
}

static void grad_sums(float* sum1, float* sum2, float* dz, const float* dy, const float* x, const float* mean, const float* rstd,
                      const float* scale, const float* bias, int64_t rows, int64_t channels, bool swish) {
  int64_t c = 0;
  for (; c + 4 * lanes <= channels; c += 4 * lanes)
    grad_sums_of<4>(sum1 + c, sum2 + c, dz ? dz + c : nullptr, dy + c, x + c, mean + c, rstd + c, scale + c, bias + c, rows, channels, swish);
  for (; c + lanes <= channels; c += lanes)
    grad_sums_of<1>(sum1 + c, sum2 + c, dz ? dz + c : nullptr, dy + c, x + c, mean + c, rstd + c, scale + c, bias + c, rows, channels, swish);
  if (c == channels) return;
  const int64_t n = channels - c;
  const vf m = load_first(mean + c, n), k = load_first(rstd + c, n), a = load_first(scale + c, n), b = load_first(bias + c, n);
  vf s1 = load_first(sum1 + c, n), s2 = load_first(sum2 + c, n);
  for (int64_t i = c; i < rows * channels; i += channels) {
    const vf normal = mul(sub(load_first(x + i, n), m), k);
    vf d = load_first(dy + i, n);
    if (swish) {
      d = through_swish(d, fma(normal, a, b));
      if (dz) store_first(dz + i, n, d);
    }
    s1 = add(s1, d);
    s2 = fma(d, normal, s2);
  }
  store_first(sum1 + c, n, s1);
  store_first(sum2 + c, n, s2);
}

template <bool streamed, bool again>
static inline void grad_rows_of(float* dx, const float* dz, const float* x, const float* mean, const float* a, const float* b, const float* c,
                                const float* rstd, const float* scale, const float* bias, int64_t rows, int64_t channels) {
  for (int64_t r = 0; r < rows; r++) {
    const int64_t row = r * channels;
    for_output<streamed>(
        dx + row, channels,
        [&](int64_t j) {
          if (streamed) {
            prefetch(dz + row + j);
            prefetch(x + row + j);
          }
          const vf centred = sub(load(x + row + j), load(mean + j));
          vf d = load(dz + row + j);
          if (again) d = through_swish(d, fma(mul(centred, load(rstd + j)), load(scale + j), load(bias + j)));
          put<streamed>(dx + row + j, fnma(centred, load(c + j), fma(d, load(a + j), negate(load(b + j)))));
        },
        [&](int64_t j, int64_t n) {
          const vf centred = sub(load_first(x + row + j, n), load_first(mean + j, n));
          vf d = load_first(dz + row + j, n);
          if (again) d = through_swish(d, fma(mul(centred, load_first(rstd + j, n)), load_first(scale + j, n), load_first(bias + j, n)));
          store_first(dx + row + j, n, fnma(centred, load_first(c + j, n), fma(d, load_first(a + j, n), negate(load_first(b + j, n)))));
        });
  }
}

static void grad_rows(float* dx, const float* dz, const float* x, const float* mean, const float* a, const float* b, const float* c,
                      const float* rstd, const float* scale, const float* bias, int64_t rows, int64_t channels, bool streamed) {
  if (streamed && rstd) {
    grad_rows_of<true, true>(dx, dz, x, mean, a, b, c, rstd, scale, bias, rows, channels);
  } else if (streamed) {
    grad_rows_of<true, false>(dx, dz, x, mean, a, b, c, rstd, scale, bias, rows, channels);
  } else if (rstd) {
    grad_rows_of<false, true>(dx, dz, x, mean, a, b, c, rstd, scale, bias, rows, channels);
  } else {
    grad_rows_of<false, false>(dx, dz, x, mean, a, b, c, rstd, scale, bias, rows, channels);
  }
}

}  // namespace
}  // namespace easel

#define EASEL_NORM_TABLE \
  { layer_row, layer_grad_rows, square_deviations, normalize_rows, grad_sums, grad_rows }
