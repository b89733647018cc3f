#include <cmath>

#include "kernels/optimizer/optimizer.h"

namespace easel {
namespace {

void adamw_part(float* p, float* m, float* v, const float* g, int64_t n, const AdamW& s) {
  for (int64_t i = 0; i < n; i++) {
    const float d = g[i] * s.gradient_scale;
    m[i] = s.beta1 * m[i] + s.rest1 * d;
    v[i] = s.beta2 * v[i] + s.rest2 * d * d;
    const float step = m[i] * s.mean_factor / (std::sqrt(v[i] * s.square_factor) + s.epsilon);
    p[i] -= s.learning_rate * (step + s.decay * p[i]);
  }
}

double sum_squares_part(const float* x, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += static_cast<double>(x[i]) * x[i];
  return sum;
}

double factored_squares(float* columns, const float* g, int64_t n, float scale, float epsilon) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    const float d = g[i] * scale, square = d * d + epsilon;
    columns[i] += square;
    sum += square;
  }
  return sum;
}

double factored_norm(const float* g, const float* column_factors, int64_t n, float row_factor) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    const double u = g[i] * row_factor * column_factors[i];
    sum += u * u;
  }
  return sum;
}

void take_step(float* p, float* m, float u, const AdafactorStep& s) {
  if (m) u = *m = s.momentum * *m + s.momentum_rest * u;
  *p -= u + s.decay * *p;
}

void factored_step(float* p, float* m, const float* g, const float* column_factors, int64_t n, const AdafactorStep& s) {
  for (int64_t i = 0; i < n; i++) take_step(p + i, m ? m + i : nullptr, g[i] * s.factor * column_factors[i], s);
}

double full_squares(float* v, const float* g, int64_t n, const Adafactor& s) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    const float d = g[i] * s.gradient_scale;
    v[i] = s.rho * v[i] + s.rest * (d * d + s.epsilon);
    const double u = d / std::sqrt(v[i]);
    sum += u * u;
  }
  return sum;
}

void full_step(float* p, float* m, const float* g, const float* v, int64_t n, const AdafactorStep& s) {
  for (int64_t i = 0; i < n; i++) take_step(p + i, m ? m + i : nullptr, g[i] / std::sqrt(v[i]) * s.factor, s);
}

}  // namespace

const OptimizerKernels optimizer_serial = {adamw_part, sum_squares_part, factored_squares, factored_norm, factored_step, full_squares, full_step};

}  // namespace easel
