// Normalisations on vectors: the same text for each vector target. avx2.cc, avx512.cc and neon.cc
// include it and name the table.
#pragma once

#include <math.h>

#include "kernels/norm/norm.h"
#include "kernels/vec.h"
#include "runtime/integers.h"

namespace easel {
namespace {

// Reads lanes of x; those beyond the row's end become `fill`, so that they add nothing.
static inline vf load_filled(const float* p, int64_t n, float fill) {
  float values[lanes];
  store(values, load_first(p, n));
  for (int64_t i = n; i < lanes; i++) values[i] = fill;
  return load(values);
}

// From this width on, a row and what stands beside it do not stay in the first-level cache.
constexpr int64_t long_row = 4096;
constexpr int64_t block = 4096;  // floats that stay in the first-level cache from their sum to their squares

// Σ x, or Σ x²
template <bool squared>
static inline vf add_to(vf sum, vf x) {
  return squared ? fma(x, x, sum) : add(sum, x);
}

template <bool streamed, bool squared>
static inline float sum_of(const float* x, int64_t n) {
  vf s0 = zero(), s1 = zero();
  for_pairs<streamed>(
      x, n,
      [&](int64_t i) {
        s0 = add_to<squared>(s0, load(x + i));
        s1 = add_to<squared>(s1, load(x + i + lanes));
      },
      [&](int64_t i, int64_t count) { s1 = add_to<squared>(s1, load_first(x + i, count)); });
  return sum_lanes(add(s0, s1));
}

// Σ (x − m)²
static inline float deviations_of(const float* x, int64_t n, float m) {
  const vf vm_ = set(m);
  vf s0 = zero(), s1 = zero(), s2 = zero(), s3 = zero();
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    const vf d0 = sub(load(x + i), vm_), d1 = sub(load(x + i + lanes), vm_);
    const vf d2 = sub(load(x + i + 2 * lanes), vm_), d3 = sub(load(x + i + 3 * lanes), vm_);
    s0 = fma(d0, d0, s0);
    s1 = fma(d1, d1, s1);
    s2 = fma(d2, d2, s2);
    s3 = fma(d3, d3, s3);
  }
  for (; i < n; i += lanes) {
    const vf d = sub(i + lanes <= n ? load(x + i) : load_filled(x + i, n - i, m), vm_);
    s0 = fma(d, d, s0);
  }
  return sum_lanes(add(add(s0, s1), add(s2, s3)));
}

// Mean and sum of squared deviations of a long row: those of its blocks, joined by Chan's formula.
template <bool streamed>
static inline void moments(const float* x, int64_t n, float* mean, float* squares) {
  double m = 0, s = 0;
  for (int64_t begin = 0, count; begin < n; begin += count) {
    count = min_of(block + (streamed && begin == 0 ? before_aligned(x, n) : 0), n - begin);
    const float here = sum_of<streamed, false>(x + begin, count) / static_cast<float>(count);
    const double sum = deviations_of(x + begin, count, here), delta = here - m;
    const double share = static_cast<double>(count) / static_cast<double>(begin + count);
    m += delta * share;
    s += sum + delta * delta * share * static_cast<double>(begin);
  }
  *mean = static_cast<float>(m);
  *squares = static_cast<float>(s);
}

// The pass that writes a long row fetches the next one. The pass that writes a short row sums the
// next one (the last row sums itself, for nothing), so that reading never pauses. Between two such
// passes there is one over what lies in the first-level cache; with rms there is none.
template <bool streamed, bool rms>
static inline void layer_rows_of(float* y, float* mean, float* rstd, const float* x, const float* scale, const float* bias, int64_t rows,
                                 int64_t width, float epsilon) {
  const vf one = set(1.0f);
  const bool is_long = width >= long_row;
  float sum = is_long ? 0 : sum_of<streamed, rms>(x, width);
  for (int64_t r = 0; r < rows; r++, y += width, x += width) {
    float m = 0, squares;
    if (is_long && !rms) {
      moments<streamed>(x, width, &m, &squares);
    } else if (is_long) {
      squares = sum_of<streamed, rms>(x, width);
    } else {
      m = rms ? 0 : sum / static_cast<float>(width);
      squares = rms ? sum : deviations_of(x, width, m);
    }
    mean[r] = m;
    rstd[r] = 1.0f / sqrtf(squares / static_cast<float>(width) + epsilon);
    const vf vm_ = set(m), vr = set(rstd[r]);
    const auto full = [&](int64_t i) __attribute__((always_inline)) {
      const vf normal = mul(sub(load(x + i), vm_), vr);
      put<streamed>(y + i, fma(normal, scale ? load(scale + i) : one, bias ? load(bias + i) : zero()));
    };
    const auto some = [&](int64_t i, int64_t n) __attribute__((always_inline)) {
      const vf normal = mul(sub(load_first(x + i, n), vm_), vr);
      store_first(y + i, n, fma(normal, scale ? load_first(scale + i, n) : one, bias ? load_first(bias + i, n) : zero()));
    };
    if (is_long) {
      for_output<streamed>(
          y, width,
          [&](int64_t i) __attribute__((always_inline)) {
            if (streamed) prefetch_beyond(x + i, width);
            full(i);
          },
          some);
      continue;
    }
    const float* const next = r + 1 < rows ? x + width : x;
    vf s0 = zero(), s1 = zero();
    for_pairs<streamed>(
        y, width,
        [&](int64_t i) __attribute__((always_inline)) {
          for (int64_t k = 0; streamed && k < 2 * lanes; k += 16) prefetch_beyond(next + i + k, 768);
          s0 = add_to<rms>(s0, load(next + i));
          s1 = add_to<rms>(s1, load(next + i + lanes));
          full(i);
          full(i + lanes);
        },
        [&](int64_t i, int64_t n) __attribute__((always_inline)) {
          s1 = add_to<rms>(s1, load_first(next + i, n));
          some(i, n);
        });
    sum = sum_lanes(add(s0, s1));
  }
}

static void layer_rows(float* y, float* mean, float* rstd, const float* x, const float* scale, const float* bias, int64_t rows, int64_t width,
                       float epsilon, bool rms, bool streamed) {
  if (streamed && rms) {
    layer_rows_of<true, true>(y, mean, rstd, x, scale, bias, rows, width, epsilon);
  } else if (streamed) {
    layer_rows_of<true, false>(y, mean, rstd, x, scale, bias, rows, width, epsilon);
  } else if (rms) {
    layer_rows_of<false, true>(y, mean, rstd, x, scale, bias, rows, width, epsilon);
  } else {
    layer_rows_of<false, false>(y, mean, rstd, x, scale, bias, rows, width, epsilon);
  }
}

// `count` rows of a gradient, which share each vector of the scale and of the sums over rows. A
// first pass takes their sums, and a second one writes dx.
template <int count, bool streamed>
struct GradRows {
  const float *dy, *x, *scale, *mean, *rstd;
  float* dx;
  int64_t width;
  vf sum[count], dot[count];           // Σ g and Σ g·x̂ of the columns taken so far
  float average[count], along[count];  // and of all, by width

