// Elementwise kernels on float32.
//
//   unary           y[i] = f(x[i]; p, q). y may be x.
//   binary          y[i] = f(a[i·a_step], b[i·b_step]) with steps 0 or 1. y may be a or b where that
//                   one's step is 1.
//   gated gradient  dgate[i] = dy[i]·up[i]·f'(gate[i]) and dup[i] = dy[i]·f(gate[i]), of
//                   y = f(gate)·up. No aliasing.
//
// NaN passes through maximum, minimum, relu, step and clip. The drivers cut large tensors into
// equal pieces for the threads. Vector targets use the approximations of kernels/vec.h, the serial
// one libm. Large outputs are streamed (runtime/stream.h).
#pragma once

#include <cstdint>

namespace easel {

// The enumerations are in the order of the lists of src/addon-numbers.ts.
enum Unary : int {
  unary_neg,
  unary_abs,
  unary_square,
  unary_sqrt,
  unary_rsqrt,
  unary_reciprocal,
  unary_exp,
  unary_log,
  unary_tanh,
  unary_sigmoid,
  unary_relu,
  unary_relu6,
  unary_leaky_relu,  // p: slope below 0
  unary_step,        // p: value at and below 0
  unary_clip,        // p ≤ q: bounds
  unary_erf,
  unary_gelu,       // x·Φ(x)
  unary_gelu_tanh,  // x·σ(2u), u = √(2/π)·(x + 0.044715·x³): the tanh form, rearranged
  unary_silu,       // x·σ(x)
  unary_floor,
  unary_ceil,
  unary_round,  // halves to even
  unary_sign,   // 0 for 0 and NaN, as tfjs has it
  unary_elu,    // p·x from 0 on, q·(eˣ − 1) below: elu with 1, 1
  unary_count
};

enum Binary : int {
  binary_add,
  binary_sub,
  binary_mul,
  binary_div,
  binary_maximum,
  binary_minimum,
  binary_squared_difference,
  binary_pow,
  binary_gelu_grad,       // a = dy, b = x
  binary_gelu_tanh_grad,  // a = dy, b = x
  binary_silu_grad,       // a = dy, b = x
  binary_elu_grad,        // a = dy, b = elu(x): dy from 0 on, dy·(b + 1) below
  binary_prelu,           // a = x, b = slope: x from 0 on, x·b below
  binary_relu_grad,       // a = dy, b = x: dy above 0, 0 at and below, NaN at NaN
  binary_gated_relu,      // a = gate, b = up: f(a)·b, in the order of Gate
  binary_gated_gelu,
  binary_gated_gelu_tanh,
  binary_gated_silu,
  binary_count
};

/// Functions of a gate. The operations binary_gated_* have the same order.
enum Gate : int { gate_relu, gate_gelu, gate_gelu_tanh, gate_silu, gate_count };

typedef void (*UnaryRow)(float* y, const float* x, int64_t n, float p, float q);
typedef void (*BinaryRow)(float* y, const float* a, int64_t a_step, const float* b, int64_t b_step, int64_t n);
typedef void (*GatedGradRow)(float* dgate, float* dup, const float* dy, const float* gate, const float* up, int64_t n);

struct ElementwiseKernels {
  UnaryRow unary[unary_count];
  BinaryRow binary[binary_count];
  // The same functions with streaming stores. The driver calls finish_streaming.
  UnaryRow unary_streamed[unary_count];
  BinaryRow binary_streamed[binary_count];
  GatedGradRow gated_grad[gate_count];
};

extern const ElementwiseKernels elementwise_serial, elementwise_avx2, elementwise_avx512, elementwise_neon;

/// The extents of an output in row-major order, and the steps of two inputs along them, in
/// elements.
struct Broadcast {
  static constexpr int most_axes = 8;
  int rank;
  int64_t extent[most_axes], a_step[most_axes], b_step[most_axes];
};

void unary(Unary op, float* y, const float* x, int64_t n, float p, float q);

/// y = f(a, b) over a broadcast whose last axis has steps 0 or 1.
void binary(Binary op, float* y, const float* a, const float* b, const Broadcast& shape);

/// Both gradients of y = f(gate)·up in one pass, n elements each.
void gated_grad(Gate f, float* dgate, float* dup, const float* dy, const float* gate, const float* up, int64_t n);

// Operations on integers, and comparisons: plain loops for any target.
enum IntBinary : int { int_add, int_sub, int_mul, int_maximum, int_minimum, int_mod, int_floor_div, int_bitwise_and, int_binary_count };
enum Comparison : int { compare_equal, compare_not_equal, compare_greater, compare_greater_equal, compare_less, compare_less_equal, compare_count };

/// Results wrap around, as int32 arithmetic does in JavaScript. mod has the divisor's sign. What is
/// divided by 0 gives 0.
void binary_int(IntBinary op, int32_t* y, const int32_t* a, const int32_t* b, const Broadcast& shape);
/// y is 1 where the comparison holds, else 0.
void compare(Comparison op, uint8_t* y, const float* a, const float* b, const Broadcast& shape);
void compare(Comparison op, uint8_t* y, const int32_t* a, const int32_t* b, const Broadcast& shape);

// Rarely used functions. They are computed by libm in double precision and rounded once, on any
// target.
enum Plain : int {
  plain_sin,
  plain_cos,
  plain_tan,
  plain_log1p,
  plain_expm1,
  plain_softplus,
  plain_atan,
  plain_sinh,
  plain_cosh,
  plain_acos,
  plain_asin,
  plain_acosh,
  plain_asinh,
  plain_atanh,
  plain_count
};
void plain_unary(Plain op, float* y, const float* x, int64_t n);
enum PlainPair : int { pair_atan2, pair_mod, pair_hypot, pair_count };
/// mod has the divisor's sign.
void plain_binary(PlainPair op, float* y, const float* a, const float* b, const Broadcast& shape);
/// y = ⌊a / b⌋, converted as to_int does.
void floor_div(int32_t* y, const float* a, const float* b, const Broadcast& shape);

// What kind of number x[i] is: y[i] is 1 if it is of the kind, else 0.
enum Kind : int { kind_nan, kind_infinite, kind_finite, kind_count };
void is_kind(Kind kind, uint8_t* y, const float* x, int64_t n);

// Operations on bytes that are 0 or 1.
enum Logical : int { logical_and, logical_or, logical_count };
void logical(Logical op, uint8_t* y, const uint8_t* a, const uint8_t* b, const Broadcast& shape);
void logical_not(uint8_t* y, const uint8_t* x, int64_t n);

/// y[i] = condition[i] ? a[i] : b[i], of 4-byte elements.
void select_words(uint32_t* y, const uint8_t* condition, const uint32_t* a, const uint32_t* b, int64_t n);

// Conversions between element types. To integers, values are rounded towards zero; NaN gives 0, and
// what is beyond int32 gives the value modulo 2^32, as in JavaScript.
void to_float(float* y, const int32_t* x, int64_t n);
void to_float(float* y, const uint8_t* x, int64_t n);
void to_int(int32_t* y, const float* x, int64_t n);
void to_int(int32_t* y, const uint8_t* x, int64_t n);
void to_bool(uint8_t* y, const float* x, int64_t n);
void to_bool(uint8_t* y, const int32_t* x, int64_t n);

/// y[i] = value.
void fill_words(uint32_t* y, uint32_t value, int64_t n);

}  // namespace easel
