// Cuts elementwise work into pieces for the threads, and walks broadcasts.
#include "kernels/elementwise/elementwise.h"

#include <cmath>
#include <cstring>

#include "runtime/dispatch.h"
#include "runtime/float_bits.h"
#include "runtime/integers.h"
#include "runtime/stream.h"
#include "runtime/threads.h"

namespace easel {
namespace {

// Elements of one piece of work: 10 to 20 µs.
constexpr int64_t cheap_grain = 32768;
constexpr int64_t costly_grain = 8192;
constexpr int64_t pow_grain = 1024;
constexpr int64_t streamed_grain = 32768;  // a shorter piece ends before its prefetched input is used

int64_t grain_of(Unary op) {
  switch (op) {
    case unary_exp:
    case unary_log:
    case unary_tanh:
    case unary_sigmoid:
    case unary_erf:
    case unary_gelu:
    case unary_gelu_tanh:
    case unary_silu:
    case unary_elu:
      return costly_grain;
    default:
      return cheap_grain;
  }
}

int64_t grain_of(Binary op) {
  const bool costly = (op >= binary_gelu_grad && op <= binary_silu_grad) || (op >= binary_gated_gelu && op <= binary_gated_silu);
  return op == binary_pow ? pow_grain : costly ? costly_grain : cheap_grain;
}

// Rows shorter than this are joined, if the same short operand serves all of them.
constexpr int64_t short_row = 256;
constexpr int64_t joined_row = 2048;

/// Calls row(y_offset, a_offset, a_step, b_offset, b_step, n) for pieces of at most `grain`
/// elements that make up the broadcast.
template <typename Row>
void walk(const Broadcast& shape, int64_t grain, const Row& row) {
  const int last = shape.rank - 1;
  const int64_t inner = shape.extent[last];
  int64_t rows = 1;
  for (int i = 0; i < last; i++) rows *= shape.extent[i];
  if (rows == 0 || inner == 0) return;
  const int64_t pieces = (inner + grain - 1) / grain;
  const int64_t units_per_chunk = pieces > 1 ? 1 : (grain + inner - 1) / inner;
  parallel_for(rows * pieces, units_per_chunk, [&](int64_t begin, int64_t end) {
    int64_t index[Broadcast::most_axes];
    int64_t rest = begin / pieces, piece = begin % pieces, a = 0, b = 0;
    for (int i = last - 1; i >= 0; i--) {
      index[i] = rest % shape.extent[i];
      rest /= shape.extent[i];
      a += index[i] * shape.a_step[i];
      b += index[i] * shape.b_step[i];
    }
    int64_t y = begin / pieces * inner;
    for (int64_t unit = begin; unit < end; unit++) {
      const int64_t from = piece * grain;
      const int64_t n = from + grain < inner ? grain : inner - from;
      row(y + from, a + from * shape.a_step[last], shape.a_step[last], b + from * shape.b_step[last], shape.b_step[last], n);
      if (++piece < pieces) continue;
      piece = 0;
      y += inner;
      for (int i = last - 1; i >= 0; i--) {
        a += shape.a_step[i];
        b += shape.b_step[i];
        if (++index[i] < shape.extent[i]) break;
        a -= index[i] * shape.a_step[i];
        b -= index[i] * shape.b_step[i];
        index[i] = 0;
      }
    }
  });
}

template <IntBinary op>
int32_t int_value(int32_t a, int32_t b) {
  const uint32_t ua = static_cast<uint32_t>(a), ub = static_cast<uint32_t>(b);
  switch (op) {
    case int_add:
      return static_cast<int32_t>(ua + ub);
    case int_sub:
      return static_cast<int32_t>(ua - ub);
    case int_mul:
      return static_cast<int32_t>(ua * ub);
    case int_maximum:
      return a > b ? a : b;
    case int_minimum:
      return a < b ? a : b;
    case int_mod: {
      if (b == 0 || b == -1) return 0;
      const int32_t rest = a % b;
      return rest && (rest < 0) != (b < 0) ? rest + b : rest;
    }
    case int_floor_div: {
      if (b == 0) return 0;
      if (b == -1) return static_cast<int32_t>(0 - ua);
      const int32_t whole = a / b;
      return whole * b != a && (a < 0) != (b < 0) ? whole - 1 : whole;
    }
    default:
      return a & b;
  }
}

template <Comparison op, typename T>
uint8_t holds(T a, T b) {
  switch (op) {
    case compare_equal:
      return a == b;
    case compare_not_equal:
      return a != b;
    case compare_greater:
      return a > b;
    case compare_greater_equal:
      return a >= b;
    case compare_less:
      return a < b;
    default:
      return a <= b;
  }
}

template <typename Y, typename T, Y (*f)(T, T)>
void walk_plain(Y* y, const T* a, const T* b, const Broadcast& shape, int64_t grain = cheap_grain) {
  walk(shape, grain, [&](int64_t y_at, int64_t a_at, int64_t a_step, int64_t b_at, int64_t b_step, int64_t n) {
    Y* out = y + y_at;
    const T* pa = a + a_at;
    const T* pb = b + b_at;
    if (a_step && b_step) {
      for (int64_t i = 0; i < n; i++) out[i] = f(pa[i], pb[i]);
    } else if (a_step) {
      const T vb = *pb;
      for (int64_t i = 0; i < n; i++) out[i] = f(pa[i], vb);
    } else {
      for (int64_t i = 0; i < n; i++) out[i] = f(*pa, pb[i * b_step]);
    }
  });
}

template <typename T>
void compare_plain(Comparison op, uint8_t* y, const T* a, const T* b, const Broadcast& shape) {
  switch (op) {
    case compare_equal:
      return walk_plain<uint8_t, T, holds<compare_equal, T>>(y, a, b, shape);
    case compare_not_equal:
      return walk_plain<uint8_t, T, holds<compare_not_equal, T>>(y, a, b, shape);
    case compare_greater:
      return walk_plain<uint8_t, T, holds<compare_greater, T>>(y, a, b, shape);
    case compare_greater_equal:
      return walk_plain<uint8_t, T, holds<compare_greater_equal, T>>(y, a, b, shape);
    case compare_less:
      return walk_plain<uint8_t, T, holds<compare_less, T>>(y, a, b, shape);
    default:
      return walk_plain<uint8_t, T, holds<compare_less_equal, T>>(y, a, b, shape);
  }
}

}  // namespace

void unary(Unary op, float* y, const float* x, int64_t n, float p, float q) {
  const bool streamed = is_streamed(n) && y != x;
  const UnaryRow row = streamed ? EASEL_KERNELS(elementwise).unary_streamed[op] : EASEL_KERNELS(elementwise).unary[op];
  parallel_for(n, streamed ? streamed_grain : grain_of(op), [&](int64_t begin, int64_t end) {
    row(y + begin, x + begin, end - begin, p, q);
    if (streamed) finish_streaming();
  });
}

void binary(Binary op, float* y, const float* a, const float* b, const Broadcast& shape) {
  if (shape.rank == 1 && shape.extent[0] <= grain_of(op)) {  // one piece: nothing to cut
    if (shape.extent[0] > 0) EASEL_KERNELS(elementwise).binary[op](y, a, shape.a_step[0], b, shape.b_step[0], shape.extent[0]);
    return;
  }
  const int64_t rows = shape.extent[0], width = shape.extent[1];
  int64_t size = 1;
  for (int i = 0; i < shape.rank; i++) size *= shape.extent[i];
  const bool streamed = is_streamed(size) && y != a && y != b;
  const BinaryRow row = streamed ? EASEL_KERNELS(elementwise).binary_streamed[op] : EASEL_KERNELS(elementwise).binary[op];
  // The case [rows, width] with [width] where width is small (a bias per channel). The short
  // operand is repeated, so that rows become long.
  if (shape.rank == 2 && width <= short_row && rows * width >= joined_row && shape.a_step[1] == 1 && shape.b_step[1] == 1 &&
      (shape.a_step[0] == 0) != (shape.b_step[0] == 0)) {
    const bool a_repeats = shape.a_step[0] == 0;
    const float* once = a_repeats ? a : b;
    const float* whole = a_repeats ? b : a;
    float repeated[joined_row];
    const int64_t length = joined_row / width * width;
    for (int64_t i = 0; i < length; i += width) std::memcpy(repeated + i, once, sizeof(float) * static_cast<size_t>(width));
    const int64_t n = rows * width, per_chunk = (streamed ? streamed_grain : grain_of(op)) / length + 1;
    parallel_for((n + length - 1) / length, per_chunk, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const int64_t at = i * length, count = at + length < n ? length : n - at;
        if (a_repeats) {
          row(y + at, repeated, 1, whole + at, 1, count);
        } else {
          row(y + at, whole + at, 1, repeated, 1, count);
        }
      }
      if (streamed) finish_streaming();
    });
    return;
  }
  const int64_t grain = streamed && op != binary_pow ? streamed_grain : grain_of(op);
  walk(shape, grain, [&](int64_t y_at, int64_t a_at, int64_t a_step, int64_t b_at, int64_t b_step, int64_t n) {
    row(y + y_at, a + a_at, a_step, b + b_at, b_step, n);
    if (streamed) finish_streaming();
  });
}

