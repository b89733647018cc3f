// Parameter updates in place. Every gradient is multiplied by `gradient_scale` as it is read, so
// clipping needs no pass of its own.
//
// Threads take pieces of a fixed size. Their sums are added in order, so results are the same for
// any number of threads.
#pragma once

#include <cstdint>

namespace easel {

/// AdamW (Loshchilov and Hutter 2017, arXiv:1711.05101; optax's form), in one pass:
///
///   m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g²
///   p ← p − lr·(m·mean_factor / (√(v·square_factor) + ε) + decay·p)
///
/// with mean_factor = 1/(1−β₁^t) and square_factor = 1/(1−β₂^t). rest1 and rest2 are 1−β₁ and 1−β₂,
/// each rounded once. Taken from a rounded β₂ = 0.999, the latter would be off by 1.3e-5 of itself.
struct AdamW {
  float learning_rate, beta1, beta2, epsilon, decay, mean_factor, square_factor, gradient_scale, rest1, rest2;
};

/// Adafactor (Shazeer and Stern 2018, arXiv:1804.04235; optax's form), for one tensor:
///
///   S ← ρ·S + (1 − ρ)·(g² + ε), u = g/√S; where factored, S ≈ row ⊗ column / mean(row)
///   u ← u / max(1, rms(u)/threshold) · lr · max(rms(p), least_scale)
///   with momentum: m ← momentum·m + (1 − momentum)·u, u = m
///   p ← p − (u + decay·p)
///
/// With threshold 0, u is not clipped. With least_scale 0, it is not multiplied by rms(p).
struct Adafactor {
  float learning_rate, rho, rest, epsilon, threshold, least_scale, momentum, momentum_rest, decay, gradient_scale;
};

/// How a step uses u = direction · factor.
struct AdafactorStep {
  float factor, momentum, momentum_rest, decay;
};

struct OptimizerKernels {
  void (*adamw)(float* p, float* m, float* v, const float* g, int64_t n, const AdamW& settings);
  double (*sum_squares)(const float* x, int64_t n);  // in float over 4096 elements, those sums in double
  // Factored: one row of a matrix. Adds g² + ε to `columns` and returns the row's sum.
  double (*factored_squares)(float* columns, const float* g, int64_t n, float scale, float epsilon);
  double (*factored_norm)(const float* g, const float* column_factors, int64_t n, float row_factor);  // Σ (g·row_factor·column_factors)²
  void (*factored_step)(float* p, float* m, const float* g, const float* column_factors, int64_t n, const AdafactorStep& step);
  // Not factored: v ← ρv + (1 − ρ)(g² + ε). Returns Σ (g/√v)².
  double (*full_squares)(float* v, const float* g, int64_t n, const Adafactor& settings);
  void (*full_step)(float* p, float* m, const float* g, const float* v, int64_t n, const AdafactorStep& step);
};

extern const OptimizerKernels optimizer_serial, optimizer_avx2, optimizer_avx512, optimizer_neon;

void adamw(float* p, float* m, float* v, const float* g, int64_t n, const AdamW& settings);

/// Σ x².
double sum_squares(const float* x, int64_t n);

/// p and g [n], and v [n] of the same shape. m is null without momentum. Takes two passes. Returns
/// false if there is no memory.
bool adafactor_full(float* p, float* m, float* v, const float* g, int64_t n, const Adafactor& settings);

/// p and g are [batch, rows, columns]. Of v_row and v_col, one holds a value a row [batch, rows],
/// the other one a value a column [batch, columns]. v_row holds the means over the largest axis:
/// the columns' axis if largest_is_last, else the rows'. Takes three passes over g, since rms(u)
/// needs all of S. Returns false if there is no memory.
bool adafactor_factored(float* p, float* m, float* v_row, float* v_col, const float* g, int64_t batch, int64_t rows, int64_t columns,
                        bool largest_is_last, const Adafactor& settings);

}  // namespace easel
