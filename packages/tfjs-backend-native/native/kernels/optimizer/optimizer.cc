#include "kernels/optimizer/optimizer.h"

#include <cmath>
#include <cstring>

#include "kernels/reduce/reduce.h"
#include "runtime/block.h"
#include "runtime/dispatch.h"
#include "runtime/threads.h"

namespace easel {
namespace {

constexpr int64_t most_parts = 64;  // pieces of rows, each with sums of all columns

/// Elements of one piece of work. Where the tensor comes from memory, a short piece would end
/// before what it prefetches is used.
int64_t grain_of(int64_t n) { return n < (int64_t{1} << 22) ? 16384 : 131072; }

int64_t parts_of(int64_t n, int64_t part) { return (n + part - 1) / part; }

/// Σ of part(begin, end) over pieces of 0..n, added in order. It is NaN if there is no memory.
template <typename Part>
double sum_of_parts(int64_t n, const Part& part) {
  const int64_t grain = grain_of(n), parts = parts_of(n, grain);
  double* sums = static_cast<double*>(scratch(0, sizeof(double) * static_cast<size_t>(parts)));
  if (!sums) return std::nan("");
  parallel_for(n, grain, [&](int64_t begin, int64_t end) { sums[begin / grain] = part(begin, end); });
  double total = 0;
  for (int64_t i = 0; i < parts; i++) total += sums[i];
  return total;
}

/// The learning rate with clipping and the parameter's scale, from Σ u² and Σ p².
float factor_of(const Adafactor& s, double squares_u, double squares_p, int64_t n) {
  double factor = s.learning_rate;
  if (s.threshold > 0) {
    const double over = std::sqrt(squares_u / static_cast<double>(n)) / s.threshold;
    if (!(over <= 1)) factor /= over;  // NaN goes through
  }
  if (s.least_scale > 0) {
    const double scale = std::sqrt(squares_p / static_cast<double>(n));
    factor *= scale <= s.least_scale ? s.least_scale : scale;
  }
  return static_cast<float>(factor);
}

AdafactorStep step_of(const Adafactor& s, float factor) { return {factor, s.momentum, s.momentum_rest, s.decay}; }

}  // namespace

void adamw(float* p, float* m, float* v, const float* g, int64_t n, const AdamW& settings) {
  const auto part = EASEL_KERNELS(optimizer).adamw;
  parallel_for(n, grain_of(n), [&](int64_t begin, int64_t end) { part(p + begin, m + begin, v + begin, g + begin, end - begin, settings); });
}

double sum_squares(const float* x, int64_t n) {
  const auto part = EASEL_KERNELS(optimizer).sum_squares;
  return sum_of_parts(n, [&](int64_t begin, int64_t end) { return part(x + begin, end - begin); });
}

bool adafactor_full(float* p, float* m, float* v, const float* g, int64_t n, const Adafactor& settings) {
  const OptimizerKernels& kernels = EASEL_KERNELS(optimizer);
  if (n == 0) return true;
  if (!scratch(0, sizeof(double) * static_cast<size_t>(parts_of(n, grain_of(n))))) return false;
  const double squares_u =
      sum_of_parts(n, [&](int64_t begin, int64_t end) { return kernels.full_squares(v + begin, g + begin, end - begin, settings); });
  const double squares_p = settings.least_scale > 0 ? sum_squares(p, n) : 0;
  AdafactorStep step = step_of(settings, factor_of(settings, squares_u, squares_p, n) * settings.gradient_scale);
  parallel_for(n, grain_of(n), [&](int64_t begin, int64_t end) {
    kernels.full_step(p + begin, m ? m + begin : nullptr, g + begin, v + begin, end - begin, step);
  });
  return true;
}

bool adafactor_factored(float* p, float* m, float* v_row, float* v_col, const float* g, int64_t batch, int64_t rows, int64_t columns,
                        bool largest_is_last, const Adafactor& settings) {
  const OptimizerKernels& kernels = EASEL_KERNELS(optimizer);
  const int64_t all_rows = batch * rows, n = all_rows * columns, grain = grain_of(n);
  if (n == 0) return true;
  // A part of the rows has some 16,000 elements. There are not so many parts that their sums of
  // columns would cost more than the rows.
  int64_t part_rows = grain / columns < 1 ? 1 : grain / columns;
  if (part_rows < parts_of(rows, most_parts)) part_rows = parts_of(rows, most_parts);
  const int64_t parts = parts_of(rows, part_rows);
  float* const sums_of_columns = static_cast<float*>(scratch(1, sizeof(float) * static_cast<size_t>((batch * parts + batch) * columns)));
  double* const row_sums = static_cast<double*>(scratch(2, sizeof(double) * static_cast<size_t>(all_rows)));
  float* const row_factors = static_cast<float*>(scratch(3, sizeof(float) * static_cast<size_t>(all_rows)));
  if (!sums_of_columns || !row_sums || !row_factors || !scratch(0, sizeof(double) * static_cast<size_t>(parts_of(n, grain_of(n))))) return false;
  float* const column_factors = sums_of_columns + batch * parts * columns;

  parallel_for(batch * parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; unit++) {
      float* sums = sums_of_columns + unit * columns;
      std::memset(sums, 0, sizeof(float) * static_cast<size_t>(columns));
      const int64_t first = unit % parts * part_rows, last = first + part_rows < rows ? first + part_rows : rows, base = unit / parts * rows;
      for (int64_t r = base + first; r < base + last; r++) {
        row_sums[r] = kernels.factored_squares(sums, g + r * columns, columns, settings.gradient_scale, settings.epsilon);
      }
    }
  });

  float* const by_row = largest_is_last ? v_row : v_col;
  float* const by_column = largest_is_last ? v_col : v_row;
  const auto sum_rows = EASEL_KERNELS(reduce).sum_rows;
  for (int64_t b = 0; b < batch; b++) {
    float* const of_columns = column_factors + b * columns;
    float* const state_of_columns = by_column + b * columns;
    float* const state_of_rows = by_row + b * rows;
    float* const factors = row_factors + b * rows;
    sum_rows(of_columns, sums_of_columns + b * parts * columns, parts, columns, columns, 1.0);
    double total_rows = 0, total_columns = 0;
    for (int64_t r = 0; r < rows; r++) {
      state_of_rows[r] = settings.rho * state_of_rows[r] + settings.rest * static_cast<float>(row_sums[b * rows + r] / static_cast<double>(columns));
      total_rows += state_of_rows[r];
    }
    for (int64_t c = 0; c < columns; c++) {
      state_of_columns[c] = settings.rho * state_of_columns[c] + settings.rest * (of_columns[c] / static_cast<float>(rows));
      total_columns += state_of_columns[c];
    }
    // v_row is divided by its mean.
    const float mean_of_rows = largest_is_last ? static_cast<float>(total_rows / static_cast<double>(rows)) : 1.0f;
    const float mean_of_columns = largest_is_last ? 1.0f : static_cast<float>(total_columns / static_cast<double>(columns));
    for (int64_t r = 0; r < rows; r++) factors[r] = settings.gradient_scale / std::sqrt(state_of_rows[r] / mean_of_rows);
    for (int64_t c = 0; c < columns; c++) of_columns[c] = 1.0f / std::sqrt(state_of_columns[c] / mean_of_columns);
  }

  // From here on no row needs another, so pieces of rows run over all matrices.
  const int64_t piece = grain / columns < 1 ? 1 : grain / columns;
  double squares_u = 0;
  if (settings.threshold > 0) {
    parallel_for(all_rows, piece, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; r++)
        row_sums[r] = kernels.factored_norm(g + r * columns, column_factors + r / rows * columns, columns, row_factors[r]);
    });
    for (int64_t r = 0; r < all_rows; r++) squares_u += row_sums[r];
  }
  const double squares_p = settings.least_scale > 0 ? sum_squares(p, n) : 0;
  const float factor = factor_of(settings, squares_u, squares_p, n);
  parallel_for(all_rows, piece, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      const AdafactorStep step = step_of(settings, factor * row_factors[r]);
      kernels.factored_step(p + r * columns, m ? m + r * columns : nullptr, g + r * columns, column_factors + r / rows * columns, columns, step);
    }
  });
  return true;
}

}  // namespace easel