  // Sums columns from..to. fetch(address) asks for what is needed later.
  template <typename Fetch>
  inline void add_columns_to_sums(float* dscale, float* dbias, int64_t from, int64_t to, Fetch fetch) {
    const vf one = set(1.0f);
    vf sums[count], dots[count];
    for (int k = 0; k < count; k++) {
      sums[k] = from == 0 ? zero() : sum[k];
      dots[k] = from == 0 ? zero() : dot[k];
    }
    const auto add_columns = [&](int64_t i, auto read, auto write) __attribute__((always_inline)) {
      const vf factor = scale ? read(scale + i) : one;
      vf along_x = dscale ? read(dscale + i) : zero(), of_dy = dbias ? read(dbias + i) : zero();
      for (int k = 0; k < count; k++) {
        // dy is 0 beyond the end, so those lanes add nothing.
        const vf d = read(dy + k * width + i), normal = mul(sub(read(x + k * width + i), set(mean[k])), set(rstd[k])), g = mul(d, factor);
        sums[k] = add(sums[k], g);
        dots[k] = fma(g, normal, dots[k]);
        along_x = fma(d, normal, along_x);
        of_dy = add(of_dy, d);
      }
      if (dscale) write(dscale + i, along_x);
      if (dbias) write(dbias + i, of_dy);
    };
    int64_t i = from;
    for (; i + lanes <= to; i += lanes) {
      for (int k = 0; streamed && k < count; k++) fetch(x + k * width + i, dy + k * width + i);
      add_columns(i, [](const float* p) { return load(p); }, [](float* p, vf v) { store(p, v); });
    }
    if (i < to) {
      const int64_t n = to - i;
      add_columns(i, [n](const float* p) { return load_first(p, n); }, [n](float* p, vf v) { store_first(p, n, v); });
    }
    for (int k = 0; k < count; k++) {
      sum[k] = sums[k];
      dot[k] = dots[k];
    }
  }

  inline void end(bool rms) {
    for (int k = 0; k < count; k++) {
      average[k] = rms ? 0 : sum_lanes(sum[k]) / static_cast<float>(width);
      along[k] = sum_lanes(dot[k]) / static_cast<float>(width);
    }
  }

