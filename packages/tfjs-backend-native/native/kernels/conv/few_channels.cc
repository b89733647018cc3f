#include "kernels/conv/few_channels.h"

#include <cstring>

#include "runtime/block.h"
#include "runtime/dispatch.h"
#include "runtime/integers.h"
#include "runtime/threads.h"

namespace easel {
namespace {

/// The floats of P that a task holds in its second-level cache.
constexpr int64_t most_product_floats = int64_t{1} << 18;
constexpr int64_t enough_tasks = 16;
constexpr int64_t task_work = int64_t{1} << 19;

int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -ceil_div(-a, b); }

/// The few channels of a pixel. The lanes beyond them hold anything.
typedef float Four __attribute__((vector_size(16)));

Four load_four(const float* p) {
  Four x;
  std::memcpy(&x, p, sizeof(x));
  return x;
}

/// The first and last source position whose tap t falls on output positions begin…end − 1.
struct Range {
  int64_t first, last;
};

Range reached(const SpreadAxis& a, int64_t t, int64_t begin, int64_t end) {
  const int64_t offset = a.origin + t * a.tap_step;
  // These are ceil((begin − offset) / step) and floor((end − 1 − offset) / step), kept inside.
  return {max_of(0, -floor_div(offset - begin, a.step)), min_of(a.source - 1, floor_div(end - 1 - offset, a.step))};
}

/// Packs the filter as panels [deep, tile_n] of its taps·few columns.
void pack_filter(const SpreadProblem& p, const GemmKernels& kernels, int64_t columns, float* panels, int64_t panel_floats) {
  for (int64_t j = 0; j < columns; j += kernels.tile_n) {
    const int64_t count = min_of(kernels.tile_n, columns - j);
    float* const panel = panels + j / kernels.tile_n * panel_floats;
    if (p.transposed) {
      kernels.pack_rows(panel, kernels.tile_n, p.filter + j * p.deep, p.deep, count, p.deep);
      continue;
    }
    for (int64_t c = 0; c < p.deep; c++) {
      for (int64_t i = 0; i < count; i++) {
        const int64_t tap = (j + i) / p.few, d = (j + i) % p.few;
        panel[c * kernels.tile_n + i] = p.filter[(tap * p.deep + c) * p.few + d];
      }
    }
  }
}

}  // namespace

bool spread(const SpreadProblem& p) {
  const GemmKernels& kernels = EASEL_KERNELS(gemm);
  const SpreadAxis &rows = p.rows, &columns = p.columns;
  const int64_t products = rows.taps * columns.taps * p.few, panels = ceil_div(products, kernels.tile_n);
  const int64_t panel_floats = p.deep * kernels.tile_n + pack_slack;
  float* const packed = static_cast<float*>(scratch(1, static_cast<size_t>(panels * panel_floats) * sizeof(float)));
  if (!packed) return false;
  pack_filter(p, kernels, products, packed, panel_floats);

  // A pixel's row of P ends with the floats that the last tap's vector reads beyond it.
  const int64_t pixel = round_up_to(products + few_channels, 16), source_row = columns.source * pixel;
  const int64_t reach = (rows.taps - 1) * (rows.tap_step < 0 ? -rows.tap_step : rows.tap_step);
  int64_t block = max_of(1, min_of(rows.output, most_product_floats / max_of(1, source_row) * rows.step - reach));
  while (block > 4 * (reach + 1) && p.images * ceil_div(rows.output, block) < enough_tasks) block = ceil_div(block, 2);
  const int64_t blocks = ceil_div(rows.output, block), most_rows = min_of(rows.source, (block + reach) / rows.step + 1);
  const int64_t work = max_of(1, block * columns.output * products * p.deep);
  bool enough_memory = true;  // threads only ever set it to false
  parallel_for(p.images * blocks, max_of(1, task_work / work), [&](int64_t begin, int64_t end) {
    const int64_t sum_floats = columns.output * few_channels;
    float* const sums = static_cast<float*>(scratch(2, static_cast<size_t>(sum_floats + most_rows * source_row) * sizeof(float)));
    if (!sums) {
      __atomic_store_n(&enough_memory, false, __ATOMIC_RELAXED);
      return;
    }
    float* const product = sums + sum_floats;
    GemmTile tile = one_segment_tile(p.deep, 1, kernels.tile_n, pixel);
    tile.depth = p.deep;
    for (int64_t task = begin; task < end; task++) {
      const int64_t image = task / blocks, i_begin = task % blocks * block, i_end = min_of(rows.output, i_begin + block);
      int64_t first = rows.source, last = -1;
      for (int64_t u = 0; u < rows.taps; u++) {
        const Range range = reached(rows, u, i_begin, i_end);
        if (range.first > range.last) continue;
        first = min_of(first, range.first);
        last = max_of(last, range.last);
      }
      const float* const source = p.source + (image * rows.source + first) * columns.source * p.deep;
      const int64_t pixels = max_of(0, last - first + 1) * columns.source;
      for (int64_t i = 0; i < pixels; i += kernels.tile_m) {
        tile.m = static_cast<int>(min_of(kernels.tile_m, pixels - i));
        tile.a = source + i * p.deep;
        for (int64_t panel = 0; panel < panels; panel++) {
          tile.n = static_cast<int>(min_of(kernels.tile_n, products - panel * kernels.tile_n));
          tile.b = packed + panel * panel_floats;
          tile.c = product + i * pixel + panel * kernels.tile_n;
          kernels.tile(tile);
        }
      }
      for (int64_t i = i_begin; i < i_end; i++) {
        std::memset(sums, 0, static_cast<size_t>(sum_floats) * sizeof(float));
        for (int64_t u = 0; u < rows.taps; u++) {
          const Range row = reached(rows, u, i, i + 1);
          if (row.first > row.last) continue;
          for (int64_t v = 0; v < columns.taps; v++) {
            const Range range = reached(columns, v, 0, columns.output);
            const float* taken = product + (row.first - first) * source_row + range.first * pixel + (u * columns.taps + v) * p.few;
            float* sum = sums + (range.first * columns.step + columns.origin + v * columns.tap_step) * few_channels;
            for (int64_t q = range.first; q <= range.last; q++, taken += pixel, sum += columns.step * few_channels) {
              const Four both = load_four(sum) + load_four(taken);
              std::memcpy(sum, &both, sizeof(both));
            }
          }
        }
        float* const y = p.y + (image * rows.output + i) * columns.output * p.few;
        for (int64_t j = 0; j < columns.output; j++) {
          for (int64_t d = 0; d < p.few; d++) y[j * p.few + d] = sums[j * few_channels + d];
        }
      }
      float* const y = p.y + (image * rows.output + i_begin) * columns.output * p.few;
      apply_epilogue(p.epilogue, y, p.few, (i_end - i_begin) * columns.output, p.few, 0);
    }
  });
  return enough_memory;
}

}  // namespace easel
