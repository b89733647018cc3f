#include "kernels/order/order.h"

#include <algorithm>

#include "runtime/dispatch.h"
#include "runtime/threads.h"

namespace easel {
namespace {

int64_t rows_grain(int64_t width) { return 32768 / (width + 1) + 1; }

/// Whether a comes before b among the best.
bool before(float a, int32_t index_a, float b, int32_t index_b) {
  if (a != a || b != b) {
    if (a == a) return true;
    if (b == b) return false;
    return index_a < index_b;
  }
  return a > b || (a == b && index_a < index_b);
}

/// values[0..n) with their indices are a heap with the worst on top. Moves the element at `from`
/// down to its place.
void sink(float* values, int32_t* indices, int64_t n, int64_t from = 0) {
  const float value = values[from];
  const int32_t index = indices[from];
  int64_t at = from;
  for (int64_t child = 2 * at + 1; child < n; child = 2 * at + 1) {
    if (child + 1 < n && before(values[child], indices[child], values[child + 1], indices[child + 1])) child++;
    if (!before(value, index, values[child], indices[child])) break;
    values[at] = values[child];
    indices[at] = indices[child];
    at = child;
  }
  values[at] = value;
  indices[at] = index;
}

void top_of_row(const OrderKernels& kernels, float* values, int32_t* indices, const float* x, int64_t width, int64_t k) {
  for (int64_t i = 0; i < k; i++) {
    values[i] = x[i];
    indices[i] = static_cast<int32_t>(i);
  }
  for (int64_t i = k / 2 - 1; i >= 0; i--) sink(values, indices, k, i);
  for (int64_t i = k; i < width; i++) {
    // Later elements come in only if they are above the worst. NaN gives way to anything.
    if (values[0] == values[0]) {
      i += kernels.first_above(x + i, width - i, values[0]);
      if (i >= width) break;
    } else if (x[i] != x[i]) {
      continue;
    }
    values[0] = x[i];
    indices[0] = static_cast<int32_t>(i);
    sink(values, indices, k);
  }
  // The worst goes to the end of what is left.
  for (int64_t n = k - 1; n > 0; n--) {
    std::swap(values[0], values[n]);
    std::swap(indices[0], indices[n]);
    sink(values, indices, n);
  }
}

}  // namespace

void arg_max(int32_t* y, const float* x, int64_t rows, int64_t width) {
  const OrderKernels& kernels = EASEL_KERNELS(order);
  parallel_for(rows, rows_grain(width), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      const float* row = x + r * width;
      y[r] = row[0] != row[0] ? 0 : static_cast<int32_t>(kernels.first_equal(row, width, kernels.max_but_nan(row, width)));
    }
  });
}

void arg_min(int32_t* y, const float* x, int64_t rows, int64_t width) {
  const OrderKernels& kernels = EASEL_KERNELS(order);
  parallel_for(rows, rows_grain(width), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      const float* row = x + r * width;
      y[r] = row[0] != row[0] ? 0 : static_cast<int32_t>(kernels.first_equal(row, width, kernels.min_but_nan(row, width)));
    }
  });
}

void top_k(float* values, int32_t* indices, const float* x, int64_t rows, int64_t width, int64_t k) {
  if (k == 0) return;
  const OrderKernels& kernels = EASEL_KERNELS(order);
  parallel_for(rows, rows_grain(width + 64 * k), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) top_of_row(kernels, values + r * k, indices + r * k, x + r * width, width, k);
  });
}

}  // namespace easel