void gated_grad(Gate f, float* dgate, float* dup, const float* dy, const float* gate, const float* up, int64_t n) {
  const GatedGradRow row = EASEL_KERNELS(elementwise).gated_grad[f];
  parallel_for(n, costly_grain, [&](int64_t begin, int64_t end) {
    row(dgate + begin, dup + begin, dy + begin, gate + begin, up + begin, end - begin);
  });
}

void binary_int(IntBinary op, int32_t* y, const int32_t* a, const int32_t* b, const Broadcast& shape) {
  switch (op) {
    case int_add:
      return walk_plain<int32_t, int32_t, int_value<int_add>>(y, a, b, shape);
    case int_sub:
      return walk_plain<int32_t, int32_t, int_value<int_sub>>(y, a, b, shape);
    case int_mul:
      return walk_plain<int32_t, int32_t, int_value<int_mul>>(y, a, b, shape);
    case int_maximum:
      return walk_plain<int32_t, int32_t, int_value<int_maximum>>(y, a, b, shape);
    case int_minimum:
      return walk_plain<int32_t, int32_t, int_value<int_minimum>>(y, a, b, shape);
    case int_mod:
      return walk_plain<int32_t, int32_t, int_value<int_mod>>(y, a, b, shape);
    case int_floor_div:
      return walk_plain<int32_t, int32_t, int_value<int_floor_div>>(y, a, b, shape);
    default:
      return walk_plain<int32_t, int32_t, int_value<int_bitwise_and>>(y, a, b, shape);
  }
}

