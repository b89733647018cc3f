#include <cmath>

#include "kernels/softmax/softmax.h"

namespace easel {
namespace {

float row_max(const float* x, int64_t n) {
  float m = x[0];
  for (int64_t i = 1; i < n; i++) m = m > x[i] || m != m ? m : x[i];
  return m;
}

float log_sum_exp(const float* x, int64_t n) {
  const float m = row_max(x, n);
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += std::exp(x[i] - m);
  return m + static_cast<float>(std::log(sum));
}

void softmax_row(float* y, const float* x, int64_t n) {
  const float m = row_max(x, n);
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += y[i] = std::exp(x[i] - m);
  const float scale = static_cast<float>(1 / sum);
  for (int64_t i = 0; i < n; i++) y[i] *= scale;
}

void log_softmax_row(float* y, const float* x, int64_t n) {
  const float lse = log_sum_exp(x, n);
  for (int64_t i = 0; i < n; i++) y[i] = x[i] - lse;
}

void scaled_exp(float* y, const float* x, int64_t n, float shift, float scale) {
  for (int64_t i = 0; i < n; i++) y[i] = scale * std::exp(x[i] - shift);
}

void softmax_grad_row(float* dx, const float* dy, const float* y, int64_t n) {
  double dot = 0;
  for (int64_t i = 0; i < n; i++) dot += static_cast<double>(dy[i]) * y[i];
  const float along = static_cast<float>(dot);
  for (int64_t i = 0; i < n; i++) dx[i] = y[i] * (dy[i] - along);
}

void log_softmax_grad_row(float* dx, const float* dy, const float* y, int64_t n) {
  double total = 0;
  for (int64_t i = 0; i < n; i++) total += dy[i];
  const float sum = static_cast<float>(total);
  for (int64_t i = 0; i < n; i++) dx[i] = dy[i] - std::exp(y[i]) * sum;
}

void scaled_exp_but_label(float* y, const float* x, int64_t n, float shift, float scale, int64_t label) {
  scaled_exp(y, x, n, shift, scale);
  y[label] -= scale;
}

void softmax_rows(float* y, const float* x, int64_t rows, int64_t n) {
  for (int64_t r = 0; r < rows; r++) softmax_row(y + r * n, x + r * n, n);
}

}  // namespace

const SoftmaxKernels softmax_serial = {softmax_row,          log_softmax_row,    log_sum_exp,          scaled_exp,
                                       softmax_grad_row,     log_softmax_grad_row, softmax_rows, log_softmax_row,
                                       scaled_exp_but_label, softmax_grad_row,   log_softmax_grad_row, log_sum_exp};

}  // namespace easel
