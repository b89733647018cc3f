// What the ways to compute a product share. gemm.cc chooses between them.
#pragma once

#include <cstdint>

#include "kernels/gemm/gemm.h"
#include "runtime/integers.h"

namespace easel {

struct Matrix {
  const float* data;
  int64_t stride;
  bool transposed;

  /// Pointer to op(matrix)[row, column].
  const float* at(int64_t row, int64_t column) const {
    return transposed ? data + column * stride + row : data + row * stride + column;
  }
  Matrix from(int64_t row, int64_t column) const { return {at(row, column), stride, transposed}; }
};

/// C[m,n] = activation(op(A)[m,k] · op(B)[k,n] + bias) + residual. C's rows follow each other.
struct Product {
  int64_t m, n, k;
  Matrix a, b;
  float* c;
  const Epilogue& epilogue;
};

/// Cuts n into equal parts of at most `most`, each a multiple of `unit` except the last. Returns
/// the size of a part.
static inline int64_t even_part(int64_t n, int64_t most, int64_t unit) {
  const int64_t parts = ceil_div(n, most);
  return round_up_to(ceil_div(n, parts), unit);
}

/// With fewer multiply-adds, a product runs on one thread and reads its operands in place where it
/// can: about 20 µs.
constexpr int64_t small_product = int64_t{1} << 20;

/// The depth that is summed before it is added to C, for up to 32 rows. It depends on sizes alone,
/// and so does the order of a sum.
int64_t part_of_depth(int64_t n, int64_t k);

/// What a block of product_by_parts computes: the sums of rows p … p + depth and columns j … j +
/// columns of B, to `out`, whose rows lie n floats apart.
using PartOfProduct = void (*)(const void* context, int64_t p, int64_t depth, int64_t j, int64_t columns, float* out);

// Each of these returns false if scratch memory is lacking.

/// A product with few rows on all threads. B is cut into blocks of whole rows of at most
/// `most_columns` columns, so that each thread reads memory in its order. The sums of the parts of
/// the depth are added in order at the end.
bool product_by_parts(int64_t m, int64_t n, int64_t k, int64_t most_columns, float* c, const Epilogue& epilogue, PartOfProduct part, const void* context);

/// One product on the calling thread, without the epilogue. A is read in place, and so is B unless
/// it is transposed. It uses the `slot` of scratch memory.
bool product_in_place(const GemmKernels& kernels, int64_t m, int64_t n, int64_t k, const Matrix& a, const Matrix& b, float* c, int64_t c_row, int slot = 0);

/// Whether packed products go by bfloat16 parts (split.h): the CPU target can, and the product is
/// large enough.
bool splits(const Product& product);

/// One product on all threads. Both operands are copied to panels first. In packed.cc.
bool product_packed(const GemmKernels& kernels, const Product& product);

/// The same for products with too few rows to copy all of B first.
bool product_packed_strips(const GemmKernels& kernels, const Product& product);

}  // namespace easel
