// Bias and activation on vectors: the same text for each vector target. Included by avx2.cc, avx512.cc and neon.cc, which name the table.
#pragma once

#include "kernels/epilogue/epilogue.h"
#include "kernels/vec.h"

namespace easel {
namespace {

/// e^x − 1 = tanh(x/2)·(e^x + 1), for x ≤ 0.
static inline vf exp_minus_one(vf x) { return mul(tanh(mul(x, set(0.5f))), add(exp(x), set(1.0f))); }

template <typename Function>
static inline void apply(float* c, int64_t c_row, int64_t rows, int64_t columns, const float* bias, Function f) {
  for (int64_t i = 0; i < rows; i++, c += c_row) {
    for_vectors(
        columns, [&](int64_t j) { store(c + j, f(bias ? add(load(c + j), load(bias + j)) : load(c + j))); },
        [&](int64_t j, int64_t count) {
          const vf x = load_first(c + j, count);
          store_first(c + j, count, f(bias ? add(x, load_first(bias + j, count)) : x));
        });
  }
}

void rows_of(float* c, int64_t c_row, int64_t rows, int64_t columns, const Epilogue& epilogue) {
  const float* const bias = epilogue.bias;
  const vf leak = set(epilogue.leak);
  switch (epilogue.activation) {
    case Activation::none:
      return apply(c, c_row, rows, columns, bias, [](vf x) { return x; });
    case Activation::relu:
      return apply(c, c_row, rows, columns, bias, [](vf x) { return max_second(zero(), x); });
    case Activation::relu6:
      return apply(c, c_row, rows, columns, bias, [](vf x) { return clamp(x, 0, 6); });
    case Activation::sigmoid:
      return apply(c, c_row, rows, columns, bias, [](vf x) { return sigmoid(x); });
    case Activation::elu:
      return apply(c, c_row, rows, columns, bias, [](vf x) { return select(less(x, zero()), exp_minus_one(x), x); });
    case Activation::leaky_relu:
      return apply(c, c_row, rows, columns, bias, [leak](vf x) { return select(less(x, zero()), mul(leak, x), x); });
  }
}

}  // namespace
}  // namespace easel
