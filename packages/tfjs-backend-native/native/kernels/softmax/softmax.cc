#include "kernels/softmax/softmax.h"

#include "runtime/dispatch.h"
#include "runtime/stream.h"
#include "runtime/threads.h"

namespace easel {
namespace {

/// Rows of one piece of work: some 8,000 exponentials, or enough to make prefetching pay.
int64_t rows_grain(int64_t width, bool streamed = false) { return (streamed ? 131072 : 8192) / (width + 1) + 1; }

}  // namespace

void softmax(float* y, const float* x, int64_t rows, int64_t width) {
  const SoftmaxKernels& kernels = EASEL_KERNELS(softmax);
  const bool streamed = is_streamed(rows * width);
  parallel_for(rows, (streamed ? 2 : 1) * rows_grain(width, streamed), [&](int64_t begin, int64_t end) {
    if (streamed) {
      kernels.softmax_streamed(y + begin * width, x + begin * width, end - begin, width);
      finish_streaming();
      return;
    }
    for (int64_t r = begin; r < end; r++) kernels.softmax(y + r * width, x + r * width, width);
  });
}

void log_softmax(float* y, const float* x, int64_t rows, int64_t width) {
  const bool streamed = is_streamed(rows * width);
  const auto row = streamed ? EASEL_KERNELS(softmax).log_softmax_streamed : EASEL_KERNELS(softmax).log_softmax;
  parallel_for(rows, rows_grain(width, streamed), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) row(y + r * width, x + r * width, width);
    if (streamed) finish_streaming();
  });
}

void softmax_grad(float* dx, const float* dy, const float* y, int64_t rows, int64_t width) {
  const bool streamed = is_streamed(rows * width);
  const auto row = streamed ? EASEL_KERNELS(softmax).softmax_grad_streamed : EASEL_KERNELS(softmax).softmax_grad;
  parallel_for(rows, rows_grain(width, streamed), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) row(dx + r * width, dy + r * width, y + r * width, width);
    if (streamed) finish_streaming();
  });
}

void log_softmax_grad(float* dx, const float* dy, const float* y, int64_t rows, int64_t width) {
  const bool streamed = is_streamed(rows * width);
  const auto row = streamed ? EASEL_KERNELS(softmax).log_softmax_grad_streamed : EASEL_KERNELS(softmax).log_softmax_grad;
  parallel_for(rows, rows_grain(width, streamed), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) row(dx + r * width, dy + r * width, y + r * width, width);
    if (streamed) finish_streaming();
  });
}

void cross_entropy(float* loss, float* lse, const float* x, const int32_t* labels, int64_t rows, int64_t width) {
  const bool large = is_streamed(rows * width);
  const auto log_sum_exp = large ? EASEL_KERNELS(softmax).log_sum_exp_of_large : EASEL_KERNELS(softmax).log_sum_exp;
  parallel_for(rows, rows_grain(width, large), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      lse[r] = log_sum_exp(x + r * width, width);
      loss[r] = lse[r] - x[r * width + labels[r]];
    }
  });
}

void cross_entropy_grad(float* dx, const float* dloss, const float* x, const int32_t* labels, const float* lse, int64_t rows, int64_t width) {
  const SoftmaxKernels& kernels = EASEL_KERNELS(softmax);
  const bool streamed = is_streamed(rows * width);
  parallel_for(rows, rows_grain(width, streamed), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      float* to = dx + r * width;
      if (streamed) {
        kernels.scaled_exp_streamed(to, x + r * width, width, lse[r], dloss[r], labels[r]);
      } else {
        kernels.scaled_exp(to, x + r * width, width, lse[r], dloss[r]);
        to[labels[r]] -= dloss[r];
      }
    }
    if (streamed) finish_streaming();
  });
}

}  // namespace easel