void compare(Comparison op, uint8_t* y, const float* a, const float* b, const Broadcast& shape) { compare_plain(op, y, a, b, shape); }

void compare(Comparison op, uint8_t* y, const int32_t* a, const int32_t* b, const Broadcast& shape) { compare_plain(op, y, a, b, shape); }

void select_words(uint32_t* y, const uint8_t* condition, const uint32_t* a, const uint32_t* b, int64_t n) {
  parallel_for(n, cheap_grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) y[i] = condition[i] ? a[i] : b[i];
  });
}

namespace {

double softplus(double x) {
  // Beyond these bounds, log(1 + eˣ) is x or eˣ to float's precision.
  const double bound = -(std::log(1.1920928955078125e-7) + 2);
  return x > bound ? x : x < -bound ? std::exp(x) : std::log1p(std::exp(x));
}

template <double (*f)(double)>
void each(float* y, const float* x, int64_t n) {
  parallel_for(n, pow_grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) y[i] = static_cast<float>(f(x[i]));
  });
}

template <typename Y, typename X, typename F>
void convert(Y* y, const X* x, int64_t n, const F& f) {
  parallel_for(n, cheap_grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) y[i] = f(x[i]);
  });
}

float atan2_value(float y, float x) { return static_cast<float>(std::atan2(static_cast<double>(y), static_cast<double>(x))); }
float hypot_value(float a, float b) { return static_cast<float>(std::hypot(static_cast<double>(a), static_cast<double>(b))); }

/// As on the cpu backend, numbers of different signs are taken twice: (a % b + b) % b.
float mod_value(float a, float b) {
  const double rest = std::fmod(static_cast<double>(a), static_cast<double>(b));
  const bool same = (a < 0 && b < 0) || (a >= 0 && b >= 0);
  return static_cast<float>(same ? rest : std::fmod(rest + b, static_cast<double>(b)));
}

int32_t floor_div_value(float a, float b) { return int32_of(std::floor(static_cast<double>(a) / static_cast<double>(b))); }

