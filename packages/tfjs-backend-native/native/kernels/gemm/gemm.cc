// Cuts products into tasks and panels; the arithmetic is in the targets' tiles.
#include "kernels/gemm/gemm.h"

#include <cstring>

#include "runtime/block.h"
#include "runtime/cpu.h"
#include "runtime/dispatch.h"
#include "runtime/threads.h"

namespace easel {
namespace {

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }
int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }

/// Depth, and floats, of B that are packed at once: 16 MiB.
constexpr int64_t most_packed_depth = 4096;
constexpr int64_t most_packed_floats = int64_t{4} << 20;

/// Floats of a block of A and of one of B: half of the second-level cache for both, the rest for C and for what is fetched ahead.
int64_t block_floats() {
  static const int64_t floats = max_of(min_of(second_level_cache(), int64_t{4} << 20), int64_t{256} << 10) / 4 / static_cast<int64_t>(sizeof(float));
  return floats;
}

/// What copying a float of A and fetching one of B for a task cost, in multiply-adds.
constexpr double pack_cost = 20, fetch_cost = 10;

/// Floats that a unit of packing copies, how long the runs are that it reads, and from how many rows in turn.
constexpr int64_t pack_work = 65536;
constexpr int64_t pack_run = 1024;
constexpr int64_t pack_rows_at_once = 8;

/// Below this many multiply-adds a product runs on one thread, reading its operands in place where it can: about 20 µs.
constexpr int64_t small_product = int64_t{1} << 20;
/// Multiply-adds that a task should have, so that handing it out costs nothing in comparison.
constexpr int64_t task_work = int64_t{1} << 20;

/// Products read in place although they are worth all threads: with so few rows that packing B does not pay, or small enough that B stays in
/// the second-level cache.
constexpr int64_t few_tiles_of_rows = 64;
constexpr int64_t most_rows_in_place = 512;
constexpr int64_t most_depth_in_place = 512;
constexpr int64_t most_b_in_place = int64_t{1} << 17;

/// Products with few rows: floats of B from which on its depth is cut, rows that a part has at least, so that its sums are little beside it, columns
/// of a block at most, and floats that it has at least where columns are cut for more threads.
constexpr int64_t few_rows_part = int64_t{1} << 18;
constexpr int64_t few_rows_depth = 256;
constexpr int64_t few_rows_columns = 8192;
constexpr int64_t few_rows_block = int64_t{1} << 16;

/// Cuts n into equal parts of at most `most`, each a multiple of `unit` but for the last; returns the part's size.
int64_t even_part(int64_t n, int64_t most, int64_t unit) {
  const int64_t parts = ceil_div(n, most);
  return ceil_div(ceil_div(n, parts), unit) * unit;
}

struct Matrix {
  const float* data;
  int64_t stride;
  bool transposed;

  /// Pointer to op(matrix)[row, column].
  const float* at(int64_t row, int64_t column) const {
    return transposed ? data + column * stride + row : data + row * stride + column;
  }
};

/// Copies op(B)[p0…p0+depth, j0…j0+count] into a panel of `width` columns.
void pack_b(const GemmKernels& kernels, float* panel, int64_t width, const Matrix& b, int64_t p0, int64_t depth, int64_t j0, int64_t count) {
  if (b.transposed) {
    kernels.pack_rows(panel, width, b.at(p0, j0), b.stride, count, depth);
  } else {
    kernels.pack_columns(panel, width, b.at(p0, j0), b.stride, count, depth);
  }
}

/// A block of an operand that is copied to panels side by side: panel[p·width + i] is element (first + i, p), p running over the sum.
struct Packing {
  const float* source;
  int64_t stride;
  bool depth_contiguous;  // element (i, p) at source[i·stride + p], else at source[p·stride + i]
  int64_t count, depth;
  int64_t tile, width;    // elements of a panel that are used, and floats from one p to the next: whole vectors
  float* panels;
  int64_t panel_floats;

