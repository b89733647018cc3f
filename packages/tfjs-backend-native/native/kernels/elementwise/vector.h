// Elementwise kernels on vectors: the same text for each vector target. avx2.cc, avx512.cc and
// neon.cc include it and name the table.
#pragma once

#include <math.h>

#include "kernels/elementwise/elementwise.h"
#include "kernels/vec.h"

namespace easel {
namespace {

constexpr float sqrt_half = 0.707106781186547524f;
constexpr float inv_sqrt_2pi = 0.398942280401432678f;
constexpr float sqrt_2_over_pi = 0.797884560802865356f;

template <vf (*f)(vf, vf, vf), bool streamed>
static void unary_row(float* y, const float* x, int64_t n, float p, float q) {
  const vf vp = set(p), vq = set(q);
  const auto last = [&](int64_t i, int64_t count) { store_first(y + i, count, f(load_first(x + i, count), vp, vq)); };
  if (streamed) {
    for_aligned_vectors(
        y, n,
        [&](int64_t i) {
          prefetch(x + i);
          stream(y + i, f(load(x + i), vp, vq));
        },
        last);
  } else {
    for_vectors(n, [&](int64_t i) { store(y + i, f(load(x + i), vp, vq)); }, last);
  }
}

// Reads vectors of an operand, or one value in all lanes, by its step.
template <vf (*f)(vf, vf), bool streamed, bool a_step, bool b_step>
static inline void binary_steps(float* y, const float* a, const float* b, int64_t n) {
  const vf one_a = set(*a), one_b = set(*b);
  const auto last = [&](int64_t i, int64_t count) {
    store_first(y + i, count, f(a_step ? load_first(a + i, count) : one_a, b_step ? load_first(b + i, count) : one_b));
  };
  if (streamed) {
    for_aligned_vectors(
        y, n,
        [&](int64_t i) {
          if (a_step) prefetch(a + i);
          if (b_step) prefetch(b + i);
          stream(y + i, f(a_step ? load(a + i) : one_a, b_step ? load(b + i) : one_b));
        },
        last);
  } else {
    for_vectors(n, [&](int64_t i) { store(y + i, f(a_step ? load(a + i) : one_a, b_step ? load(b + i) : one_b)); }, last);
  }
}

template <vf (*f)(vf, vf), bool streamed>
static void binary_row(float* y, const float* a, int64_t a_step, const float* b, int64_t b_step, int64_t n) {
  if (n <= 0) return;
  if (a_step && b_step) {
    binary_steps<f, streamed, true, true>(y, a, b, n);
  } else if (a_step) {
    binary_steps<f, streamed, true, false>(y, a, b, n);
  } else if (b_step) {
    binary_steps<f, streamed, false, true>(y, a, b, n);
  } else {
    binary_steps<f, streamed, false, false>(y, a, b, n);
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
static inline vf v_gelu(vf x, vf, vf) { return gelu(x); }
static inline vf v_gelu_tanh(vf x, vf, vf) { return mul(x, gelu_tanh_gate(x)); }
static inline vf v_silu(vf x, vf, vf) { return mul(x, sigmoid(x)); }
static inline vf v_floor(vf x, vf, vf) { return round_down(x); }
static inline vf v_ceil(vf x, vf, vf) { return round_up(x); }
static inline vf v_round(vf x, vf, vf) { return round_even(x); }
static inline vf v_sign(vf x, vf, vf) { return select(greater(x, zero()), set(1.0f), select(less(x, zero()), set(-1.0f), zero())); }
static inline vf v_elu(vf x, vf p, vf q) { return select(less(x, zero()), mul(q, expm1(x)), mul(p, x)); }

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
  const vf s = gelu_tanh_gate(x);
  const vf slope = fma(mul(x, x), set(2 * sqrt_2_over_pi * 3 * 0.044715f), set(2 * sqrt_2_over_pi));
  return mul(dy, fma(mul(x, fnma(s, s, s)), slope, s));
}
static inline vf v_silu_grad(vf dy, vf x) {
  const vf s = sigmoid(x);
  return mul(dy, fma(x, fnma(s, s, s), s));
}
static inline vf v_elu_grad(vf dy, vf y) { return select(less(y, zero()), fma(dy, y, dy), dy); }
static inline vf v_prelu(vf x, vf slope) { return select(less(x, zero()), mul(slope, x), x); }
static inline vf v_relu_grad(vf dy, vf x) { return select(is_nan(x), x, select(greater(x, zero()), dy, zero())); }
static inline vf v_gated_relu(vf gate, vf up) { return mul(max_second(zero(), gate), up); }
static inline vf v_gated_gelu(vf gate, vf up) { return mul(gelu(gate), up); }
static inline vf v_gated_gelu_tanh(vf gate, vf up) { return mul(mul(gate, gelu_tanh_gate(gate)), up); }
static inline vf v_gated_silu(vf gate, vf up) { return mul(mul(gate, sigmoid(gate)), up); }

// A gate's value and slope, both from one erf or sigmoid.
static inline void relu_and_slope(vf x, vf& y, vf& slope) {
  y = max_second(zero(), x);
  slope = v_relu_grad(set(1.0f), x);
}
static inline void gelu_and_slope(vf x, vf& y, vf& slope) {
  const vf cdf = fma(set(0.5f), erf(mul(x, set(sqrt_half))), set(0.5f));
  const vf pdf = mul(set(inv_sqrt_2pi), exp(mul(set(-0.5f), mul(x, x))));
  y = gelu(x);
  slope = fma(x, pdf, cdf);
}
static inline void gelu_tanh_and_slope(vf x, vf& y, vf& slope) {
  const vf s = gelu_tanh_gate(x);
  const vf inner = fma(mul(x, x), set(2 * sqrt_2_over_pi * 3 * 0.044715f), set(2 * sqrt_2_over_pi));
  y = mul(x, s);
  slope = fma(mul(x, fnma(s, s, s)), inner, s);
}
static inline void silu_and_slope(vf x, vf& y, vf& slope) {
  const vf s = sigmoid(x);
  y = mul(x, s);
  slope = fma(x, fnma(s, s, s), s);
}

template <void (*f)(vf, vf&, vf&)>
static void gated_grad_row(float* dgate, float* dup, const float* dy, const float* gate, const float* up, int64_t n) {
  for_vectors(
      n,
      [&](int64_t i) {
        vf y, slope;
        f(load(gate + i), y, slope);
        const vf d = load(dy + i);
        store(dgate + i, mul(mul(d, load(up + i)), slope));
        store(dup + i, mul(d, y));
      },
      [&](int64_t i, int64_t count) {
        vf y, slope;
        f(load_first(gate + i, count), y, slope);
        const vf d = load_first(dy + i, count);
        store_first(dgate + i, count, mul(mul(d, load_first(up + i, count)), slope));
        store_first(dup + i, count, mul(d, y));
      });
}

// This function has no vector form: libm computes one element at a time.
static void pow_row(float* y, const float* a, int64_t a_step, const float* b, int64_t b_step, int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] = powf(a[i * a_step], b[i * b_step]);
}

}  // namespace
}  // namespace easel

