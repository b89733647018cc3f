#include <cmath>

#include "kernels/optimizer/optimizer.h"

namespace easel {
namespace {

void adamw_part(float* p, float* m, float* v, const float* g, int64_t n, const AdamW& s) {
  for (int64_t i = 0; i < n; i++) {
    m[i] = s.beta1 * m[i] + s.rest1 * g[i];
    v[i] = s.beta2 * v[i] + s.rest2 * g[i] * g[i];
    const float step = m[i] * s.mean_factor / (std::sqrt(v[i] * s.square_factor) + s.epsilon);
    p[i] -= s.learning_rate * (step + s.decay * p[i]);
  }
}

}  // namespace

const OptimizerKernels optimizer_serial = {adamw_part};

}  // namespace easel