  int64_t panel_count() const { return ceil_div(count, tile); }
  /// Panels of a unit of work. Where the source runs along the panels, a unit reads runs of some pages.
  int64_t unit_panels() const { return depth_contiguous ? max_of(1, pack_work / (depth * tile)) : max_of(1, pack_run / tile); }
  int64_t unit_depth() const { return depth_contiguous ? depth : max_of(8, pack_work / pack_run); }
  int64_t units() const { return ceil_div(panel_count(), unit_panels()) * ceil_div(depth, unit_depth()); }

  void run_on_all_threads(const GemmKernels& kernels) const {
    parallel_for(units(), 1, [&](int64_t begin, int64_t end) { run(kernels, begin, end); });
  }

  void run(const GemmKernels& kernels, int64_t begin, int64_t end) const {
    for (int64_t unit = begin; unit < end; unit++) run_unit(kernels, unit);
  }

  void run_unit(const GemmKernels& kernels, int64_t unit) const {
    const int64_t parts = ceil_div(depth, unit_depth());
    const int64_t first = unit / parts * unit_panels(), last = min_of(panel_count(), first + unit_panels());
    const int64_t p_begin = unit % parts * unit_depth(), p_end = min_of(depth, p_begin + unit_depth());
    if (depth_contiguous) {
      for (int64_t q = first; q < last; q++) {
        kernels.pack_rows(panels + q * panel_floats, width, source + q * tile * stride, stride, min_of(tile, count - q * tile), depth);
      }
      return;
    }
    for (int64_t p = p_begin; p < p_end; p += pack_rows_at_once) {
      const int64_t rows = min_of(pack_rows_at_once, p_end - p);
      for (int64_t q = first; q < last; q++) {
        kernels.pack_columns(panels + q * panel_floats + p * width, width, source + p * stride + q * tile, stride, min_of(tile, count - q * tile), rows);
      }
    }
  }
};

/// One product on the calling thread. A is read in place, and so is B unless it is transposed.
bool product_in_place(const GemmKernels& kernels, int64_t m, int64_t n, int64_t k, const Matrix& a, const Matrix& b, float* c, int64_t c_row) {
  GemmTile tile = one_segment_tile(a.transposed ? 1 : a.stride, a.transposed ? a.stride : 1, b.transposed ? kernels.tile_n : b.stride, c_row);
  const int64_t depth_part = even_part(k, most_depth_in_place, 8);
  float* panel = nullptr;
  if (b.transposed) {
    panel = static_cast<float*>(scratch(0, static_cast<size_t>(depth_part * kernels.tile_n + pack_slack) * sizeof(float)));
    if (!panel) return false;
  }
  const int64_t row_part = ceil_div(m, ceil_div(m, kernels.tile_m));
  for (int64_t p0 = 0; p0 < k; p0 += depth_part) {
    tile.depth = min_of(depth_part, k - p0);
    tile.accumulate = p0 > 0;
    for (int64_t j0 = 0; j0 < n; j0 += kernels.tile_n) {
      tile.n = static_cast<int>(min_of(kernels.tile_n, n - j0));
      if (b.transposed) {
        pack_b(kernels, panel, kernels.tile_n, b, p0, tile.depth, j0, tile.n);
        tile.b = panel;
      } else {
        tile.b = b.at(p0, j0);
      }
      for (int64_t i0 = 0; i0 < m; i0 += row_part) {
        tile.m = static_cast<int>(min_of(row_part, m - i0));
        tile.a = a.at(i0, p0);
        tile.c = c + i0 * c_row + j0;
        kernels.tile(tile);
      }
    }
  }
  return true;
}

/// How a product is cut into tasks, counted in panels: each task multiplies a block of rows by a group of columns.
struct Cut {
  int64_t row_panels, column_panels;  // of a task
  int64_t row_tasks, column_tasks;
};

