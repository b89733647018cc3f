// Bias and activation on vectors: the same text for each vector target. avx2.cc, avx512.cc and
// neon.cc include it and name the table.
#pragma once

#include "kernels/epilogue/epilogue.h"
#include "kernels/vec.h"

namespace easel {
namespace {

/// e^x − 1 = tanh(x/2)·(e^x + 1), for x ≤ 0.
static inline vf exp_minus_one(vf x) { return mul(tanh(mul(x, set(0.5f))), add(exp(x), set(1.0f))); }

template <typename Function>
static inline void apply(float* c, int64_t c_row, int64_t rows, int64_t columns, const Epilogue& epilogue, Function activate) {
  const float* const bias = epilogue.bias;
  const float* residual = epilogue.residual;
  for (int64_t i = 0; i < rows; i++, c += c_row) {
    for_vectors(
        columns,
        [&](int64_t j) {
          const vf y = activate(bias ? add(load(c + j), load(bias + j)) : load(c + j));
          store(c + j, residual ? add(y, load(residual + j)) : y);
        },
        [&](int64_t j, int64_t count) {
          const vf x = load_first(c + j, count);
          const vf y = activate(bias ? add(x, load_first(bias + j, count)) : x);
          store_first(c + j, count, residual ? add(y, load_first(residual + j, count)) : y);
        });
    if (residual) residual += c_row;
  }
}

void rows_of(float* c, int64_t c_row, int64_t rows, int64_t columns, const Epilogue& epilogue) {
  const vf leak = set(epilogue.leak);
  switch (epilogue.activation) {
    case Activation::linear:
      return apply(c, c_row, rows, columns, epilogue, [](vf x) { return x; });
    case Activation::relu:
      return apply(c, c_row, rows, columns, epilogue, [](vf x) { return max_second(zero(), x); });
    case Activation::relu6:
      return apply(c, c_row, rows, columns, epilogue, [](vf x) { return clamp(x, 0, 6); });
    case Activation::sigmoid:
      return apply(c, c_row, rows, columns, epilogue, [](vf x) { return sigmoid(x); });
    case Activation::elu:
      return apply(c, c_row, rows, columns, epilogue, [](vf x) { return select(less(x, zero()), exp_minus_one(x), x); });
    case Activation::leaky_relu:
      return apply(c, c_row, rows, columns, epilogue, [leak](vf x) { return select(less(x, zero()), mul(leak, x), x); });
    case Activation::gelu:
      return apply(c, c_row, rows, columns, epilogue, [](vf x) { return gelu(x); });
    case Activation::gelu_tanh:
      return apply(c, c_row, rows, columns, epilogue, [](vf x) { return mul(x, gelu_tanh_gate(x)); });
    case Activation::silu:
      return apply(c, c_row, rows, columns, epilogue, [](vf x) { return mul(x, sigmoid(x)); });
  }
}

}  // namespace
}  // namespace easel
