// Chooses how a product C[m,n] = op(A)[m,k]·op(B)[k,n] is computed. This file cuts the products
// that read their operands in place; packed.cc cuts the others. The arithmetic is in the targets'
// tiles.
//
// `product` below takes the first way that fits. A matrix is plain if it is not transposed. mnk is
// the number of multiply-adds.
//
//   m, n, k, layout                        way                       why
//   -------------------------------------  ------------------------  -----------------------------
//   m ≤ 8, A plain¹, B transposed          product_dots              each thread reads its rows
//                                                                    of B, once
//   m ≤ 8, A plain¹, B plain               product_few_rows          reading B is the limit: it is
//                                                                    read once, in whole rows
//   n = 1, A plain, no epilogue            product_dots              A and B have changed roles
//   mnk ≤ 2^20 ²                           product_in_place          handing out or packing would
//                                                                    be more work
//   m ≤ 32, A and B plain                  product_by_column_strips  B is read once; packing would
//                                                                    move it twice more
//   m ≤ 64, and B transposed, or of more   product_packed_strips     too few rows to make up for
//     than 2^17 floats, or by bfloat16 ³                             packing all of B first
//   B plain, not by bfloat16 ³, and        product_shared_in_place   B stays in the second-level
//     m ≤ 64 or (m, k ≤ 512, B ≤ 2^17)                               cache as it lies
//   the rest                               product_packed            both are packed once and
//                                                                    used from the caches
//
// ¹ Or small enough (k ≤ 512) that its transpose is copied.
//
// ² But not 9 … 32 plain rows with k > 512. Up to 32 rows all sums have one order (part_of_depth),
// so that a row of C does not depend on how many there are.
//
// ³ Products on matrix registers: `splits` of packed.cc.
//
// bench/families/gemm measures product_few_rows (matmul_1x1024x2816 to matmul_4x1024x16385),
// product_by_column_strips (16x1024x1024), product_packed_strips (64x1024x2816),
// product_shared_in_place (256, with AVX-512) and product_packed (512 to 2048, dense_…). The other
// ways have no bench row.
//
// If the matrices of a batch share a plain B and follow each other, they are one tall product.
// Other batches of small matrices (up to 8·2^20 multiply-adds) run side by side, each matrix on one
// thread: by few_rows or dots up to 8 rows, else by product_in_place.
// docs/internals/native-backend.md says what was measured.
#include "kernels/gemm/gemm.h"

#include <cstring>

#include "kernels/gemm/products.h"
#include "runtime/block.h"
#include "runtime/dispatch.h"
#include "runtime/threads.h"

