#include "kernels/reduce/reduce.h"

namespace easel {
namespace {

double row_sum(const float* x, int64_t n) {
  double total = 0;
  for (int64_t i = 0; i < n; i++) total += x[i];
  return total;
}

float larger(float a, float b) { return a > b || a != a ? a : b; }
float smaller(float a, float b) { return a < b || a != a ? a : b; }

template <float (*f)(float, float)>
float row_extreme(const float* x, int64_t n) {
  float result = x[0];
  for (int64_t i = 1; i < n; i++) result = f(result, x[i]);
  return result;
}

template <float (*f)(float, float)>
void extreme_rows(float* y, const float* x, int64_t rows, int64_t stride, int64_t width) {
  for (int64_t j = 0; j < width; j++) y[j] = x[j];
  for (int64_t r = 1; r < rows; r++) {
    for (int64_t j = 0; j < width; j++) y[j] = f(y[j], x[r * stride + j]);
  }
}

void sum_rows(float* y, const float* x, int64_t rows, int64_t stride, int64_t width, double scale) {
  for (int64_t j = 0; j < width; j++) {
    double total = 0;
    for (int64_t r = 0; r < rows; r++) total += x[r * stride + j];
    y[j] = static_cast<float>(total * scale);
  }
}

}  // namespace

const ReduceKernels reduce_serial = {row_sum, row_extreme<larger>, row_extreme<smaller>, sum_rows, extreme_rows<larger>, extreme_rows<smaller>};

}  // namespace easel
