#include "kernels/softmax/softmax.h"

#include "runtime/dispatch.h"
#include "runtime/threads.h"

namespace easel {
namespace {

/// Rows of one piece of work: some 8,000 exponentials.
int64_t rows_grain(int64_t width) { return width >= 8192 ? 1 : 8192 / (width + 1) + 1; }

}  // namespace

void softmax(float* y, const float* x, int64_t rows, int64_t width) {
  const auto row = EASEL_KERNELS(softmax).softmax;
  parallel_for(rows, rows_grain(width), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) row(y + r * width, x + r * width, width);
  });
}

void log_softmax(float* y, const float* x, int64_t rows, int64_t width) {
  const auto row = EASEL_KERNELS(softmax).log_softmax;
  parallel_for(rows, rows_grain(width), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) row(y + r * width, x + r * width, width);
  });
}

void cross_entropy(float* loss, float* lse, const float* x, const int32_t* labels, int64_t rows, int64_t width) {
  const auto log_sum_exp = EASEL_KERNELS(softmax).log_sum_exp;
  parallel_for(rows, rows_grain(width), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      lse[r] = log_sum_exp(x + r * width, width);
      loss[r] = lse[r] - x[r * width + labels[r]];
    }
  });
}

void cross_entropy_grad(float* dx, const float* dloss, const float* x, const int32_t* labels, const float* lse, int64_t rows, int64_t width) {
  const auto scaled_exp = EASEL_KERNELS(softmax).scaled_exp;
  parallel_for(rows, rows_grain(width), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      scaled_exp(dx + r * width, x + r * width, width, lse[r], dloss[r]);
      dx[r * width + labels[r]] -= dloss[r];
    }
  });
}

}  // namespace easel
