#include "kernels/fourier/fourier.h"

#include <atomic>
#include <list>
#include <memory>
#include <mutex>

#include "runtime/block.h"
#include "runtime/threads.h"
#include "kernels/fourier/plan.h"

namespace easel {
namespace {

using Plan = std::shared_ptr<const pocketfft::Plan>;

/// A plan holds some bytes for each place, and costs about as much as a transform. The latest are
/// kept.
constexpr size_t kept_plans = 8;
constexpr int64_t longest_kept = int64_t{1} << 20;

/// The plan of a length, or null if there is no memory.
Plan plan_of(int64_t length) {
  static std::mutex lock;
  static std::list<Plan>* const plans = new std::list<Plan>;
  std::lock_guard<std::mutex> guard(lock);
  for (auto at = plans->begin(); at != plans->end(); ++at) {
    if ((*at)->length() != length) continue;
    plans->splice(plans->begin(), *plans, at);
    return plans->front();
  }
  Plan plan = pocketfft::Plan::make(length);
  if (!plan || length > longest_kept) return plan;
  plans->push_front(plan);
  if (plans->size() > kept_plans) plans->pop_back();
  return plan;
}

}  // namespace

bool fourier(float* y_real, float* y_imaginary, const float* x_real, const float* x_imaginary, int64_t rows, int64_t length, bool inverse) {
  if (rows == 0 || length == 0) return true;
  const Plan plan = plan_of(length);
  if (!plan) return false;
  std::atomic<bool> done{true};
  const int64_t grain = length >= 2048 ? 1 : 2048 / length;
  parallel_for(rows, grain, [&](int64_t begin, int64_t end) {
    double* const row = static_cast<double*>(scratch(0, static_cast<size_t>(length) * 2 * sizeof(double)));
    if (!row) {
      done = false;
      return;
    }
    for (int64_t r = begin; r < end; r++) {
      const int64_t at = r * length;
      for (int64_t j = 0; j < length; j++) {
        row[2 * j] = static_cast<double>(x_real[at + j]);
        row[2 * j + 1] = static_cast<double>(x_imaginary[at + j]);
      }
      if (!plan->run(row, inverse)) {
        done = false;
        return;
      }
      for (int64_t j = 0; j < length; j++) {
        y_real[at + j] = static_cast<float>(row[2 * j]);
        y_imaginary[at + j] = static_cast<float>(row[2 * j + 1]);
      }
    }
  });
  return done;
}

}  // namespace easel
