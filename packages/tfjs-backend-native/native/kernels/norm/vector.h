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

static float sum_of(const float* x, int64_t n) {
  vf s0 = zero(), s1 = zero();
  int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    s0 = add(s0, load(x + i));
    s1 = add(s1, load(x + i + lanes));
  }
  for (; i + lanes <= n; i += lanes) s0 = add(s0, load(x + i));
  if (i < n) s1 = add(s1, load_first(x + i, n - i));
  return sum_lanes(add(s0, s1));
}

static void layer_row(float* y, float* mean, float* rstd, const float* x, const float* scale, const float* bias, int64_t width, float epsilon,
                      bool rms) {
  const float m = rms ? 0 : sum_of(x, width) / static_cast<float>(width);
  const vf vm_ = set(m);
  vf s0 = zero(), s1 = zero();
  int64_t i = 0;
  for (; i + 2 * lanes <= width; i += 2 * lanes) {
    const vf d0 = sub(load(x + i), vm_), d1 = sub(load(x + i + lanes), vm_);
    s0 = fma(d0, d0, s0);
    s1 = fma(d1, d1, s1);
  }
  for (; i + lanes <= width; i += lanes) {
    const vf d = sub(load(x + i), vm_);
    s0 = fma(d, d, s0);
  }
  if (i < width) {
    const vf d = sub(load_filled(x + i, width - i, m), vm_);
    s1 = fma(d, d, s1);
  }
  const float r = 1.0f / sqrtf(sum_lanes(add(s0, s1)) / static_cast<float>(width) + epsilon);
  const vf vr = set(r), one = set(1.0f);
  for_vectors(
      width,
      [&](int64_t j) {
        const vf normal = mul(sub(load(x + j), vm_), vr);
        store(y + j, fma(normal, scale ? load(scale + j) : one, bias ? load(bias + j) : zero()));
      },
      [&](int64_t j, int64_t n) {
        const vf normal = mul(sub(load_first(x + j, n), vm_), vr);
        store_first(y + j, n, fma(normal, scale ? load_first(scale + j, n) : one, bias ? load_first(bias + j, n) : zero()));
      });
  *mean = m;
  *rstd = r;
}

