// Plain C++: the reference of the vector targets' tests, and the only code on other processors.
#include "kernels/packed/rows.h"

namespace easel {
namespace {

void few_rows(int m, const PackedMatrix& b, int64_t row, int64_t depth, int64_t column, int64_t n, const float* a, int64_t a_row, float* c, int64_t c_row) {
  for (int i = 0; i < m; i++) {
    for (int64_t j = 0; j < n; j++) c[i * c_row + j] = 0;
  }
  constexpr int64_t piece = 256;
  float weights[piece];
  for (int64_t p = 0; p < depth; p++) {
    for (int64_t first = 0; first < n; first += piece) {
      const int64_t count = n - first < piece ? n - first : piece;
      widen_numbers(weights, piece, b, row + p, 1, column + first, count);
      for (int i = 0; i < m; i++) {
        const float factor = a[i * a_row + p];
        float* const out = c + i * c_row + first;
        for (int64_t j = 0; j < count; j++) out[j] += factor * weights[j];
      }
    }
  }
}

}  // namespace

const PackedKernels packed_serial = {widen_numbers, few_rows};

}  // namespace easel