/// The cut that ends first, by estimate. It may depend on the number of threads: an element's sum does not depend on the cut.
Cut cut_product(const GemmKernels& kernels, int64_t m, int64_t n, int64_t most_row_panels) {
  const int64_t row_panels = ceil_div(m, kernels.tile_m), column_panels = ceil_div(n, kernels.tile_n);
  const int64_t threads = thread_count();
  const int64_t fewest_rows = ceil_div(row_panels, most_row_panels);
  Cut best{};
  double best_time = 0;
  for (int64_t rows = fewest_rows; rows <= row_panels && rows <= fewest_rows + 4 * threads; rows++) {
    for (int64_t columns = 1; columns <= column_panels && columns <= 4 * threads; columns++) {
      const Cut cut{ceil_div(row_panels, rows), ceil_div(column_panels, columns), rows, columns};
      const double cut_rows = static_cast<double>(cut.row_panels * kernels.tile_m), cut_columns = static_cast<double>(cut.column_panels * kernels.tile_n);
      const double each = cut_rows * cut_columns + pack_cost * cut_rows + fetch_cost * cut_columns;
      const double time = each * (static_cast<double>(ceil_div(rows * columns, threads)) + (threads > 1 ? 0.2 : 0));
      if (best_time == 0 || time < best_time) {
        best = cut;
        best_time = time;
      }
    }
  }
  best.row_tasks = ceil_div(row_panels, best.row_panels);
  best.column_tasks = ceil_div(column_panels, best.column_panels);
  return best;
}

