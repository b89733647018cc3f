// Rows of logits x [rows, width], float32, and what models do with them. m = max x, lse = m + log Σ
// exp(x − m).
//
//   softmax        y = exp(x − m) / Σ exp(x − m)          y may be x
//   log-softmax    y = x − lse                            y may be x
//   gradients      dx = y·(dy − Σ dy·y), and dx = dy − exp(y)·Σ dy, from y; dx may be dy or y
//   cross-entropy  loss = lse − x[label]; its gradient dx = (exp(x − lse) − [j = label]) · dloss
//
// A row with NaN or +Inf gives NaN; so does a row of −Inf alone. Sums are kept in float vectors
// (width up to some 10^6). In log-sum-exp, and where softmax is streamed, maximum and sum are taken
// together: m rises, and the sum so far is scaled by exp(m_old − m_new). So a row is read from
// memory once, however long it is. Large outputs are streamed (runtime/stream.h); a gradient then
// must not overlap its inputs. Threads take rows.
#pragma once

#include <cstdint>

namespace easel {

struct SoftmaxKernels {
  void (*softmax)(float* y, const float* x, int64_t n);
  void (*log_softmax)(float* y, const float* x, int64_t n);
  float (*log_sum_exp)(const float* x, int64_t n);
  void (*scaled_exp)(float* y, const float* x, int64_t n, float shift, float scale);  // y = scale·exp(x − shift)
  void (*softmax_grad)(float* dx, const float* dy, const float* y, int64_t n);
  void (*log_softmax_grad)(float* dx, const float* dy, const float* y, int64_t n);
  // The same with y or dx streamed. softmax_streamed takes all rows at once.
  void (*softmax_streamed)(float* y, const float* x, int64_t rows, int64_t n);
  void (*log_softmax_streamed)(float* y, const float* x, int64_t n);
  // scaled_exp with `scale` subtracted at `label`.
  void (*scaled_exp_streamed)(float* y, const float* x, int64_t n, float shift, float scale, int64_t label);
  void (*softmax_grad_streamed)(float* dx, const float* dy, const float* y, int64_t n);
  void (*log_softmax_grad_streamed)(float* dx, const float* dy, const float* y, int64_t n);
  float (*log_sum_exp_of_large)(const float* x, int64_t n);  // of rows that come from memory
};

extern const SoftmaxKernels softmax_serial, softmax_avx2, softmax_avx512, softmax_neon;

void softmax(float* y, const float* x, int64_t rows, int64_t width);
void log_softmax(float* y, const float* x, int64_t rows, int64_t width);
void softmax_grad(float* dx, const float* dy, const float* y, int64_t rows, int64_t width);
void log_softmax_grad(float* dx, const float* dy, const float* y, int64_t rows, int64_t width);

/// Labels must be within 0 … width − 1: see bad_label.
void cross_entropy(float* loss, float* lse, const float* x, const int32_t* labels, int64_t rows, int64_t width);
void cross_entropy_grad(float* dx, const float* dloss, const float* x, const int32_t* labels, const float* lse, int64_t rows, int64_t width);

}  // namespace easel