#define EASEL_UNARY(streamed)                                                                                                                \
  {                                                                                                                                          \
    unary_row<v_neg, streamed>, unary_row<v_abs, streamed>, unary_row<v_square, streamed>, unary_row<v_sqrt, streamed>,                      \
    unary_row<v_rsqrt, streamed>, unary_row<v_reciprocal, streamed>, unary_row<v_exp, streamed>, unary_row<v_log, streamed>,                 \
    unary_row<v_tanh, streamed>, unary_row<v_sigmoid, streamed>, unary_row<v_relu, streamed>, unary_row<v_relu6, streamed>,                  \
    unary_row<v_leaky_relu, streamed>, unary_row<v_step, streamed>, unary_row<v_clip, streamed>, unary_row<v_erf, streamed>,                 \
    unary_row<v_gelu, streamed>, unary_row<v_gelu_tanh, streamed>, unary_row<v_silu, streamed>, unary_row<v_floor, streamed>,                \
    unary_row<v_ceil, streamed>, unary_row<v_round, streamed>, unary_row<v_sign, streamed>, unary_row<v_elu, streamed>                       \
  }
#define EASEL_BINARY(streamed)                                                                                                               \
  {                                                                                                                                          \
    binary_row<v_add, streamed>, binary_row<v_sub, streamed>, binary_row<v_mul, streamed>, binary_row<v_div, streamed>,                      \
    binary_row<v_maximum, streamed>, binary_row<v_minimum, streamed>, binary_row<v_squared_difference, streamed>, pow_row,                   \
    binary_row<v_gelu_grad, streamed>, binary_row<v_gelu_tanh_grad, streamed>, binary_row<v_silu_grad, streamed>,                            \
    binary_row<v_elu_grad, streamed>, binary_row<v_prelu, streamed>, binary_row<v_relu_grad, streamed>, binary_row<v_gated_relu, streamed>,  \
    binary_row<v_gated_gelu, streamed>, binary_row<v_gated_gelu_tanh, streamed>, binary_row<v_gated_silu, streamed>                          \
  }
#define EASEL_GATED_GRAD                                                                                                                     \
  {                                                                                                                                          \
    gated_grad_row<relu_and_slope>, gated_grad_row<gelu_and_slope>, gated_grad_row<gelu_tanh_and_slope>, gated_grad_row<silu_and_slope>      \
  }
#define EASEL_ELEMENTWISE_TABLE \
  { EASEL_UNARY(false), EASEL_BINARY(false), EASEL_UNARY(true), EASEL_BINARY(true), EASEL_GATED_GRAD }