/// One product on all threads: B is copied to panels by all of them; then each task copies its block of A to panels of its own, which stay in its
/// second-level cache, part by part of the depth.
bool product_packed(const GemmKernels& kernels, int64_t m, int64_t n, int64_t k, const Matrix& a, const Matrix& b, float* c, const Epilogue& epilogue) {
  const int64_t tile_m = kernels.tile_m, tile_n = kernels.tile_n;
  const int64_t a_width = ceil_div(2 * tile_m, tile_n) * tile_n / 2;  // whole vectors, of which tile_n holds two
  const int64_t depth_part = even_part(k, kernels.depth, 8);
  const int64_t inner_part = min_of(k, most_packed_depth / depth_part * depth_part);
  const int64_t column_part = even_part(n, max_of(most_packed_floats / inner_part, tile_n), tile_n);
  const int64_t block_columns = max_of(1, block_floats() / (depth_part * tile_n)), block_rows = max_of(1, block_floats() / (depth_part * a_width));
  const int64_t a_panel = depth_part * a_width + pack_slack, b_panel = inner_part * tile_n + pack_slack;
  float* const packed_b = static_cast<float*>(scratch(1, static_cast<size_t>(ceil_div(column_part, tile_n) * b_panel) * sizeof(float)));
  if (!packed_b) return false;
  const int64_t row_panels = ceil_div(m, tile_m);
  bool enough_memory = true;  // only ever set to false
  for (int64_t j0 = 0; j0 < n; j0 += column_part) {
    const int64_t columns = min_of(column_part, n - j0), column_panels = ceil_div(columns, tile_n);
    const Cut cut = cut_product(kernels, m, columns, block_rows);
    for (int64_t p0 = 0; p0 < k; p0 += inner_part) {
      const int64_t inner = min_of(inner_part, k - p0);
      const Packing pack_b{b.at(p0, j0), b.stride, b.transposed, columns, inner, tile_n, tile_n, packed_b, b_panel};
      pack_b.run_on_all_threads(kernels);
      parallel_for(cut.row_tasks * cut.column_tasks, 1, [&](int64_t begin, int64_t end) {
        float* const packed_a = static_cast<float*>(scratch(0, static_cast<size_t>(cut.row_panels * a_panel) * sizeof(float)));
        if (!packed_a) {
          __atomic_store_n(&enough_memory, false, __ATOMIC_RELAXED);
          return;
        }
        GemmTile tile = one_segment_tile(1, a_width, tile_n, n);
        for (int64_t task = begin; task < end; task++) {
          const int64_t row_begin = task / cut.column_tasks * cut.row_panels, row_end = min_of(row_panels, row_begin + cut.row_panels);
          const int64_t column_begin = task % cut.column_tasks * cut.column_panels, column_end = min_of(column_panels, column_begin + cut.column_panels);
          const int64_t rows = min_of(m, row_end * tile_m) - row_begin * tile_m;
          for (int64_t p = 0; p < inner; p += depth_part) {
            tile.depth = min_of(depth_part, inner - p);
            tile.accumulate = p0 + p > 0;
            const Packing pack_a{a.at(row_begin * tile_m, p0 + p), a.stride, !a.transposed, rows, tile.depth, tile_m, a_width, packed_a, a_panel};
            pack_a.run(kernels, 0, pack_a.units());
            for (int64_t block = column_begin; block < column_end; block += block_columns) {
              const int64_t block_end = min_of(column_end, block + block_columns);
              // The panels of B that this thread will need next are brought to its second-level cache meanwhile: those of the following columns, else of the
              // following part of the depth, else of the task that it takes next if threads keep pace.
              int64_t next_column = block_end, next_end = column_end, next_p = p;
              if (next_column == column_end) {
                next_column = column_begin;
                next_p = p + depth_part;
                if (next_p >= inner) {
                  const int64_t next_task = task + thread_count();
                  next_p = 0;
                  next_column = next_task % cut.column_tasks * cut.column_panels;
                  next_end = next_task < cut.row_tasks * cut.column_tasks ? min_of(column_panels, next_column + cut.column_panels) : 0;
                }
              }
              const int64_t share = (min_of(depth_part, inner - next_p) * tile_n / (row_end - row_begin) + 15) / 16 * 16;
              for (int64_t row = row_begin; row < row_end; row++) {
                tile.m = static_cast<int>(min_of(tile_m, m - row * tile_m));
                tile.a = packed_a + (row - row_begin) * a_panel;
                float* const c_rows = c + row * tile_m * n + j0;
                for (int64_t column = block; column < block_end; column++) {
                  tile.n = static_cast<int>(min_of(tile_n, columns - column * tile_n));
                  tile.b = packed_b + column * b_panel + p * tile_n;
                  tile.c = c_rows + column * tile_n;
                  const int64_t next = next_column + column - block;
                  tile.ahead = next < next_end ? packed_b + next * b_panel + next_p * tile_n + (row - row_begin) * share : nullptr;
                  kernels.tile(tile);
                }
                if (p0 + p + tile.depth == k && !epilogue.empty()) {
                  const int64_t j = block * tile_n;
                  apply_epilogue(epilogue, c_rows + j, n, tile.m, min_of(columns, block_end * tile_n) - j, j0 + j);
                }
              }
            }
          }
        }
      });
      if (!enough_memory) return false;
    }
  }
  return true;
}

