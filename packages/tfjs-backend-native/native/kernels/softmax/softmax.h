// Rows of logits x [rows, width], float32, and what models do with them. m = max x, lse = m + log Σ exp(x − m).
//
//   softmax        y = exp(x − m) / Σ exp(x − m)          y may be x
//   log-softmax    y = x − lse                            y may be x
//   cross-entropy  loss = lse − x[label]; its gradient dx = (exp(x − lse) − [j = label]) · dloss
//
// A row with NaN or +Inf gives NaN, a row of −Inf alone as well. Sums in float vectors (width up to some 10^6). Threads: rows.
#pragma once

#include <cstdint>

namespace easel {

struct SoftmaxKernels {
  void (*softmax)(float* y, const float* x, int64_t n);
  void (*log_softmax)(float* y, const float* x, int64_t n);
  float (*log_sum_exp)(const float* x, int64_t n);
  void (*scaled_exp)(float* y, const float* x, int64_t n, float shift, float scale);  // y = scale·exp(x − shift)
};

extern const SoftmaxKernels softmax_serial, softmax_avx2, softmax_avx512, softmax_neon;

void softmax(float* y, const float* x, int64_t rows, int64_t width);
void log_softmax(float* y, const float* x, int64_t rows, int64_t width);

/// Labels must be within 0..width−1: see bad_label.
void cross_entropy(float* loss, float* lse, const float* x, const int32_t* labels, int64_t rows, int64_t width);
void cross_entropy_grad(float* dx, const float* dloss, const float* x, const int32_t* labels, const float* lse, int64_t rows, int64_t width);

}  // namespace easel
