// Elementwise kernels on vectors: the same text for each vector target. Included by avx2.cc, avx512.cc and neon.cc, which name the table.
#pragma once

#include <math.h>

#include "kernels/elementwise/elementwise.h"
#include "kernels/vec.h"

namespace easel {
namespace {

constexpr float sqrt_half = 0.707106781186547524f;
constexpr float inv_sqrt_2pi = 0.398942280401432678f;
constexpr float sqrt_2_over_pi = 0.797884560802865356f;

template <vf (*f)(vf, vf, vf)>
static void unary_row(float* y, const float* x, int64_t n, float p, float q) {
  const vf vp = set(p), vq = set(q);
  for_vectors(
      n, [&](int64_t i) { store(y + i, f(load(x + i), vp, vq)); },
      [&](int64_t i, int64_t count) { store_first(y + i, count, f(load_first(x + i, count), vp, vq)); });
}

template <vf (*f)(vf, vf)>
static void binary_row(float* y, const float* a, int64_t a_step, const float* b, int64_t b_step, int64_t n) {
  if (n <= 0) return;
  if (a_step && b_step) {
    for_vectors(
        n, [&](int64_t i) { store(y + i, f(load(a + i), load(b + i))); },
        [&](int64_t i, int64_t count) { store_first(y + i, count, f(load_first(a + i, count), load_first(b + i, count))); });
  } else if (a_step) {
    const vf vb = set(*b);
    for_vectors(
        n, [&](int64_t i) { store(y + i, f(load(a + i), vb)); },
        [&](int64_t i, int64_t count) { store_first(y + i, count, f(load_first(a + i, count), vb)); });
  } else {
    const vf va = set(*a);
    if (!b_step) {
      const vf value = f(va, set(*b));
      for_vectors(n, [&](int64_t i) { store(y + i, value); }, [&](int64_t i, int64_t count) { store_first(y + i, count, value); });
      return;
    }
    for_vectors(
        n, [&](int64_t i) { store(y + i, f(va, load(b + i))); },
        [&](int64_t i, int64_t count) { store_first(y + i, count, f(va, load_first(b + i, count))); });
  }
}

static inline vf v_neg(vf x, vf, vf) { return negate(x); }
static inline vf v_abs(vf x, vf, vf) { return absolute(x); }
static inline vf v_square(vf x, vf, vf) { return mul(x, x); }
static inline vf v_sqrt(vf x, vf, vf) { return sqrt(x); }
static inline vf v_rsqrt(vf x, vf, vf) { return div(set(1.0f), sqrt(x)); }
static inline vf v_reciprocal(vf x, vf, vf) { return div(set(1.0f), x); }
static inline vf v_exp(vf x, vf, vf) { return exp(x); }
static inline vf v_log(vf x, vf, vf) { return log(x); }
static inline vf v_tanh(vf x, vf, vf) { return tanh(x); }
static inline vf v_sigmoid(vf x, vf, vf) { return sigmoid(x); }
static inline vf v_relu(vf x, vf, vf) { return max_second(zero(), x); }
static inline vf v_relu6(vf x, vf, vf) { return clamp(x, 0.0f, 6.0f); }
static inline vf v_leaky_relu(vf x, vf p, vf) { return select(less(x, zero()), mul(p, x), x); }
static inline vf v_step(vf x, vf p, vf) { return select(is_nan(x), x, select(greater(x, zero()), set(1.0f), p)); }
static inline vf v_clip(vf x, vf p, vf q) { return min_second(q, max_second(p, x)); }
static inline vf v_erf(vf x, vf, vf) { return erf(x); }
static inline vf v_gelu(vf x, vf, vf) {
  const vf half = mul(x, set(0.5f));
  return fma(half, erf(mul(x, set(sqrt_half))), half);
}
static inline vf v_tanh_gate(vf x) {
  const vf u = mul(x, fma(mul(x, x), set(0.044715f), set(1.0f)));
  return sigmoid(mul(u, set(2 * sqrt_2_over_pi)));
}
static inline vf v_gelu_tanh(vf x, vf, vf) { return mul(x, v_tanh_gate(x)); }
static inline vf v_silu(vf x, vf, vf) { return mul(x, sigmoid(x)); }

static inline vf v_add(vf a, vf b) { return add(a, b); }
static inline vf v_sub(vf a, vf b) { return sub(a, b); }
static inline vf v_mul(vf a, vf b) { return mul(a, b); }
static inline vf v_div(vf a, vf b) { return div(a, b); }
static inline vf v_maximum(vf a, vf b) { return select(is_nan(a), a, max_second(a, b)); }
static inline vf v_minimum(vf a, vf b) { return select(is_nan(a), a, min_second(a, b)); }
static inline vf v_squared_difference(vf a, vf b) {
  const vf d = sub(a, b);
  return mul(d, d);
}
static inline vf v_gelu_grad(vf dy, vf x) {
  const vf cdf = fma(set(0.5f), erf(mul(x, set(sqrt_half))), set(0.5f));
  const vf pdf = mul(set(inv_sqrt_2pi), exp(mul(set(-0.5f), mul(x, x))));
  return mul(dy, fma(x, pdf, cdf));
}
static inline vf v_gelu_tanh_grad(vf dy, vf x) {
  const vf s = v_tanh_gate(x);
  const vf slope = fma(mul(x, x), set(2 * sqrt_2_over_pi * 3 * 0.044715f), set(2 * sqrt_2_over_pi));
  return mul(dy, fma(mul(x, fnma(s, s, s)), slope, s));
}
static inline vf v_silu_grad(vf dy, vf x) {
  const vf s = sigmoid(x);
  return mul(dy, fma(x, fnma(s, s, s), s));
}

// No vector form: libm, an element at a time.
static void pow_row(float* y, const float* a, int64_t a_step, const float* b, int64_t b_step, int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] = powf(a[i * a_step], b[i * b_step]);
}

}  // namespace
}  // namespace easel

#define EASEL_ELEMENTWISE_TABLE                                                                                                         \
  {                                                                                                                                     \
    {unary_row<v_neg>, unary_row<v_abs>, unary_row<v_square>, unary_row<v_sqrt>, unary_row<v_rsqrt>, unary_row<v_reciprocal>,           \
     unary_row<v_exp>, unary_row<v_log>, unary_row<v_tanh>, unary_row<v_sigmoid>, unary_row<v_relu>, unary_row<v_relu6>,                \
     unary_row<v_leaky_relu>, unary_row<v_step>, unary_row<v_clip>, unary_row<v_erf>, unary_row<v_gelu>, unary_row<v_gelu_tanh>,        \
     unary_row<v_silu>},                                                                                                                \
        {binary_row<v_add>, binary_row<v_sub>, binary_row<v_mul>, binary_row<v_div>, binary_row<v_maximum>, binary_row<v_minimum>,      \
         binary_row<v_squared_difference>, pow_row, binary_row<v_gelu_grad>, binary_row<v_gelu_tanh_grad>, binary_row<v_silu_grad>}     \
  }