static void layer_grad_row(float* dx, float* dscale, float* dbias, const float* dy, const float* x, const float* scale, float mean, float rstd,
                           int64_t width, bool rms) {
  const vf vm_ = set(mean), vr = set(rstd), one = set(1.0f);
  vf sum = zero(), dot = zero();
  for_vectors(
      width,
      [&](int64_t i) {
        const vf d = load(dy + i), normal = mul(sub(load(x + i), vm_), vr), g = mul(d, scale ? load(scale + i) : one);
        sum = add(sum, g);
        dot = fma(g, normal, dot);
        if (dscale) store(dscale + i, fma(d, normal, load(dscale + i)));
        if (dbias) store(dbias + i, add(d, load(dbias + i)));
      },
      [&](int64_t i, int64_t n) {
        // dy is 0 beyond the end, so those lanes add nothing.
        const vf d = load_first(dy + i, n), normal = mul(sub(load_first(x + i, n), vm_), vr), g = mul(d, scale ? load_first(scale + i, n) : one);
        sum = add(sum, g);
        dot = fma(g, normal, dot);
        if (dscale) store_first(dscale + i, n, fma(d, normal, load_first(dscale + i, n)));
        if (dbias) store_first(dbias + i, n, add(d, load_first(dbias + i, n)));
      });
  const vf average = set(rms ? 0 : sum_lanes(sum) / static_cast<float>(width)), along = set(sum_lanes(dot) / static_cast<float>(width));
  for_vectors(
      width,
      [&](int64_t i) {
        const vf normal = mul(sub(load(x + i), vm_), vr), g = mul(load(dy + i), scale ? load(scale + i) : one);
        store(dx + i, mul(vr, fnma(normal, along, sub(g, average))));
      },
      [&](int64_t i, int64_t n) {
        const vf normal = mul(sub(load_first(x + i, n), vm_), vr), g = mul(load_first(dy + i, n), scale ? load_first(scale + i, n) : one);
        store_first(dx + i, n, mul(vr, fnma(normal, along, sub(g, average))));
      });
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

static void normalize_rows(float* y, const float* x, const float* mean, const float* factor, const float* bias, int64_t rows, int64_t channels,
                           bool swish) {
  for (int64_t r = 0; r < rows; r++) {
    const float* from = x + r * channels;
    float* to = y + r * channels;
    for_vectors(
        channels,
        [&](int64_t c) { store(to + c, activate(fma(sub(load(from + c), load(mean + c)), load(factor + c), load(bias + c)), swish)); },
        [&](int64_t c, int64_t n) {
          const vf z = fma(sub(load_first(from + c, n), load_first(mean + c, n)), load_first(factor + c, n), load_first(bias + c, n));
          store_first(to + c, n, activate(z, swish));
        });
  }
}

// dy·silu'(z)
static inline vf through_swish(vf dy, vf z) {
  const vf s = sigmoid(z);
  return mul(dy, fma(z, fnma(s, s, s), s));
}

static void grad_sums(float* sum1, float* sum2, float* dz, const float* dy, const float* x, const float* mean, const float* rstd,
                      const float* scale, const float* bias, int64_t rows, int64_t channels, bool swish) {
  for_vectors(
      channels,
      [&](int64_t c) {
        const vf m = load(mean + c), k = load(rstd + c), a = load(scale + c), b = load(bias + c);
        vf s1 = load(sum1 + c), s2 = load(sum2 + c);
        for (int64_t i = c; i < rows * channels; i += channels) {
          const vf normal = mul(sub(load(x + i), m), k);
          vf d = load(dy + i);
          if (swish) {
            d = through_swish(d, fma(normal, a, b));
            store(dz + i, d);
          }
          s1 = add(s1, d);
          s2 = fma(d, normal, s2);
        }
        store(sum1 + c, s1);
        store(sum2 + c, s2);
      },
      [&](int64_t c, int64_t n) {
        const vf m = load_first(mean + c, n), k = load_first(rstd + c, n), a = load_first(scale + c, n), b = load_first(bias + c, n);
        vf s1 = load_first(sum1 + c, n), s2 = load_first(sum2 + c, n);
        for (int64_t i = c; i < rows * channels; i += channels) {
          const vf normal = mul(sub(load_first(x + i, n), m), k);
          vf d = load_first(dy + i, n);
          if (swish) {
            d = through_swish(d, fma(normal, a, b));
            store_first(dz + i, n, d);
          }
          s1 = add(s1, d);
          s2 = fma(d, normal, s2);
        }
        store_first(sum1 + c, n, s1);
        store_first(sum2 + c, n, s2);
      });
}

static void grad_rows(float* dx, const float* dz, const float* x, const float* mean, const float* a, const float* b, const float* c, int64_t rows,
                      int64_t channels) {
  for (int64_t r = 0; r < rows; r++) {
    const int64_t row = r * channels;
    for_vectors(
        channels,
        [&](int64_t j) {
          const vf left = fma(load(dz + row + j), load(a + j), negate(load(b + j)));
          store(dx + row + j, fnma(sub(load(x + row + j), load(mean + j)), load(c + j), left));
        },
        [&](int64_t j, int64_t n) {
          const vf left = fma(load_first(dz + row + j, n), load_first(a + j, n), negate(load_first(b + j, n)));
          store_first(dx + row + j, n, fnma(sub(load_first(x + row + j, n), load_first(mean + j, n)), load_first(c + j, n), left));
        });
  }
}

}  // namespace
}  // namespace easel

#define EASEL_NORM_TABLE \
  { layer_row, layer_grad_row, square_deviations, normalize_rows, grad_sums, grad_rows }
