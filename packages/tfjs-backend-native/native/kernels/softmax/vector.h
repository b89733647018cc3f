// Rows of logits on vectors: the same text for each vector target. Included by avx2.cc, avx512.cc and neon.cc, which name the table.
#pragma once

#include <math.h>

#include "kernels/softmax/softmax.h"
#include "kernels/vec.h"

namespace easel {
namespace {

static inline vf larger(vf a, vf b) { return select(is_nan(a), a, max_second(a, b)); }

static float row_max(const float* x, int64_t n) {
  vf a = set(x[0]), b = a;
  int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    a = larger(a, load(x + i));
    b = larger(b, load(x + i + lanes));
  }
  for (; i + lanes <= n; i += lanes) a = larger(a, load(x + i));
  a = larger(a, b);
  if (i < n) {
    // Lanes beyond the row must not win: they repeat x[0].
    const vf rest = load_first(x + i, n - i);
    float last[lanes];
    store(last, rest);
    for (int64_t j = n - i; j < lanes; j++) last[j] = x[0];
    a = larger(a, load(last));
  }
  return any(is_nan(a)) ? __builtin_nanf("") : max_lanes(a);
}

// Σ exp(x − m); keeps the terms in y if it is given.
static float sum_exp(float* y, const float* x, int64_t n, float m) {
  const vf shift = set(m);
  vf s0 = zero(), s1 = zero();
  int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    const vf e0 = exp(sub(load(x + i), shift)), e1 = exp(sub(load(x + i + lanes), shift));
    if (y) {
      store(y + i, e0);
      store(y + i + lanes, e1);
    }
    s0 = add(s0, e0);
    s1 = add(s1, e1);
  }
  for (; i + lanes <= n; i += lanes) {
    const vf e = exp(sub(load(x + i), shift));
    if (y) store(y + i, e);
    s0 = add(s0, e);
  }
  float sum = 0;
  if (i < n) {
    float last[lanes];
    store(last, exp(sub(load_first(x + i, n - i), shift)));
    for (int64_t j = 0; j < n - i; j++) {
      sum += last[j];
      if (y) y[i + j] = last[j];
    }
  }
  return sum + sum_lanes(add(s0, s1));
}

static float log_sum_exp(const float* x, int64_t n) {
  const float m = row_max(x, n);
  return m + logf(sum_exp(nullptr, x, n, m));
}

static void softmax_row(float* y, const float* x, int64_t n) {
  const float m = row_max(x, n);
  const vf scale = set(1.0f / sum_exp(y, x, n, m));
  for_vectors(
      n, [&](int64_t i) { store(y + i, mul(load(y + i), scale)); },
      [&](int64_t i, int64_t count) { store_first(y + i, count, mul(load_first(y + i, count), scale)); });
}

static void log_softmax_row(float* y, const float* x, int64_t n) {
  const vf lse = set(log_sum_exp(x, n));
  for_vectors(
      n, [&](int64_t i) { store(y + i, sub(load(x + i), lse)); },
      [&](int64_t i, int64_t count) { store_first(y + i, count, sub(load_first(x + i, count), lse)); });
}

static void scaled_exp(float* y, const float* x, int64_t n, float shift, float scale) {
  const vf vshift = set(shift), vscale = set(scale);
  for_vectors(
      n, [&](int64_t i) { store(y + i, mul(vscale, exp(sub(load(x + i), vshift)))); },
      [&](int64_t i, int64_t count) { store_first(y + i, count, mul(vscale, exp(sub(load_first(x + i, count), vshift)))); });
}

}  // namespace
}  // namespace easel

#define EASEL_SOFTMAX_TABLE \
  { softmax_row, log_softmax_row, log_sum_exp, scaled_exp }
