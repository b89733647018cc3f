#include "kernels/order/order.h"

namespace easel {
namespace {

float max_but_nan(const float* x, int64_t n) {
  float m = -__builtin_inff();
  for (int64_t i = 0; i < n; i++) m = x[i] > m ? x[i] : m;
  return m;
}

float min_but_nan(const float* x, int64_t n) {
  float m = __builtin_inff();
  for (int64_t i = 0; i < n; i++) m = x[i] < m ? x[i] : m;
  return m;
}

int64_t first_equal(const float* x, int64_t n, float value) {
  int64_t i = 0;
  while (i < n && !(x[i] == value)) i++;
  return i;
}

int64_t first_above(const float* x, int64_t n, float value) {
  int64_t i = 0;
  while (i < n && !(x[i] > value)) i++;
  return i;
}

}  // namespace

const OrderKernels order_serial = {max_but_nan, min_but_nan, first_equal, first_above};

}  // namespace easel
