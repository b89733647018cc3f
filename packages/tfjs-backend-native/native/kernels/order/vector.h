// Searches of rows on vectors: the same text for each vector target. The target's file includes it
// and names the table.
#pragma once

#include "kernels/order/order.h"
#include "kernels/vec.h"

namespace easel {
namespace {

// `second` returns its second operand for NaN, so a NaN never comes in.
template <vf (*second)(vf, vf), float (*across)(vf)>
static float extreme_but_nan(const float* x, int64_t n, float start) {
  vf a = set(start), b = a, c = a, d = a;
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    a = second(load(x + i), a);
    b = second(load(x + i + lanes), b);
    c = second(load(x + i + 2 * lanes), c);
    d = second(load(x + i + 3 * lanes), d);
  }
  for (; i + lanes <= n; i += lanes) a = second(load(x + i), a);
  for (; i < n; i++) b = second(set(x[i]), b);
  return across(second(second(a, b), second(c, d)));
}

static float max_but_nan(const float* x, int64_t n) { return extreme_but_nan<max_second, max_lanes>(x, n, -__builtin_inff()); }
static float min_but_nan(const float* x, int64_t n) { return extreme_but_nan<min_second, min_lanes>(x, n, __builtin_inff()); }

// Four vectors are looked at together; then the elements of those four, or of the rest, one by one.
template <vm (*holds)(vf, vf)>
static int64_t first_that(const float* x, int64_t n, float value) {
  const vf v = set(value);
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    const vm one = either(holds(load(x + i), v), holds(load(x + i + lanes), v));
    const vm two = either(holds(load(x + i + 2 * lanes), v), holds(load(x + i + 3 * lanes), v));
    if (any(either(one, two))) break;
  }
  for (; i + lanes <= n; i += lanes) {
    if (any(holds(load(x + i), v))) break;
  }
  while (i < n && !any(holds(set(x[i]), v))) i++;
  return i;
}

}  // namespace
}  // namespace easel

#define EASEL_ORDER_TABLE \
  { max_but_nan, min_but_nan, first_that<equal>, first_that<greater> }
