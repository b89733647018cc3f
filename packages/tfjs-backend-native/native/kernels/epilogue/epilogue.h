// What follows a product or a convolution: c[i,j] = activation(c[i,j] + bias[j]) + residual[i,j],
// float32, in place, while c is still in the cache.
#pragma once

#include <cstdint>

namespace easel {

/// The function applied after the bias, in the order of ACTIVATIONS in src/addon-numbers.ts.
enum class Activation : int { linear, relu, relu6, sigmoid, elu, leaky_relu, gelu, gelu_tanh, silu };

constexpr int activation_count = static_cast<int>(Activation::silu) + 1;

/// bias and residual may be null. leak is leaky_relu's slope below 0. The residual is laid out as
/// the whole output, which begins at `output`.
struct Epilogue {
  const float* bias = nullptr;
  Activation activation = Activation::linear;
  float leak = 0;
  const float* residual = nullptr;
  const float* output = nullptr;

  bool empty() const { return bias == nullptr && activation == Activation::linear && residual == nullptr; }
};

struct EpilogueKernels {
  /// Applies the epilogue to rows of c. The rows of c, and those of the residual, lie c_row floats
  /// apart; the residual begins at the first of them. NaN stays NaN. sigmoid and elu are within 4
  /// and 8 units in the last place.
  void (*rows)(float* c, int64_t c_row, int64_t rows, int64_t columns, const Epilogue& epilogue);
};

extern const EpilogueKernels epilogue_serial, epilogue_avx2, epilogue_avx512, epilogue_neon;

/// Applies the epilogue to c[rows, columns] with the given row stride. bias starts at the first
/// column given.
void apply_epilogue(const Epilogue& epilogue, float* c, int64_t c_row, int64_t rows, int64_t columns, int64_t first_column);

}  // namespace easel