uint8_t both(uint8_t a, uint8_t b) { return a && b; }
uint8_t one_of(uint8_t a, uint8_t b) { return a || b; }

}  // namespace

void plain_unary(Plain op, float* y, const float* x, int64_t n) {
  switch (op) {
    case plain_sin:
      return each<std::sin>(y, x, n);
    case plain_cos:
      return each<std::cos>(y, x, n);
    case plain_tan:
      return each<std::tan>(y, x, n);
    case plain_log1p:
      return each<std::log1p>(y, x, n);
    case plain_expm1:
      return each<std::expm1>(y, x, n);
    case plain_atan:
      return each<std::atan>(y, x, n);
    case plain_sinh:
      return each<std::sinh>(y, x, n);
    case plain_cosh:
      return each<std::cosh>(y, x, n);
    case plain_acos:
      return each<std::acos>(y, x, n);
    case plain_asin:
      return each<std::asin>(y, x, n);
    case plain_acosh:
      return each<std::acosh>(y, x, n);
    case plain_asinh:
      return each<std::asinh>(y, x, n);
    case plain_atanh:
      return each<std::atanh>(y, x, n);
    default:
      return each<softplus>(y, x, n);
  }
}

void plain_binary(PlainPair op, float* y, const float* a, const float* b, const Broadcast& shape) {
  switch (op) {
    case pair_atan2:
      return walk_plain<float, float, atan2_value>(y, a, b, shape, pow_grain);
    case pair_mod:
      return walk_plain<float, float, mod_value>(y, a, b, shape, pow_grain);
    default:
      return walk_plain<float, float, hypot_value>(y, a, b, shape, pow_grain);
  }
}

void floor_div(int32_t* y, const float* a, const float* b, const Broadcast& shape) {
  walk_plain<int32_t, float, floor_div_value>(y, a, b, shape, costly_grain);
}

void is_kind(Kind kind, uint8_t* y, const float* x, int64_t n) {
  // Without the sign, the bits of NaN are above those of infinity, and those of other numbers below.
  constexpr uint32_t sign = 0x80000000u, infinity = 0x7f800000u;
  const auto magnitude = [](float value) { return bits_of(value) & ~sign; };
  switch (kind) {
    case kind_nan:
      return convert(y, x, n, [&](float value) { return static_cast<uint8_t>(magnitude(value) > infinity); });
    case kind_infinite:
      return convert(y, x, n, [&](float value) { return static_cast<uint8_t>(magnitude(value) == infinity); });
    default:
      return convert(y, x, n, [&](float value) { return static_cast<uint8_t>(magnitude(value) < infinity); });
  }
}

void logical(Logical op, uint8_t* y, const uint8_t* a, const uint8_t* b, const Broadcast& shape) {
  if (op == logical_and) {
    walk_plain<uint8_t, uint8_t, both>(y, a, b, shape);
  } else {
    walk_plain<uint8_t, uint8_t, one_of>(y, a, b, shape);
  }
}

void logical_not(uint8_t* y, const uint8_t* x, int64_t n) {
  convert(y, x, n, [](uint8_t value) { return static_cast<uint8_t>(value == 0); });
}

void to_float(float* y, const int32_t* x, int64_t n) {
  convert(y, x, n, [](int32_t value) { return static_cast<float>(value); });
}
void to_float(float* y, const uint8_t* x, int64_t n) {
  convert(y, x, n, [](uint8_t value) { return static_cast<float>(value); });
}
void to_int(int32_t* y, const float* x, int64_t n) {
  convert(y, x, n, [](float value) { return int32_of(value); });
}
void to_int(int32_t* y, const uint8_t* x, int64_t n) {
  convert(y, x, n, [](uint8_t value) { return static_cast<int32_t>(value); });
}
void to_bool(uint8_t* y, const float* x, int64_t n) {
  convert(y, x, n, [](float value) { return static_cast<uint8_t>(value != 0); });
}
void to_bool(uint8_t* y, const int32_t* x, int64_t n) {
  convert(y, x, n, [](int32_t value) { return static_cast<uint8_t>(value != 0); });
}

void fill_words(uint32_t* y, uint32_t value, int64_t n) {
  parallel_for(n, cheap_grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) y[i] = value;
  });
}

}  // namespace easel
