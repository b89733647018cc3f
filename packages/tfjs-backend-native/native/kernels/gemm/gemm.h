// Matrix products, float32 throughout: C[i,j] = Σ_p op(A)[i,p] · op(B)[p,j], then the epilogue.
//
// Matrices are row-major. op(A) is [m,k] and op(B) [k,n]. op transposes if the flag is set, so a
// transposed A is stored [k,m]. C must not overlap A or B. Any alignment will do.
//
// Accumulators are float32. p ascends within a block of k, and blocks of k are added in order. So
// the order of a sum depends on sizes and on the CPU target, never on the number of threads. Where
// neither operand is transposed and n > 1, a row of C is the same for every m from 1 to 32: rows
// that are stepped together give what each gives alone.
//
// Large products follow Goto and van de Geijn 2008 (doi:10.1145/1356052.1356053) and BLIS: op(A)
// and op(B) are copied block by block into panels that a register tile walks. Small products read
// the operands in place.
#pragma once

#include <cstdint>

#include "kernels/epilogue/epilogue.h"

namespace easel {

/// One register tile: C[i,j] (+)= Σ_s Σ_p A_s[i,p] · B_s[p,j] over segments s and depth p, for i <
/// m, j < n. A_s[i,p] = a[a_offsets[s] + i·a_row + p·a_step], and B_s[p,j] = b[s·b_segment +
/// p·b_step + j]. Nothing beyond m and n is read or written. Segments let a convolution walk a
/// window of an image without copying it. A plain product has one segment.
struct GemmTile {
  const float* a;
  int64_t a_row, a_step;
  const int64_t* a_offsets;
  int64_t segments;
  const float* b;
  int64_t b_segment, b_step;
  int64_t depth;
  float* c;
  int64_t c_row;
  int m, n;
  bool accumulate;
  /// Memory that later tiles will read, or null. It is fetched to the cache meanwhile, 64 bytes at
  /// every fourth step of depth. Not all of it needs to exist.
  const float* ahead = nullptr;
};

/// A tile of one segment. The caller sets operands, depth and size.
static inline GemmTile one_segment_tile(int64_t a_row, int64_t a_step, int64_t b_step, int64_t c_row) {
  static constexpr int64_t no_offset[1] = {0};
  GemmTile tile{};
  tile.a_row = a_row;
  tile.a_step = a_step;
  tile.a_offsets = no_offset;
  tile.segments = 1;
  tile.b_step = b_step;
  tile.c_row = c_row;
  return tile;
}

constexpr int64_t pack_slack = 16;

/// The kernels of one CPU target.
struct GemmKernels {
  /// Largest m and n of a tile.
  int tile_m, tile_n;
  /// The depth of a product that is summed before it is added to C. It decides the order of a sum,
  /// so it is the same on every machine; other block sizes decide nothing. The rows of A that a
  /// tile reads at this depth leave room in the first-level cache for B's to stream through.
  int64_t depth;
  void (*tile)(const GemmTile& tile);
  /// panel[p·width + i] = source[i·stride + p] for i < count ≤ width, p < depth. The rest of each
  /// row of the panel becomes undefined, and so do pack_slack floats after the panel.
  void (*pack_rows)(float* panel, int64_t width, const float* source, int64_t stride, int64_t count, int64_t depth);
  /// panel[p·width + i] = source[p·stride + i] for i < count ≤ width, p < depth. The same floats as
  /// above become undefined.
  void (*pack_columns)(float* panel, int64_t width, const float* source, int64_t stride, int64_t count, int64_t depth);
  /// C[i,j] = Σ_p a[i·a_row + p] · b[p·b_step + j] for i < m. Each row of b is read once, front to
  /// back. Where m > 8, every 8 rows or fewer read it once more from the cache.
  void (*few_rows)(int m, int64_t n, int64_t k, const float* a, int64_t a_row, const float* b, int64_t b_step, float* c, int64_t c_row);
  /// C[i,j] = Σ_p a[i·a_row + p] · b[j·b_row + p] for i < m: dot products of rows with rows.
  void (*dots)(int m, int64_t n, int64_t k, const float* a, int64_t a_row, const float* b, int64_t b_row, float* c, int64_t c_row);
};

extern const GemmKernels gemm_serial, gemm_avx2, gemm_avx512, gemm_neon;

/// A batch of equal products. Matrix x of A starts at a + a_offset(x). Batch indices run over
/// batch_shape (row-major, up to 4 axes). An operand's stride on a broadcast axis is 0.
struct GemmProblem {
  int64_t m, n, k;
  const float* a;
  bool transpose_a;
  const float* b;
  bool transpose_b;
  float* c;
  int batch_axes = 0;
  int64_t batch_shape[4] = {};
  int64_t a_batch[4] = {};
  int64_t b_batch[4] = {};
  Epilogue epilogue;
};

/// Runs the products on all threads. c is [batch…, m, n], contiguous. Returns false if scratch
/// memory is lacking.
bool gemm(const GemmProblem& problem);

}  // namespace easel