/// A product with too few rows for all of B to be packed first: A is packed once; each task packs its strip of columns of B part by part of the depth,
/// which stays in its second-level cache, and multiplies all rows with it.
bool product_strips(const GemmKernels& kernels, int64_t m, int64_t n, int64_t k, const Matrix& a, const Matrix& b, float* c, const Epilogue& epilogue) {
  const int64_t tile_m = kernels.tile_m, tile_n = kernels.tile_n;
  const int64_t a_width = ceil_div(2 * tile_m, tile_n) * tile_n / 2;  // as in product_packed
  const int64_t depth_part = even_part(k, kernels.depth, 8);
  const int64_t row_panels = ceil_div(m, tile_m), column_panels = ceil_div(n, tile_n);
  const int64_t a_panel = k * a_width + pack_slack, b_panel = depth_part * tile_n + pack_slack;
  float* const packed_a = static_cast<float*>(scratch(1, static_cast<size_t>(row_panels * a_panel) * sizeof(float)));
  if (!packed_a) return false;
  const Packing pack_a{a.data, a.stride, !a.transposed, m, k, tile_m, a_width, packed_a, a_panel};
  pack_a.run_on_all_threads(kernels);
  // As wide as fits, but so that threads end together. An element's sum does not depend on it.
  const int64_t widest = max_of(1, min_of(column_panels, block_floats() / (depth_part * tile_n))), threads = thread_count();
  int64_t width = 1, least = 0;
  for (int64_t w = widest; w > 0 && 4 * w >= widest; w--) {
    const int64_t turns = ceil_div(ceil_div(column_panels, w), threads) * w;
    if (least == 0 || turns < least) {
      width = w;
      least = turns;
    }
  }
  bool enough_memory = true;  // only ever set to false
  parallel_for(column_panels, width, [&](int64_t begin, int64_t end) {
    float* const packed_b = static_cast<float*>(scratch(0, static_cast<size_t>(width * b_panel) * sizeof(float)));
    if (!packed_b) {
      __atomic_store_n(&enough_memory, false, __ATOMIC_RELAXED);
      return;
    }
    GemmTile tile = one_segment_tile(1, a_width, tile_n, n);
    const int64_t j0 = begin * tile_n, columns = min_of(n, end * tile_n) - j0;
    for (int64_t p = 0; p < k; p += depth_part) {
      tile.depth = min_of(depth_part, k - p);
      tile.accumulate = p > 0;
      const Packing pack_b{b.at(p, j0), b.stride, b.transposed, columns, tile.depth, tile_n, tile_n, packed_b, b_panel};
      pack_b.run(kernels, 0, pack_b.units());
      for (int64_t row = 0; row < row_panels; row++) {
        tile.m = static_cast<int>(min_of(tile_m, m - row * tile_m));
        tile.a = packed_a + row * a_panel + p * a_width;
        for (int64_t column = 0; column < end - begin; column++) {
          tile.n = static_cast<int>(min_of(tile_n, columns - column * tile_n));
          tile.b = packed_b + column * b_panel;
          tile.c = c + row * tile_m * n + j0 + column * tile_n;
          kernels.tile(tile);
        }
      }
    }
    apply_epilogue(epilogue, c + j0, n, m, columns, j0);
  });
  return enough_memory;
}

/// A product small enough to be read in place, on all threads: cut by columns if B is the larger part, else by rows.
bool product_shared_in_place(const GemmKernels& kernels, int64_t m, int64_t n, int64_t k, const Matrix& a, const Matrix& b, float* c, const Epilogue& epilogue) {
  const bool by_columns = m <= few_tiles_of_rows;
  const int64_t unit = by_columns ? 2 * kernels.tile_n : kernels.tile_m;
  const int64_t strip = max_of(1, task_work / ((by_columns ? m : n) * k * unit)) * unit;
  bool enough_memory = true;  // only ever set to false
  parallel_for(by_columns ? n : m, strip, [&](int64_t begin, int64_t end) {
    const int64_t i = by_columns ? 0 : begin, j = by_columns ? begin : 0;
    const int64_t rows = by_columns ? m : end - begin, columns = by_columns ? end - begin : n;
    const Matrix a_part{a.at(i, 0), a.stride, a.transposed}, b_part{b.at(0, j), b.stride, b.transposed};
    float* const c_part = c + i * n + j;
    if (!product_in_place(kernels, rows, columns, k, a_part, b_part, c_part, n)) __atomic_store_n(&enough_memory, false, __ATOMIC_RELAXED);
    apply_epilogue(epilogue, c_part, n, rows, columns, j);
  });
  return enough_memory;
}

/// Parts of the depth of a product with few rows. From sizes alone: so is the order of a sum. Even, so that two threads end together.
int64_t few_rows_parts(int64_t n, int64_t k) {
  const int64_t most = min_of(n * k / few_rows_part, k / few_rows_depth);
  return most < 2 ? 1 : most < 4 ? 2 : most / 4 * 4;
}

