// Plain C++: the reference of the vector targets' tests, and the only code on other processors.
#include "kernels/gemm/gemm.h"

namespace easel {
namespace {

constexpr int rows = 4, columns = 8;

void tile(const GemmTile& t) {
  float sum[rows][columns] = {};
  for (int64_t s = 0; s < t.segments; s++) {
    const float* a = t.a + t.a_offsets[s];
    const float* b = t.b + s * t.b_segment;
    for (int64_t p = 0; p < t.depth; p++, a += t.a_step, b += t.b_step) {
      if (t.n == columns) {
        for (int i = 0; i < t.m; i++) {
          for (int j = 0; j < columns; j++) sum[i][j] += a[i * t.a_row] * b[j];
        }
      } else {
        for (int i = 0; i < t.m; i++) {
          for (int j = 0; j < t.n; j++) sum[i][j] += a[i * t.a_row] * b[j];
        }
      }
    }
  }
  for (int i = 0; i < t.m; i++) {
    float* c = t.c + i * t.c_row;
    for (int j = 0; j < t.n; j++) c[j] = t.accumulate ? c[j] + sum[i][j] : sum[i][j];
  }
}

void pack_rows(float* panel, int64_t width, const float* source, int64_t stride, int64_t count, int64_t depth) {
  for (int64_t i = 0; i < count; i++) {
    for (int64_t p = 0; p < depth; p++) panel[p * width + i] = source[i * stride + p];
  }
}

void pack_columns(float* panel, int64_t width, const float* source, int64_t stride, int64_t count, int64_t depth) {
  for (int64_t p = 0; p < depth; p++) {
    for (int64_t i = 0; i < count; i++) panel[p * width + i] = source[p * stride + i];
  }
}

void few_rows(int m, int64_t n, int64_t k, const float* a, int64_t a_row, const float* b, int64_t b_step, float* c, int64_t c_row) {
  for (int i = 0; i < m; i++) {
    for (int64_t j = 0; j < n; j++) c[i * c_row + j] = 0;
  }
  for (int64_t p = 0; p < k; p++) {
    for (int i = 0; i < m; i++) {
      const float factor = a[i * a_row + p];
      for (int64_t j = 0; j < n; j++) c[i * c_row + j] += factor * b[p * b_step + j];
    }
  }
}

void dots(int m, int64_t n, int64_t k, const float* a, int64_t a_row, const float* b, int64_t b_row, float* c, int64_t c_row) {
  for (int i = 0; i < m; i++) {
    for (int64_t j = 0; j < n; j++) {
      float sum[4] = {};
      int64_t p = 0;
      for (; p + 4 <= k; p += 4) {
        for (int l = 0; l < 4; l++) sum[l] += a[i * a_row + p + l] * b[j * b_row + p + l];
      }
      for (; p < k; p++) sum[0] += a[i * a_row + p] * b[j * b_row + p];
      c[i * c_row + j] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    }
  }
}

}  // namespace

const GemmKernels gemm_serial = {rows, columns, 384, tile, pack_rows, pack_columns, few_rows, dots};

}  // namespace easel
