// Unary and binary kernels against their formulas in double precision.
#include <cstdio>

#include "test/check.h"

namespace easel {
namespace test {
namespace {

constexpr double sqrt_half = 0.70710678118654752, inv_sqrt_2pi = 0.39894228040143268, sqrt_2_over_pi = 0.79788456080286536;
constexpr float slope = 0.3f, low = -0.75f, high = 1.5f;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double gelu_tanh_gate(double x) { return sigmoid(2 * sqrt_2_over_pi * (x + 0.044715 * x * x * x)); }

/// A function, its reference, and how far it may be off: in ulps of max(|y|, scale·|x|).
struct UnaryCase {
  Unary op;
  const char* name;
  double (*f)(double);
  double ulps, scale, floor;
};

// From here on e^-x leaves float32 (1.2e-38), and 1/(1 + e^-x) is 0.
constexpr double vanishing = 1.2e-38;

const UnaryCase unary_cases[] = {
    {unary_neg, "neg", [](double x) { return -x; }, 0, 0, 0},
    {unary_abs, "abs", [](double x) { return std::fabs(x); }, 0, 0, 0},
    {unary_square, "square", [](double x) { return x * x; }, 0.5001, 0, 0},
    {unary_sqrt, "sqrt", [](double x) { return std::sqrt(x); }, 0.5001, 0, 0},
    {unary_rsqrt, "rsqrt", [](double x) { return 1 / std::sqrt(x); }, 1.5, 0, 0},
    {unary_reciprocal, "reciprocal", [](double x) { return 1 / x; }, 0.5001, 0, 0},
    {unary_exp, "exp", [](double x) { return std::exp(x); }, 1.5, 0, 0},
    {unary_log, "log", [](double x) { return std::log(x); }, 2, 0, 0},
    {unary_tanh, "tanh", [](double x) { return std::tanh(x); }, 5, 0, 0},
    {unary_sigmoid, "sigmoid", sigmoid, 4, 0, vanishing},
    {unary_relu, "relu", [](double x) { return x < 0 ? 0 : x; }, 0, 0, 0},
    {unary_relu6, "relu6", [](double x) { return x < 0 ? 0 : x > 6 ? 6 : x; }, 0, 0, 0},
    {unary_leaky_relu, "leaky relu", [](double x) { return x < 0 ? slope * x : x; }, 0.5001, 0, 0},
    {unary_step, "step", [](double x) { return x > 0 ? 1 : x <= 0 ? slope : x; }, 0, 0, 0},
    {unary_clip, "clip", [](double x) { return x > high ? high : x < low ? low : x; }, 0, 0, 0},
    {unary_erf, "erf", [](double x) { return std::erf(x); }, 8, 0, 5e-44},
    {unary_gelu, "gelu", [](double x) { return x * 0.5 * (1 + std::erf(x * sqrt_half)); }, 8, 1, 0},
    {unary_gelu_tanh, "gelu tanh", [](double x) { return x * gelu_tanh_gate(x); }, 8, 1, 0},
    {unary_silu, "silu", [](double x) { return x * sigmoid(x); }, 6, 0, vanishing},
    {unary_floor, "floor", [](double x) { return std::floor(x); }, 0, 0, 0},
    {unary_ceil, "ceil", [](double x) { return std::ceil(x); }, 0, 0, 0},
    {unary_round, "round", [](double x) { return std::nearbyint(x); }, 0, 0, 0},
    {unary_sign, "sign", [](double x) { return x > 0 ? 1.0 : x < 0 ? -1.0 : 0.0; }, 0, 0, 0},
    {unary_elu, "elu", [](double x) { return x < 0 ? high * std::expm1(x) : slope * x; }, 8, 0, 0},
};
static_assert(sizeof(unary_cases) / sizeof(unary_cases[0]) == unary_count, "a unary kernel has no test");

struct BinaryCase {
  Binary op;
  const char* name;
  double (*f)(double, double);
  double ulps, scale;  // scale: of |a|·max(1, |b|), for gradients
  bool infinities;     // false: the reference differs at infinities (∞·0)
};

const BinaryCase binary_cases[] = {
    {binary_add, "add", [](double a, double b) { return a + b; }, 0.5001, 0, true},
    {binary_sub, "sub", [](double a, double b) { return a - b; }, 0.5001, 0, true},
    {binary_mul, "mul", [](double a, double b) { return a * b; }, 0.5001, 0, true},
    {binary_div, "div", [](double a, double b) { return a / b; }, 0.5001, 0, true},
    {binary_maximum, "maximum", [](double a, double b) { return a != a || b != b ? a + b : a > b ? a : b; }, 0, 0, true},
    {binary_minimum, "minimum", [](double a, double b) { return a != a || b != b ? a + b : a < b ? a : b; }, 0, 0, true},
    {binary_squared_difference, "squared difference", [](double a, double b) { return (a - b) * (a - b); }, 3.1, 0, true},
    {binary_pow, "pow", [](double a, double b) { return std::pow(a, b); }, 1, 0, true},
    {binary_gelu_grad, "gelu gradient",
     [](double dy, double x) { return dy * (0.5 * (1 + std::erf(x * sqrt_half)) + x * inv_sqrt_2pi * std::exp(-0.5 * x * x)); }, 8, 1, false},
    {binary_gelu_tanh_grad, "gelu tanh gradient",
     [](double dy, double x) {
       const double s = gelu_tanh_gate(x);
       return dy * (s + x * s * (1 - s) * 2 * sqrt_2_over_pi * (1 + 3 * 0.044715 * x * x));
     },
     16, 1, false},
    {binary_silu_grad, "silu gradient",
     [](double dy, double x) {
       const double s = sigmoid(x);
       return dy * (s + x * s * (1 - s));
     },
     8, 1, false},
    {binary_elu_grad, "elu gradient", [](double dy, double y) { return y < 0 ? dy * (y + 1) : y == y ? dy : y; }, 1.6, 0, false},
    {binary_prelu, "prelu", [](double x, double a) { return x < 0 ? x * a : x; }, 0.5001, 0, true},
    {binary_relu_grad, "relu gradient", [](double dy, double x) { return x > 0 ? dy : x <= 0 ? 0 : x; }, 0, 0, true},
    {binary_gated_relu, "gated relu", [](double x, double up) { return (x < 0 ? 0 : x) * up; }, 0.5001, 0, true},
    {binary_gated_gelu, "gated gelu", [](double x, double up) { return x * 0.5 * (1 + std::erf(x * sqrt_half)) * up; }, 9, 1, false},
    {binary_gated_gelu_tanh, "gated gelu tanh", [](double x, double up) { return x * gelu_tanh_gate(x) * up; }, 9, 1, false},
    {binary_gated_silu, "gated silu", [](double x, double up) { return x * sigmoid(x) * up; }, 7, 1, false},
};
static_assert(sizeof(binary_cases) / sizeof(binary_cases[0]) == binary_count, "a binary kernel has no test");

const float specials[] = {0, -0.0f, infinity, -infinity, not_a_number, 1e-41f, -1e-41f, 3e38f, -3e38f, 88.7f, -87.5f, -103, 1, -1};

void fill_mixed(Array& x, bool infinities, int64_t start) {
  x.fill_random(3);
  if (infinities) {
    for (int64_t i = start % 3; i < x.size(); i += 3) x[i] = specials[(start + i) % static_cast<int64_t>(sizeof(specials) / sizeof(float))];
  } else {
    for (int64_t i = start % 7; i < x.size(); i += 7) x[i] = not_a_number;
  }
}

void test_unary(const Tables& tables, const UnaryCase& c) {
  const UnaryRow row = tables.elementwise.unary[c.op], streamed = tables.elementwise.unary_streamed[c.op];
  const float p = c.op == unary_clip ? low : slope, q = high;
  int64_t start = 0;
  for (const int64_t n : lengths(tables.lanes)) {
    for (int64_t gap = 0; gap < 4; gap++) {
      describe("%s of %lld, %lld before the end of the page", c.name, static_cast<long long>(n), static_cast<long long>(gap));
      Array x(n, gap), y(n, (gap + 1) % 4), z(n, gap), w(n, (gap + 2) % 4);
      fill_mixed(x, true, start++);
      z.copy(x);
      row(y.data(), x.data(), n, p, q);
      row(z.data(), z.data(), n, p, q);
      streamed(w.data(), x.data(), n, p, q);
      for (int64_t i = 0; i < n; i++) {
        const double xi = x[i], size = c.scale > 0 && std::isfinite(xi) ? c.scale * std::fabs(xi) : 0;
        const Tolerance tolerance{c.ulps, size, c.floor * std::fmax(1.0, std::isfinite(xi) ? std::fabs(xi) : 1.0)};
        expect(y[i], c.f(xi), tolerance, i);
        expect(z[i], y[i], {}, i);
        expect(w[i], y[i], {}, i);
      }
    }
  }
  // A sweep over every exponent.
  const int64_t n = 30011;
  Array x(n), y(n);
  for (int64_t i = 0; i < n; i++) {
    const double exponent = -130 + 258 * uniform();
    x[i] = static_cast<float>(std::ldexp(1 + uniform(), static_cast<int>(i % 4 ? std::fmod(exponent, 8) : exponent)) * (i % 2 ? 1 : -1));
  }
  describe("%s over all exponents", c.name);
  describe_group("elementwise", target_name(tables.target));
  row(y.data(), x.data(), n, p, q);
  for (int64_t i = 0; i < n; i++) {
    const double xi = x[i];
    expect(y[i], c.f(xi), {c.ulps, c.scale * std::fabs(xi), c.floor * std::fmax(1.0, std::fabs(xi))}, i);
  }
  if (c.ulps >= 1) std::printf("%-8s %s: within %.2f ulp of %lld arguments\n", target_name(tables.target), c.name, worst_ulps(), static_cast<long long>(n));
}

void test_binary(const Tables& tables, const BinaryCase& c) {
  const BinaryRow row = tables.elementwise.binary[c.op], streamed = tables.elementwise.binary_streamed[c.op];
  int64_t start = 0;
  for (const int64_t n : lengths(tables.lanes)) {
    for (int64_t steps = 0; steps < 4; steps++) {
      const int64_t a_step = steps & 1, b_step = steps >> 1, gap = start % 4;
      describe("%s of %lld, steps %d and %d", c.name, static_cast<long long>(n), static_cast<int>(a_step), static_cast<int>(b_step));
      Array a(a_step ? n : 1, gap), b(b_step ? n : 1, (gap + 3) % 4), y(n, (gap + 1) % 4), w(n, (gap + 2) % 4);
      fill_mixed(a, c.infinities, start);
      fill_mixed(b, c.infinities, start + 5);
      start++;
      row(y.data(), a.data(), a_step, b.data(), b_step, n);
      streamed(w.data(), a.data(), a_step, b.data(), b_step, n);
      for (int64_t i = 0; i < n; i++) {
        const double ai = a[i * a_step], bi = b[i * b_step];
        const double size = c.scale > 0 && ai == ai && bi == bi ? c.scale * std::fabs(ai) * std::fmax(1.0, std::fabs(bi)) : 0;
        expect(y[i], c.f(ai, bi), {c.ulps, size, 0}, i);
        expect(w[i], y[i], {}, i);
      }
    }
  }
}

struct GateCase {
  Gate f;
  const char* name;
  Binary gated, grad;
};

const GateCase gate_cases[] = {
    {gate_relu, "gated relu gradient", binary_gated_relu, binary_relu_grad},
    {gate_gelu, "gated gelu gradient", binary_gated_gelu, binary_gelu_grad},
    {gate_gelu_tanh, "gated gelu tanh gradient", binary_gated_gelu_tanh, binary_gelu_tanh_grad},
    {gate_silu, "gated silu gradient", binary_gated_silu, binary_silu_grad},
};
static_assert(sizeof(gate_cases) / sizeof(gate_cases[0]) == gate_count, "a gate has no test");

const BinaryCase& binary_case(Binary op) {
  for (const BinaryCase& c : binary_cases) {
    if (c.op == op) return c;
  }
  return binary_cases[0];
}

// Both gradients against the formulas of the two functions that they join.
void test_gated_grad(const Tables& tables, const GateCase& c) {
  const BinaryCase &gated = binary_case(c.gated), &grad = binary_case(c.grad);
  int64_t start = 0;
  for (const int64_t n : lengths(tables.lanes)) {
    const int64_t gap = start % 4;
    describe("%s of %lld", c.name, static_cast<long long>(n));
    Array dy(n, gap), gate(n, (gap + 1) % 4), up(n, (gap + 2) % 4), dgate(n, (gap + 3) % 4), dup(n, gap);
    fill_mixed(dy, false, start);
    fill_mixed(gate, false, start + 2);
    fill_mixed(up, false, start + 5);
    start++;
    tables.elementwise.gated_grad[c.f](dgate.data(), dup.data(), dy.data(), gate.data(), up.data(), n);
    for (int64_t i = 0; i < n; i++) {
      const double d = dy[i], g = gate[i], u = up[i];
      const double size = std::fabs(d) * std::fmax(1.0, std::fabs(g));
      const double by_up = size == size ? size : 0, by_gate = u == u ? by_up * std::fabs(u) : 0;
      expect(dgate[i], grad.f(d * u, g), {grad.ulps + 2, by_gate, 0}, i);
      expect(dup[i], gated.f(g, d), {gated.ulps + 1, by_up, 0}, i);
    }
  }
}

}  // namespace

void test_elementwise(const Tables& tables) {
  for (const UnaryCase& c : unary_cases) test_unary(tables, c);
  for (const BinaryCase& c : binary_cases) test_binary(tables, c);
  for (const GateCase& c : gate_cases) test_gated_grad(tables, c);
}

}  // namespace test
}  // namespace easel