/// A product with few rows and a plain B, each row of which is read once. B is cut into blocks of whole rows as far as can be, so that each thread reads
/// memory in its order; the sums of the parts of the depth are added in order at the end.
bool product_few_rows(const GemmKernels& kernels, int64_t m, int64_t n, int64_t k, const Matrix& a, const Matrix& b, float* c, const Epilogue& epilogue) {
  const int64_t depth = even_part(k, ceil_div(k, few_rows_parts(n, k)), 8), parts = ceil_div(k, depth);
  const int64_t for_threads = min_of(ceil_div(2 * thread_count(), parts), n * depth / few_rows_block);
  const int64_t strip = even_part(n, max_of(64, min_of(few_rows_columns, n / max_of(1, for_threads))), 64), strips = ceil_div(n, strip);
  float* sums = c;
  if (parts > 1) {
    sums = static_cast<float*>(scratch(1, static_cast<size_t>(parts * m * n) * sizeof(float)));
    if (!sums) return false;
  }
  parallel_for(parts * strips, 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; block++) {
      const int64_t part = block / strips, p = part * depth, j = block % strips * strip, columns = min_of(strip, n - j);
      float* const out = sums + part * m * n + j;
      kernels.few_rows(static_cast<int>(m), columns, min_of(depth, k - p), a.data + p, a.stride, b.at(p, j), b.stride, out, n);
      if (parts == 1) apply_epilogue(epilogue, out, n, m, columns, j);
    }
  });
  if (parts == 1) return true;
  // A run of columns at a time, which stays in the first-level cache.
  parallel_for(n, max_of(256, few_rows_block / (parts * m)), [&](int64_t begin, int64_t end) {
    for (int64_t i = 0; i < m; i++) {
      for (int64_t j = begin; j < end; j += 1024) {
        const int64_t count = min_of(1024, end - j);
        float* const out = c + i * n + j;
        const float* part = sums + i * n + j;
        std::memcpy(out, part, static_cast<size_t>(count) * sizeof(float));
        for (int64_t x = 1; x < parts; x++) {
          part += m * n;
          for (int64_t q = 0; q < count; q++) out[q] += part[q];
        }
      }
    }
    apply_epilogue(epilogue, c + begin, n, m, end - begin, begin);
  });
  return true;
}

/// A product with few rows and a transposed B: dot products.
void product_dots(const GemmKernels& kernels, int64_t m, int64_t n, int64_t k, const Matrix& a, const Matrix& b, float* c, const Epilogue& epilogue) {
  const int64_t strip = max_of(4, ceil_div(task_work / 4 / k, 4) * 4);
  parallel_for(n, strip, [&](int64_t begin, int64_t end) {
    kernels.dots(static_cast<int>(m), end - begin, k, a.data, a.stride, b.data + begin * b.stride, b.stride, c + begin, n);
    apply_epilogue(epilogue, c + begin, n, m, end - begin, begin);
  });
}

constexpr int64_t few = 8;

bool product(const GemmKernels& kernels, int64_t m, int64_t n, int64_t k, Matrix a, const Matrix& b, float* c, const Epilogue& epilogue) {
  if (m <= few) {
    float rows[few * 512];
    if (a.transposed && m > 1 && k <= 512) {
      for (int64_t p = 0; p < k; p++) {
        for (int64_t i = 0; i < m; i++) rows[i * k + p] = a.data[p * a.stride + i];
      }
      a = {rows, k, false};
    }
    if (a.transposed && m == 1) a = {a.data, k, false};
    if (!a.transposed) {
      if (b.transposed) {
        product_dots(kernels, m, n, k, a, b, c, epilogue);
      } else {
        return product_few_rows(kernels, m, n, k, a, b, c, epilogue);
      }
      return true;
    }
  }
  // A matrix times one column: the rows of A against the column, with the roles of A and B exchanged.
  if (n == 1 && !a.transposed && epilogue.empty()) {
    product_dots(kernels, 1, m, k, Matrix{b.data, k, false}, Matrix{a.data, a.stride, true}, c, epilogue);
    return true;
  }
  if (m * n * k <= small_product) {
    if (!product_in_place(kernels, m, n, k, a, b, c, n)) return false;
    apply_epilogue(epilogue, c, n, m, n, 0);
    return true;
  }
  if (m <= few_tiles_of_rows && (b.transposed || n * k > most_b_in_place)) return product_strips(kernels, m, n, k, a, b, c, epilogue);
  if (!b.transposed && (m <= few_tiles_of_rows || (m <= most_rows_in_place && k <= most_depth_in_place && n * k <= most_b_in_place))) {
    return product_shared_in_place(kernels, m, n, k, a, b, c, epilogue);
  }
  return product_packed(kernels, m, n, k, a, b, c, epilogue);
}

}  // namespace