namespace easel {
namespace {

/// Multiply-adds that a task should have, so that handing it out costs nothing in comparison.
constexpr int64_t task_work = int64_t{1} << 20;

/// Limits of products that are read in place although they are worth all threads. They have so few
/// rows that packing B does not pay, or are so small that B stays in the second-level cache.
constexpr int64_t few_tiles_of_rows = 64;
constexpr int64_t most_rows_in_place = 512;
constexpr int64_t most_depth_in_place = 512;
constexpr int64_t most_b_in_place = int64_t{1} << 17;

/// The rows of C for which one pass over a plain B is enough, and the rows up to which B is read as
/// it lies, front to back. With more rows, copying B to panels pays. Up to `most_rows_of_strips`
/// all sums have one order (part_of_depth), so that a row of C does not depend on how many there
/// are.
constexpr int64_t most_rows_at_once = 8, most_rows_of_strips = 32;

/// The most columns of a strip for more rows than `most_rows_at_once`. Its rows of B and C stay in
/// the second-level cache.
constexpr int64_t most_strip_columns = 2048;

/// Sizes of products with few rows. The depth is cut if B has few_rows_part floats or more. A part
/// has at least few_rows_depth rows of B, so that its sums are little beside it. A block has at
/// most few_rows_columns columns, and at least few_rows_block floats where columns are cut for more
/// threads.
constexpr int64_t few_rows_part = int64_t{1} << 18;
constexpr int64_t few_rows_depth = 256;
constexpr int64_t few_rows_columns = 16448;
constexpr int64_t few_rows_block = int64_t{1} << 16;

/// The least floats of the parts of a sum that a thread adds.
constexpr int64_t few_rows_sums = int64_t{1} << 13;

/// Copies op(B)[p0…p0+depth, j0…j0+count] into a panel of `width` columns.
void pack_b(const GemmKernels& kernels, float* panel, int64_t width, const Matrix& b, int64_t p0, int64_t depth, int64_t j0, int64_t count) {
  if (b.transposed) {
    kernels.pack_rows(panel, width, b.at(p0, j0), b.stride, count, depth);
  } else {
    kernels.pack_columns(panel, width, b.at(p0, j0), b.stride, count, depth);
  }
}

}  // namespace

bool product_in_place(const GemmKernels& kernels, int64_t m, int64_t n, int64_t k, const Matrix& a, const Matrix& b, float* c, int64_t c_row, int slot) {
  GemmTile tile = one_segment_tile(a.transposed ? 1 : a.stride, a.transposed ? a.stride : 1, b.transposed ? kernels.tile_n : b.stride, c_row);
  const int64_t depth_part = even_part(k, most_depth_in_place, 8);
  float* panel = nullptr;
  if (b.transposed) {
    panel = static_cast<float*>(scratch(slot, static_cast<size_t>(depth_part * kernels.tile_n + pack_slack) * sizeof(float)));
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

namespace {

/// A product small enough to be read in place, on all threads. It is cut by columns if B is the
/// larger operand, else by rows.
bool product_shared_in_place(const GemmKernels& kernels, int64_t m, int64_t n, int64_t k, const Matrix& a, const Matrix& b, float* c, const Epilogue& epilogue) {
  const bool by_columns = m <= few_tiles_of_rows;
  const int64_t unit = by_columns ? 2 * kernels.tile_n : kernels.tile_m;
  const int64_t strip = max_of(1, task_work / ((by_columns ? m : n) * k * unit)) * unit;
  bool enough_memory = true;  // threads only ever set it to false
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

/// How many parts the depth of a product with few rows is cut into. It depends on sizes alone, and
/// so does the order of a sum. It is even, so that two threads end together.
int64_t few_rows_parts(int64_t n, int64_t k) {
  const int64_t most = min_of(n * k / few_rows_part, k / few_rows_depth);
  return most < 2 ? 1 : most < 4 ? 2 : most / 4 * 4;
}

}  // namespace

int64_t part_of_depth(int64_t n, int64_t k) { return even_part(k, ceil_div(k, few_rows_parts(n, k)), 8); }

bool product_by_parts(int64_t m, int64_t n, int64_t k, int64_t most_columns, float* c, const Epilogue& epilogue, PartOfProduct part, const void* context) {
  const int64_t depth = part_of_depth(n, k), parts = ceil_div(k, depth);
  const int64_t for_threads = min_of(ceil_div(2 * thread_count(), parts), n * depth / few_rows_block);
  const int64_t strip = even_part(n, max_of(64, min_of(most_columns, n / max_of(1, for_threads))), 64), strips = ceil_div(n, strip);
  float* sums = c;
  if (parts > 1) {
    sums = static_cast<float*>(scratch(1, static_cast<size_t>(parts * m * n) * sizeof(float)));
    if (!sums) return false;
  }
  parallel_for(parts * strips, 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; block++) {
      const int64_t index = block / strips, p = index * depth, j = block % strips * strip, columns = min_of(strip, n - j);
      float* const out = sums + index * m * n + j;
      part(context, p, min_of(depth, k - p), j, columns, out);
      if (parts == 1) apply_epilogue(epilogue, out, n, m, columns, j);
    }
  });
  if (parts == 1) return true;
  // A run of columns at a time is added. It stays in the first-level cache.
  parallel_for(n, max_of(ceil_div(n, thread_count()), few_rows_sums / (parts * m)), [&](int64_t begin, int64_t end) {
    for (int64_t i = 0; i < m; i++) {
      for (int64_t j = begin; j < end; j += 1024) {
        const int64_t count = min_of(1024, end - j);
        float* const out = c + i * n + j;
        const float* one = sums + i * n + j;
        std::memcpy(out, one, static_cast<size_t>(count) * sizeof(float));
        for (int64_t x = 1; x < parts; x++) {
          one += m * n;
          for (int64_t q = 0; q < count; q++) out[q] += one[q];
        }
      }
    }
    apply_epilogue(epilogue, c + begin, n, m, end - begin, begin);
  });
  return true;
}

namespace {

/// A product with few rows and a plain B, each row of which is read once.
bool product_few_rows(const GemmKernels& kernels, int64_t m, int64_t n, int64_t k, const Matrix& a, const Matrix& b, float* c, const Epilogue& epilogue) {
  const struct Operands {
    const GemmKernels& kernels;
    int m;
    int64_t n;
    const Matrix &a, &b;
  } operands{kernels, static_cast<int>(m), n, a, b};
  const auto part = [](const void* context, int64_t p, int64_t depth, int64_t j, int64_t columns, float* out) {
    const Operands& o = *static_cast<const Operands*>(context);
    o.kernels.few_rows(o.m, columns, depth, o.a.data + p, o.a.stride, o.b.at(p, j), o.b.stride, out, o.n);
  };
  return product_by_parts(m, n, k, few_rows_columns, c, epilogue, part, &operands);
}

/// A product with more rows and a plain B. Each thread reads its strip of B's columns front to
/// back. The sums lie apart, in rows that do not all begin in one set of the first-level cache, as
/// rows of 1024 floats would. Parts of the depth are added in order, as in product_few_rows.
bool product_by_column_strips(const GemmKernels& kernels, int64_t m, int64_t n, int64_t k, const Matrix& a, const Matrix& b, float* c, const Epilogue& epilogue) {
  const int64_t strips = max_of(thread_count(), ceil_div(n, most_strip_columns));
  const int64_t strip = even_part(n, max_of(64, ceil_div(n, strips)), 64), row = strip + 16, depth = part_of_depth(n, k);
  bool enough_memory = true;  // threads only ever set it to false
  parallel_for(n, strip, [&](int64_t begin, int64_t end) {
    float* const sums = static_cast<float*>(scratch(0, static_cast<size_t>(m * row) * sizeof(float)));
    if (!sums) return __atomic_store_n(&enough_memory, false, __ATOMIC_RELAXED);
    for (int64_t p = 0; p < k; p += depth) {
      kernels.few_rows(static_cast<int>(m), end - begin, min_of(depth, k - p), a.data + p, a.stride, b.at(p, begin), b.stride, sums, row);
      for (int64_t i = 0; i < m; i++) {
        float* const out = c + i * n + begin;
        const float* const part = sums + i * row;
        if (p == 0) std::memcpy(out, part, static_cast<size_t>(end - begin) * sizeof(float));
        for (int64_t q = 0; p > 0 && q < end - begin; q++) out[q] += part[q];
      }
    }
    apply_epilogue(epilogue, c + begin, n, m, end - begin, begin);
  });
  return enough_memory;
}

/// A product with few rows and a transposed B, as dot products.
void product_dots(const GemmKernels& kernels, int64_t m, int64_t n, int64_t k, const Matrix& a, const Matrix& b, float* c, const Epilogue& epilogue) {
  const int64_t strip = max_of(4, round_up_to(task_work / 4 / k, 4));
  parallel_for(n, strip, [&](int64_t begin, int64_t end) {
    kernels.dots(static_cast<int>(m), end - begin, k, a.data, a.stride, b.data + begin * b.stride, b.stride, c + begin, n);
    apply_epilogue(epilogue, c + begin, n, m, end - begin, begin);
  });
}

bool product(const GemmKernels& kernels, int64_t m, int64_t n, int64_t k, Matrix a, const Matrix& b, float* c, const Epilogue& epilogue) {
  if (m <= most_rows_at_once) {
    float rows[most_rows_at_once * 512];
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
  // A matrix times one column. A and B exchange roles: the column against the rows of A.
  if (n == 1 && !a.transposed && epilogue.empty()) {
    product_dots(kernels, 1, m, k, Matrix{b.data, k, false}, Matrix{a.data, a.stride, true}, c, epilogue);
    return true;
  }
  const bool by_column_strips = m <= most_rows_of_strips && !a.transposed && !b.transposed;
  if (m * n * k <= small_product && !(by_column_strips && k > most_depth_in_place)) {
    if (!product_in_place(kernels, m, n, k, a, b, c, n)) return false;
    apply_epilogue(epilogue, c, n, m, n, 0);
    return true;
  }
  if (by_column_strips) return product_by_column_strips(kernels, m, n, k, a, b, c, epilogue);
  const Product packed{m, n, k, a, b, c, epilogue};
  if (m <= few_tiles_of_rows && (b.transposed || n * k > most_b_in_place || splits(packed))) return product_packed_strips(kernels, packed);
  if (!b.transposed && !splits(packed) && (m <= few_tiles_of_rows || (m <= most_rows_in_place && k <= most_depth_in_place && n * k <= most_b_in_place))) {
    return product_shared_in_place(kernels, m, n, k, a, b, c, epilogue);
  }
  return product_packed(kernels, packed);
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

  // One B serves all: if the matrices of A follow each other, they are one tall matrix.
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
  // Large matrices are multiplied one after the other, each on all threads; small ones side by
  // side, each on one thread.
  if (work > 8 * task_work || batch == 1) {
    for (int64_t x = 0; x < batch; x++) {
      const Matrix ax{g.a + start(x, g.a_batch), a.stride, a.transposed}, bx{g.b + start(x, g.b_batch), b.stride, b.transposed};
      if (!product(kernels, g.m, g.n, g.k, ax, bx, g.c + x * g.m * g.n, g.epilogue)) return false;
    }
    return true;
  }
  bool enough_memory = true;  // threads only ever set it to false
  parallel_for(batch, max_of(1, task_work / work), [&](int64_t begin, int64_t end) {
    for (int64_t x = begin; x < end; x++) {
      const Matrix ax{g.a + start(x, g.a_batch), a.stride, a.transposed}, bx{g.b + start(x, g.b_batch), b.stride, b.transposed};
      float* c = g.c + x * g.m * g.n;
      bool done = true;
      if (g.m <= most_rows_at_once && !ax.transposed) {
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
