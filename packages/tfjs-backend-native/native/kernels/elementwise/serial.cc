// Elementwise kernels in plain C++. They are the reference of the vector targets.
#include <cmath>

#include "kernels/elementwise/elementwise.h"

namespace easel {
namespace {

constexpr float sqrt_half = 0.707106781186547524f;
constexpr float inv_sqrt_2pi = 0.398942280401432678f;
constexpr float sqrt_2_over_pi = 0.797884560802865356f;

float sigmoid(float x) { return 1.0f / (1.0f + std::exp(-x)); }

template <float (*f)(float, float, float)>
void unary_row(float* y, const float* x, int64_t n, float p, float q) {
  for (int64_t i = 0; i < n; i++) y[i] = f(x[i], p, q);
}

template <float (*f)(float, float)>
void binary_row(float* y, const float* a, int64_t a_step, const float* b, int64_t b_step, int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] = f(a[i * a_step], b[i * b_step]);
}

float neg(float x, float, float) { return -x; }
float absolute(float x, float, float) { return std::fabs(x); }
float square(float x, float, float) { return x * x; }
float square_root(float x, float, float) { return std::sqrt(x); }
float rsqrt(float x, float, float) { return 1.0f / std::sqrt(x); }
float reciprocal(float x, float, float) { return 1.0f / x; }
float exponential(float x, float, float) { return std::exp(x); }
float logarithm(float x, float, float) { return std::log(x); }
float hyperbolic_tangent(float x, float, float) { return std::tanh(x); }
float logistic(float x, float, float) { return sigmoid(x); }
float relu(float x, float, float) { return x < 0 ? 0 : x; }
float relu6(float x, float, float) { return x < 0 ? 0 : x > 6 ? 6 : x; }
float leaky_relu(float x, float p, float) { return x < 0 ? p * x : x; }
float step(float x, float p, float) { return x > 0 ? 1 : x <= 0 ? p : x; }
float clip(float x, float p, float q) { return x > q ? q : x < p ? p : x; }
float error_function(float x, float, float) { return std::erf(x); }
float gelu(float x, float, float) { return 0.5f * x * (1 + std::erf(x * sqrt_half)); }
float gelu_tanh(float x, float, float) { return x * sigmoid(2 * sqrt_2_over_pi * (x + 0.044715f * x * x * x)); }
float silu(float x, float, float) { return x * sigmoid(x); }
float round_down(float x, float, float) { return std::floor(x); }
float round_up(float x, float, float) { return std::ceil(x); }
float round_even(float x, float, float) { return std::nearbyint(x); }
float sign(float x, float, float) { return x > 0 ? 1 : x < 0 ? -1 : 0; }
float elu(float x, float p, float q) { return x >= 0 ? p * x : q * std::expm1(x); }

float sum(float a, float b) { return a + b; }
float difference(float a, float b) { return a - b; }
float product(float a, float b) { return a * b; }
float quotient(float a, float b) { return a / b; }
float maximum(float a, float b) { return a > b || a != a ? a : b; }
float minimum(float a, float b) { return a < b || a != a ? a : b; }
float squared_difference(float a, float b) { return (a - b) * (a - b); }
float power(float a, float b) { return std::pow(a, b); }
float gelu_grad(float dy, float x) {
  return dy * (0.5f * (1 + std::erf(x * sqrt_half)) + x * inv_sqrt_2pi * std::exp(-0.5f * x * x));
}
float gelu_tanh_grad(float dy, float x) {
  const float s = sigmoid(2 * sqrt_2_over_pi * (x + 0.044715f * x * x * x));
  return dy * (s + x * s * (1 - s) * 2 * sqrt_2_over_pi * (1 + 3 * 0.044715f * x * x));
}
float silu_grad(float dy, float x) {
  const float s = sigmoid(x);
  return dy * (s + x * s * (1 - s));
}
float elu_grad(float dy, float y) { return y >= 0 ? dy : dy * (y + 1); }
float prelu(float x, float slope) { return x < 0 ? slope * x : x; }
float relu_grad(float dy, float x) { return x > 0 ? dy : x <= 0 ? 0 : x; }
float gated_relu(float gate, float up) { return relu(gate, 0, 0) * up; }
float gated_gelu(float gate, float up) { return gelu(gate, 0, 0) * up; }
float gated_gelu_tanh(float gate, float up) { return gelu_tanh(gate, 0, 0) * up; }
float gated_silu(float gate, float up) { return silu(gate, 0, 0) * up; }

template <float (*f)(float, float, float), float (*grad)(float, float)>
void gated_grad_row(float* dgate, float* dup, const float* dy, const float* gate, const float* up, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    dgate[i] = grad(dy[i] * up[i], gate[i]);
    dup[i] = dy[i] * f(gate[i], 0, 0);
  }
}

}  // namespace

#define EASEL_UNARY                                                                                                                            \
  {                                                                                                                                            \
    unary_row<neg>, unary_row<absolute>, unary_row<square>, unary_row<square_root>, unary_row<rsqrt>, unary_row<reciprocal>,                   \
        unary_row<exponential>, unary_row<logarithm>, unary_row<hyperbolic_tangent>, unary_row<logistic>, unary_row<relu>, unary_row<relu6>,   \
        unary_row<leaky_relu>, unary_row<step>, unary_row<clip>, unary_row<error_function>, unary_row<gelu>, unary_row<gelu_tanh>,             \
        unary_row<silu>, unary_row<round_down>, unary_row<round_up>, unary_row<round_even>, unary_row<sign>, unary_row<elu>                    \
  }
#define EASEL_BINARY                                                                                                                           \
  {                                                                                                                                            \
    binary_row<sum>, binary_row<difference>, binary_row<product>, binary_row<quotient>, binary_row<maximum>, binary_row<minimum>,              \
        binary_row<squared_difference>, binary_row<power>, binary_row<gelu_grad>, binary_row<gelu_tanh_grad>, binary_row<silu_grad>,           \
        binary_row<elu_grad>, binary_row<prelu>, binary_row<relu_grad>, binary_row<gated_relu>, binary_row<gated_gelu>,                        \
        binary_row<gated_gelu_tanh>, binary_row<gated_silu>                                                                                    \
  }
#define EASEL_GATED_GRAD                                                                                                                       \
  {                                                                                                                                            \
    gated_grad_row<relu, relu_grad>, gated_grad_row<gelu, gelu_grad>, gated_grad_row<gelu_tanh, gelu_tanh_grad>,                               \
        gated_grad_row<silu, silu_grad>                                                                                                        \
  }

const ElementwiseKernels elementwise_serial = {EASEL_UNARY, EASEL_BINARY, EASEL_UNARY, EASEL_BINARY, EASEL_GATED_GRAD};

}  // namespace easel