  // Writes columns from..to. Where dx is streamed, the columns of each row are shifted so that they
  // begin at an aligned vector.
  template <typename Fetch>
  inline void write(int64_t from, int64_t to, Fetch fetch) const {
    const vf one = set(1.0f);
    for (int k = 0; k < count; k++) {
      const float *const dy_ = dy + k * width, *const x_ = x + k * width;
      float* const dx_ = dx + k * width;
      const int64_t before = streamed ? before_aligned(dx_, width) : 0;
      const int64_t first = from == 0 ? 0 : min_of(from + before, width), last = to == width ? width : min_of(to + before, width);
      const vf vm_ = set(mean[k]), vr = set(rstd[k]), vaverage = set(average[k]), valong = set(along[k]);
      for_output<streamed>(
          dx_ + first, last - first,
          [&](int64_t j) __attribute__((always_inline)) {
            const int64_t i = first + j;
            if (streamed) fetch(dy_ + i);
            const vf normal = mul(sub(load(x_ + i), vm_), vr), g = mul(load(dy_ + i), scale ? load(scale + i) : one);
            put<streamed>(dx_ + i, mul(vr, fnma(normal, valong, sub(g, vaverage))));
          },
          [&](int64_t j, int64_t n) __attribute__((always_inline)) {
            const int64_t i = first + j;
            const vf normal = mul(sub(load_first(x_ + i, n), vm_), vr), g = mul(load_first(dy_ + i, n), scale ? load_first(scale + i, n) : one);
            store_first(dx_ + i, n, mul(vr, fnma(normal, valong, sub(g, vaverage))));
          });
    }
  }
};

// For short rows. The first pass fetches the x of the group after, the second one its dy.
template <int count, bool streamed>
static inline void layer_grad_short(GradRows<count, streamed> rows, float* dscale, float* dbias, int64_t groups, bool rms) {
  const int64_t size = count * rows.width;
  for (int64_t g = 0; g < groups; g++) {
    rows.add_columns_to_sums(dscale, dbias, 0, rows.width, [size](const float* x, const float*) __attribute__((always_inline)) { prefetch_beyond(x, size); });
    rows.end(rms);
    rows.write(0, rows.width, [size](const float* dy) __attribute__((always_inline)) { prefetch_beyond(dy, size); });
    rows.dx += size, rows.dy += size, rows.x += size, rows.mean += count, rows.rstd += count;
  }
}

// For long rows. While the sums of a group are taken, the group before it is written, a few columns
// of either in turn. So reading from memory never pauses. The scale, dscale and dbias, which
// together exceed the first-level cache, come from the second-level cache once for both.
template <int count, bool streamed>
static inline void layer_grad_long(GradRows<count, streamed> now, float* dscale, float* dbias, int64_t groups, bool rms) {
  constexpr int64_t columns = 128;
  const int64_t width = now.width, size = count * width;
  GradRows<count, streamed> before = now;
  for (int64_t g = 0; g <= groups; g++) {
    for (int64_t from = 0; from < width; from += columns) {
      const int64_t to = min_of(from + columns, width);
      if (g < groups) {
        now.add_columns_to_sums(dscale, dbias, from, to, [](const float* x, const float* dy) __attribute__((always_inline)) {
          prefetch(x);
          prefetch(dy);
        });
      }
      if (g > 0) before.write(from, to, [](const float*) {});
    }
    if (g < groups) now.end(rms);
    before = now;
    now.dx += size, now.dy += size, now.x += size, now.mean += count, now.rstd += count;
  }
}

// Takes as many groups of `count` rows as there are. Returns the number of rows.
template <int count, bool streamed>
static inline int64_t layer_grad_groups(float* dx, float* dscale, float* dbias, const float* dy, const float* x, const float* scale, const float* mean,
                                        const float* rstd, int64_t rows, int64_t width, bool rms) {
  GradRows<count, streamed> first{};
  first.dy = dy, first.x = x, first.scale = scale, first.mean = mean, first.rstd = rstd, first.dx = dx, first.width = width;
  if (width < long_row) {
    layer_grad_short(first, dscale, dbias, rows / count, rms);
  } else {
    layer_grad_long(first, dscale, dbias, rows / count, rms);
  }
  return rows / count * count;
}

template <bool streamed>
static inline void layer_grad_all(float* dx, float* dscale, float* dbias, const float* dy, const float* x, const float* scale, const float* mean,
                                  const float* rstd, int64_t rows, int64_t width, bool rms) {
  // A group has as many short rows as there are registers for. More than two long rows would have
  // their streams in the same few sets of the caches.
  const int64_t grouped = lanes == 8 || width >= long_row
                              ? layer_grad_groups<2, streamed>(dx, dscale, dbias, dy, x, scale, mean, rstd, rows, width, rms)
                              : layer_grad_groups<4, streamed>(dx, dscale, dbias, dy, x, scale, mean, rstd, rows, width, rms);
  const int64_t at = grouped * width;
  layer_grad_groups<1, streamed>(dx + at, dscale, dbias, dy + at, x + at, scale, mean + grouped, rstd + grouped, rows - grouped, width, rms);
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

// The columns of `count` vectors, over all rows, with sums in registers.
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
  { layer_rows, layer_grad_rows, square_deviations, normalize_rows, grad_sums, grad_rows }
