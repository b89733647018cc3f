// Running sums and products: plain loops for any target. Each element waits for the one before it,
// so that wider registers bring nothing along a row; columns side by side are taken together.
#include "kernels/reduce/reduce.h"
#include "runtime/threads.h"

namespace easel {
namespace {

/// Elements of one piece of work, and columns of one.
constexpr int64_t grain = 16384;
constexpr int64_t block = 256;

int32_t combined(Scan op, int32_t a, int32_t b) {
  const uint32_t ua = static_cast<uint32_t>(a), ub = static_cast<uint32_t>(b);
  return static_cast<int32_t>(op == scan_sum ? ua + ub : ua * ub);
}

float combined(Scan op, float a, float b) { return op == scan_sum ? a + b : a * b; }

/// `width` columns of one [extent, inner] matrix. Rows are `step` elements apart, from the first
/// row that is taken to the last.
template <Scan op, typename T>
void scan_columns(T* y, const T* x, int64_t extent, int64_t step, int64_t width, bool exclusive) {
  if (width == 1) {  // the sum stays in a register
    T sum = op == scan_sum ? T(0) : T(1);
    for (int64_t i = 0; i < extent; i++) {
      const T next = combined(op, x[i * step], sum);
      y[i * step] = exclusive ? sum : next;
      sum = next;
    }
    return;
  }
  for (int64_t j = 0; j < width; j++) y[j] = exclusive ? (op == scan_sum ? T(0) : T(1)) : x[j];
  for (int64_t i = 1; i < extent; i++) {
    const T* const from = x + (exclusive ? i - 1 : i) * step;
    const T* const before = y + (i - 1) * step;
    T* const to = y + i * step;
    for (int64_t j = 0; j < width; j++) to[j] = combined(op, from[j], before[j]);
  }
}

template <Scan op, typename T>
void scan_all(T* y, const T* x, int64_t outer, int64_t extent, int64_t inner, bool exclusive, bool reverse) {
  const int64_t blocks = (inner + block - 1) / block, size = extent * (inner < block ? inner : block);
  const int64_t first = reverse ? (extent - 1) * inner : 0, step = reverse ? -inner : inner;
  parallel_for(outer * blocks, size < grain ? grain / size : 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      const int64_t column = task % blocks * block, at = task / blocks * extent * inner + first + column;
      scan_columns<op>(y + at, x + at, extent, step, inner - column < block ? inner - column : block, exclusive);
    }
  });
}

template <typename T>
void scan_of(Scan op, T* y, const T* x, int64_t outer, int64_t extent, int64_t inner, bool exclusive, bool reverse) {
  if (op == scan_sum) {
    scan_all<scan_sum>(y, x, outer, extent, inner, exclusive, reverse);
  } else {
    scan_all<scan_product>(y, x, outer, extent, inner, exclusive, reverse);
  }
}

}  // namespace

void scan(Scan op, float* y, const float* x, int64_t outer, int64_t extent, int64_t inner, bool exclusive, bool reverse) {
  scan_of(op, y, x, outer, extent, inner, exclusive, reverse);
}

void scan(Scan op, int32_t* y, const int32_t* x, int64_t outer, int64_t extent, int64_t inner, bool exclusive, bool reverse) {
  scan_of(op, y, x, outer, extent, inner, exclusive, reverse);
}

}  // namespace easel
