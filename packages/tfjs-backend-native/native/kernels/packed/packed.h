// Matrices of floats that are packed into fewer than four bytes each, and products with them:
// C[i,j] = Σ_p A[i,p] · B[p,j], then the epilogue, where A, C and all sums are float32 and B is
// packed.
//
// B is [rows, columns], row-major, in one of these formats:
//
//   float16   two bytes a number, IEEE 754 binary16
//   bfloat16  two bytes a number, the upper half of a float32
//   int8      a signed byte q a number: scale · q. Numbers along `axis` share a scale
//   int4      half a byte q, 0 … 15, a number: scale · q + offset. Numbers along `axis` share both in
//             groups of 32 or 64, the last of which may be shorter. A byte holds the numbers at places
//             2i (its low half) and 2i + 1 along `axis`, whose extent is even
//
// scales and offsets are float16: [groups, columns] along axis 0, [rows, groups] along axis 1; int8
// has one group. scale · q has at most 19 digits and is exact in float32, so every form of these
// kernels widens to the same floats.
//
// A product widens each number of B to float32 and adds up in float32, in the order of gemm.h. So
// it equals, bit for bit, the product with the widened matrix, for every m from 1 to packed_rows.
#pragma once

#include <cstdint>

#include "kernels/epilogue/epilogue.h"

namespace easel {

enum class PackedFormat : int { float16, bfloat16, int8, int4 };
constexpr int packed_format_count = 4;

struct PackedMatrix {
  PackedFormat format;
  int64_t rows, columns;
  const uint8_t* codes;
  /// int8 and int4.
  int axis;
  int64_t group;
  const uint16_t* scales;
  /// int4.
  const uint16_t* offsets;

  /// The numbers of a row of scales.
  int64_t scale_columns() const { return axis == 0 ? columns : (columns + group - 1) / group; }
};

/// The most rows of A and C of a product.
constexpr int packed_rows = 32;

struct PackedKernels {
  /// y[r·y_row + j] = B[row + r, column + j] for r < rows, j < columns.
  void (*widen)(float* y, int64_t y_row, const PackedMatrix& b, int64_t row, int64_t rows, int64_t column, int64_t columns);
  /// C[i,j] = Σ_p a[i·a_row + p] · B[row + p, column + j] for i < m ≤ packed_rows, j < n, p < depth,
  /// p ascending. With int8 and int4 the axis is 0. With int4 `row` is even, and so is depth.
  void (*few_rows)(int m, const PackedMatrix& b, int64_t row, int64_t depth, int64_t column, int64_t n, const float* a, int64_t a_row, float* c, int64_t c_row);
};

extern const PackedKernels packed_serial, packed_avx2, packed_avx512, packed_neon;

/// y [rows, columns] = B, on all threads.
void widen_packed(float* y, const PackedMatrix& b);

/// y[i] = B[ids[i]] for i < count: whole rows. All ids are in 0 … rows − 1.
void packed_rows_at(float* y, const PackedMatrix& b, const int32_t* ids, int64_t count);

/// c [m, B.columns] = activation(a [m, B.rows] · B + bias) + residual, m ≤ packed_rows, on all
/// threads. The axis is 0 with int8 and int4. Returns false if scratch memory is lacking.
bool packed_product(int64_t m, const float* a, const PackedMatrix& b, float* c, const Epilogue& epilogue);

}  // namespace easel
