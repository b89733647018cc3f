// Cuts products into tasks and panels; the arithmetic is in the targets' tiles.
#include "kernels/gemm/gemm.h"

#include <cstring>

#include "runtime/block.h"
#include "runtime/dispatch.h"
#include "runtime/threads.h"

namespace easel {
namespace {

// Sizes of blocks. A panel of B (depth × 32 floats) and one of A (depth × 14) stream from the second-level cache, where a
// task's blocks of both fit; the numbers were found by timing 1024³ on Zen 4.
constexpr int64_t most_depth = 384;
constexpr int64_t most_packed_columns = 4096;
constexpr int64_t most_packed_rows = 4096;
constexpr int64_t most_task_panels = 8;

/// Below this many multiply-adds a product runs on one thread, reading its operands in place where it can: about 20 µs.
constexpr int64_t small_product = int64_t{1} << 20;
/// Multiply-adds that a task should have, so that handing it out costs nothing in comparison.
constexpr int64_t task_work = int64_t{1} << 20;
/// Tasks that a product is cut into, if they are large enough, so that threads end together.
constexpr int64_t enough_tasks = 24;

/// Products read in place although they are worth all threads: with so few rows that packing B does not pay (16×1024×256: 111 GFLOP/s a
/// core against 65), or small enough that B stays in the second-level cache.
constexpr int64_t few_tiles_of_rows = 64;
constexpr int64_t most_rows_in_place = 512;
constexpr int64_t most_depth_in_place = 512;
constexpr int64_t most_b_in_place = int64_t{1} << 18;

constexpr int64_t no_offset[1] = {0};

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }
int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }

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

/// Copies op(A)[i0…i0+count, p0…p0+depth], transposed, into a panel of `width` rows of A.
void pack_a(const GemmKernels& kernels, float* panel, int64_t width, const Matrix& a, int64_t i0, int64_t count, int64_t p0, int64_t depth) {
  if (a.transposed) {
    kernels.pack_columns(panel, width, a.at(i0, p0), a.stride, count, depth);
  } else {
    kernels.pack_rows(panel, width, a.at(i0, p0), a.stride, count, depth);
  }
}

