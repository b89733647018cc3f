// Compiles PocketFFT's C source as it is, under names of our own.
#include "kernels/fourier/plan.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define restrict __restrict__
namespace easel {
namespace pocketfft {
namespace {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include "third_party/pocketfft/pocketfft.c"  // NOLINT: nothing else includes it
#pragma GCC diagnostic pop
}  // namespace

std::shared_ptr<const Plan> Plan::make(int64_t length) {
  cfft_plan plan = make_cfft_plan(static_cast<size_t>(length));
  return plan ? std::shared_ptr<const Plan>(new Plan(length, plan)) : nullptr;
}

Plan::~Plan() { destroy_cfft_plan(static_cast<cfft_plan>(plan_)); }

bool Plan::run(double* pairs, bool inverse) const {
  cfft_plan plan = static_cast<cfft_plan>(plan_);
  const int failed = inverse ? cfft_backward(plan, pairs, 1.0 / static_cast<double>(length_)) : cfft_forward(plan, pairs, 1.0);
  return failed == 0;
}

}  // namespace pocketfft
}  // namespace easel