bool gemm(const GemmProblem& g) {
  const GemmKernels& kernels = EASEL_KERNELS(gemm);
  int64_t batch = 1;
  for (int x = 0; x < g.batch_axes; x++) batch *= g.batch_shape[x];
  if (batch == 0 || g.m == 0 || g.n == 0) return true;
  if (g.k == 0) {
    std::memset(g.c, 0, static_cast<size_t>(batch * g.m * g.n) * sizeof(float));
    apply_epilogue(g.epilogue, g.c, g.n, batch * g.m, g.n, 0);
    return true;
  }
  const Matrix a{g.a, g.transpose_a ? g.m : g.k, g.transpose_a}, b{g.b, g.transpose_b ? g.k : g.n, g.transpose_b};

  // One B for all: the matrices of A, if they follow each other, are one tall matrix.
  bool tall = !g.transpose_a;
  int64_t next = g.m * g.k;
  for (int x = g.batch_axes - 1; x >= 0; x--) {
    if (g.batch_shape[x] != 1 && (g.b_batch[x] != 0 || g.a_batch[x] != next)) tall = false;
    next *= g.batch_shape[x];
  }
  if (tall) return product(kernels, batch * g.m, g.n, g.k, a, b, g.c, g.epilogue);

  const auto start = [&](int64_t index, const int64_t* strides) {
    int64_t offset = 0;
    for (int x = g.batch_axes - 1; x >= 0; x--) {
      offset += index % g.batch_shape[x] * strides[x];
      index /= g.batch_shape[x];
    }
    return offset;
  };
  const int64_t work = g.m * g.n * g.k;
  // Large matrices one after the other, each on all threads; small ones side by side, each on one.
  if (work > 8 * task_work || batch == 1) {
    for (int64_t x = 0; x < batch; x++) {
      const Matrix ax{g.a + start(x, g.a_batch), a.stride, a.transposed}, bx{g.b + start(x, g.b_batch), b.stride, b.transposed};
      if (!product(kernels, g.m, g.n, g.k, ax, bx, g.c + x * g.m * g.n, g.epilogue)) return false;
    }
    return true;
  }
  bool enough_memory = true;  // only ever set to false
  parallel_for(batch, max_of(1, task_work / work), [&](int64_t begin, int64_t end) {
    for (int64_t x = begin; x < end; x++) {
      const Matrix ax{g.a + start(x, g.a_batch), a.stride, a.transposed}, bx{g.b + start(x, g.b_batch), b.stride, b.transposed};
      float* c = g.c + x * g.m * g.n;
      bool done = true;
      if (g.m <= few && !ax.transposed) {
        (bx.transposed ? kernels.dots : kernels.few_rows)(static_cast<int>(g.m), g.n, g.k, ax.data, ax.stride, bx.data, bx.stride, c, g.n);
      } else {
        done = product_in_place(kernels, g.m, g.n, g.k, ax, bx, c, g.n);
      }
      if (!done) __atomic_store_n(&enough_memory, false, __ATOMIC_RELAXED);
      apply_epilogue(g.epilogue, c, g.n, g.m, g.n, 0);
    }
  });
  return enough_memory;
}

}  // namespace easel