/// One product on the calling thread. A is read in place, and so is B unless it is transposed.
bool product_in_place(const GemmKernels& kernels, int64_t m, int64_t n, int64_t k, const Matrix& a, const Matrix& b, float* c, int64_t c_row) {
  GemmTile tile{};
  tile.a_offsets = no_offset;
  tile.segments = 1;
  tile.a_row = a.transposed ? 1 : a.stride;
  tile.a_step = a.transposed ? a.stride : 1;
  tile.c_row = c_row;
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
        tile.b_step = kernels.tile_n;
      } else {
        tile.b = b.at(p0, j0);
        tile.b_step = b.stride;
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

/// One product with packed operands on all threads.
bool product_packed(const GemmKernels& kernels, int64_t m, int64_t n, int64_t k, const Matrix& a, const Matrix& b, float* c, const Epilogue& epilogue) {
  const int64_t tile_m = kernels.tile_m, tile_n = kernels.tile_n;
  const int64_t depth_part = even_part(k, most_depth, 8);
  const int64_t column_part = even_part(n, most_packed_columns, tile_n);
  const int64_t row_part = even_part(m, most_packed_rows, tile_m);
  const int64_t a_panel = depth_part * tile_m + pack_slack, b_panel = depth_part * tile_n + pack_slack;
  const int64_t a_floats = ceil_div(row_part, tile_m) * a_panel, b_floats = ceil_div(column_part, tile_n) * b_panel;
  float* const packed_b = static_cast<float*>(scratch(1, static_cast<size_t>(a_floats + b_floats) * sizeof(float)));
  if (!packed_b) return false;
  float* const packed_a = packed_b + b_floats;

  for (int64_t j0 = 0; j0 < n; j0 += column_part) {
    const int64_t columns = min_of(column_part, n - j0), column_panels = ceil_div(columns, tile_n);
    for (int64_t i0 = 0; i0 < m; i0 += row_part) {
      const int64_t rows = min_of(row_part, m - i0), row_panels = ceil_div(rows, tile_m);
      for (int64_t p0 = 0; p0 < k; p0 += depth_part) {
        const int64_t depth = min_of(depth_part, k - p0);
        const bool last = p0 + depth == k;
        // With several blocks of rows, B is packed again for each: their number is small next to what a block reuses.
        const auto pack = [&](int64_t begin, int64_t end) {
          for (int64_t panel = begin; panel < end; panel++) {
            if (panel < column_panels) {
              const int64_t j = panel * tile_n;
              pack_b(kernels, packed_b + panel * b_panel, tile_n, b, p0, depth, j0 + j, min_of(tile_n, columns - j));
            } else {
              const int64_t i = (panel - column_panels) * tile_m;
              pack_a(kernels, packed_a + (panel - column_panels) * a_panel, tile_m, a, i0 + i, min_of(tile_m, rows - i), p0, depth);
            }
          }
        };
        parallel_for(column_panels + row_panels, max_of(1, 65536 / a_panel), pack);

        int64_t row_tasks = ceil_div(row_panels, most_task_panels), column_tasks = ceil_div(column_panels, most_task_panels);
        while (row_tasks * column_tasks < enough_tasks && rows * columns * depth > 2 * task_work * row_tasks * column_tasks) {
          // Cuts the longer side of a task, counted in floats read.
          if (columns * row_tasks > rows * column_tasks && column_tasks < column_panels) {
            column_tasks = min_of(column_panels, 2 * column_tasks);
          } else if (row_tasks < row_panels) {
            row_tasks = min_of(row_panels, 2 * row_tasks);
          } else {
            break;
          }
        }
        const int64_t rows_each = ceil_div(row_panels, row_tasks), columns_each = ceil_div(column_panels, column_tasks);
        const auto multiply = [&](int64_t begin, int64_t end) {
          GemmTile tile{};
          tile.a_row = 1;
          tile.a_step = tile_m;
          tile.a_offsets = no_offset;
          tile.segments = 1;
          tile.b_step = tile_n;
          tile.depth = depth;
          tile.c_row = n;
          tile.accumulate = p0 > 0;
          for (int64_t task = begin; task < end; task++) {
            const int64_t row_end = min_of(row_panels, (task / column_tasks + 1) * rows_each);
            const int64_t column_begin = task % column_tasks * columns_each, column_end = min_of(column_panels, column_begin + columns_each);
            for (int64_t row = task / column_tasks * rows_each; row < row_end; row++) {
              tile.m = static_cast<int>(min_of(tile_m, rows - row * tile_m));
              tile.a = packed_a + row * a_panel;
              float* const c_rows = c + (i0 + row * tile_m) * n + j0;
              for (int64_t column = column_begin; column < column_end; column++) {
                tile.n = static_cast<int>(min_of(tile_n, columns - column * tile_n));
                tile.b = packed_b + column * b_panel;
                tile.c = c_rows + column * tile_n;
                kernels.tile(tile);
              }
              if (last && !epilogue.empty() && column_begin < column_end) {
                const int64_t j = column_begin * tile_n;
                apply_epilogue(epilogue, c_rows + j, n, tile.m, min_of(columns, column_end * tile_n) - j, j0 + j);
              }
            }
          }
        };
        parallel_for(row_tasks * column_tasks, 1, multiply);
      }
    }
  }
  return true;
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

/// A product with few rows and a plain B: each row of B is read once, in strips of columns.
void product_few_rows(const GemmKernels& kernels, int64_t m, int64_t n, int64_t k, const Matrix& a, const Matrix& b, float* c, const Epilogue& epilogue) {
  // A strip's part of C stays in the first-level cache, and its part of B is read in runs of a page or more.
  const int64_t strip = max_of(64, min_of(1024, ceil_div(task_work / 4 / k, 64) * 64));
  parallel_for(n, strip, [&](int64_t begin, int64_t end) {
    kernels.few_rows(static_cast<int>(m), end - begin, k, a.data, a.stride, b.data + begin, b.stride, c + begin, n);
    apply_epilogue(epilogue, c + begin, n, m, end - begin, begin);
  });
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
        product_few_rows(kernels, m, n, k, a, b, c, epilogue);
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
