#include "kernels/reduce/reduce.h"

#include "runtime/block.h"
#include "runtime/dispatch.h"
#include "runtime/integers.h"
#include "runtime/threads.h"

namespace easel {
namespace {

constexpr int64_t grain = 32768;           // elements of one piece of work
constexpr int64_t longest_part = 65536;    // elements of a row that one thread sums
constexpr int64_t widest_part = 2048;      // columns whose running sums stay in the first-level cache
constexpr int64_t fewest_rows = 32;

double row_value(const ReduceKernels& kernels, Reduction op, const float* x, int64_t n) {
  switch (op) {
    case reduction_max:
      return kernels.row_max(x, n);
    case reduction_min:
      return kernels.row_min(x, n);
    default:
      return kernels.row_sum(x, n);
  }
}

bool reduce_rows(Reduction op, double scale, float* y, const float* x, int64_t outer, int64_t red) {
  const ReduceKernels& kernels = EASEL_KERNELS(reduce);
  const double factor = op == reduction_sum ? scale : 1.0;
  if (red <= longest_part) {
    parallel_for(outer, max_of(1, grain / red), [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; o++) y[o] = static_cast<float>(row_value(kernels, op, x + o * red, red) * factor);
    });
    return true;
  }
  const int64_t parts = ceil_div(red, longest_part);
  double* partial = static_cast<double*>(scratch(0, sizeof(double) * static_cast<size_t>(outer * parts)));
  if (!partial) return false;
  parallel_for(outer * parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; unit++) {
      const int64_t o = unit / parts, from = unit % parts * longest_part;
      partial[unit] = row_value(kernels, op, x + o * red + from, from + longest_part < red ? longest_part : red - from);
    }
  });
  for (int64_t o = 0; o < outer; o++) {
    double value = partial[o * parts];
    for (int64_t i = 1; i < parts; i++) {
      const double next = partial[o * parts + i];
      if (op == reduction_sum) {
        value += next;
      } else if (next != next || (op == reduction_max ? next > value : next < value)) {
        value = next;
      }
    }
    y[o] = static_cast<float>(value * factor);
  }
  return true;
}

}  // namespace

bool reduce(Reduction op, double scale, float* y, const float* x, int64_t outer, int64_t red, int64_t inner) {
  if (outer == 0 || inner == 0) return true;
  if (inner == 1) return reduce_rows(op, scale, y, x, outer, red);
  const ReduceKernels& kernels = EASEL_KERNELS(reduce);
  const auto extreme_rows = op == reduction_max ? kernels.max_rows : kernels.min_rows;
  const int64_t width = inner < widest_part ? inner : widest_part;
  const int64_t column_parts = ceil_div(inner, width);
  // A power of two of rows, so that a part's sum of equal numbers is exact.
  int64_t rows = fewest_rows;
  while (2 * rows * width <= longest_part) rows *= 2;
  const int64_t row_parts = ceil_div(red, rows);
  float* partial = y;
  if (row_parts > 1) {
    partial = static_cast<float*>(scratch(0, sizeof(float) * static_cast<size_t>(outer * row_parts * inner)));
    if (!partial) return false;
  }
  const auto run = [&](float* to, const float* from, int64_t count, int64_t part_rows, int64_t parts, double factor) {
    const int64_t unit_rows = part_rows < count ? part_rows : count;
    parallel_for(outer * parts * column_parts, max_of(1, grain / (unit_rows * width)), [&](int64_t begin, int64_t end) {
      for (int64_t unit = begin; unit < end; unit++) {
        const int64_t column = unit % column_parts * width, part = unit / column_parts % parts, o = unit / column_parts / parts;
        const int64_t first = part * part_rows;
        float* const y_part = to + (o * parts + part) * inner + column;
        const float* const x_part = from + (o * count + first) * inner + column;
        const int64_t part_count = first + part_rows < count ? part_rows : count - first;
        const int64_t columns = column + width < inner ? width : inner - column;
        if (op == reduction_sum) {
          kernels.sum_rows(y_part, x_part, part_count, inner, columns, factor);
        } else {
          extreme_rows(y_part, x_part, part_count, inner, columns);
        }
      }
    });
  };
  run(partial, x, red, rows, row_parts, row_parts > 1 ? 1.0 : scale);
  if (row_parts > 1) run(y, partial, row_parts, row_parts, 1, scale);
  return true;
}

}  // namespace easel
