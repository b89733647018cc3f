// Parameter updates in one pass over parameter, gradient and state.
#pragma once

#include <cstdint>

namespace easel {

/// AdamW (Loshchilov and Hutter 2017, arXiv:1711.05101; optax's form):
///   m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², p ← p − lr·(m·mean_factor / (√(v·square_factor) + ε) + decay·p)
/// with mean_factor = 1/(1−β₁^t) and square_factor = 1/(1−β₂^t).
/// rest1 and rest2 are 1−β₁ and 1−β₂ rounded once: taken from a rounded β₂ = 0.999 the latter would be off by 1.3e-5 of itself.
struct AdamW {
  float learning_rate, beta1, beta2, epsilon, decay, mean_factor, square_factor, rest1, rest2;
};

struct OptimizerKernels {
  void (*adamw)(float* p, float* m, float* v, const float* g, int64_t n, const AdamW& settings);
};

extern const OptimizerKernels optimizer_serial, optimizer_avx2, optimizer_avx512, optimizer_neon;

void adamw(float* p, float* m, float* v, const float* g, int64_t n, const AdamW& settings);

}  // namespace easel
