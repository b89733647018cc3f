// Reductions on vectors: the same text for each vector target. avx2.cc, avx512.cc and neon.cc
// include it and name the table.
#pragma once

#include "kernels/reduce/reduce.h"
#include "kernels/vec.h"

namespace easel {
namespace {

// Eight vectors are added in float as a tree, which for equal numbers is exact, then in double.
static double row_sum(const float* x, int64_t n) {
  constexpr int64_t half = lanes / 2;
  vd s0 = no_doubles(), s1 = no_doubles();
  int64_t i = 0;
  for (; i + 8 * lanes <= n; i += 8 * lanes) {
    const float* p = x + i;
    const vf t = add(add(add(load(p), load(p + lanes)), add(load(p + 2 * lanes), load(p + 3 * lanes))),
                     add(add(load(p + 4 * lanes), load(p + 5 * lanes)), add(load(p + 6 * lanes), load(p + 7 * lanes))));
    s0 = add_doubles(s0, low_half(t));
    s1 = add_doubles(s1, high_half(t));
  }
  for (; i + half <= n; i += half) s0 = add_doubles(s0, widened(x + i));
  double sums[half], total = 0;
  store_doubles(sums, add_doubles(s0, s1));
  for (int64_t j = 0; j < half; j++) total += sums[j];
  for (; i < n; i++) total += static_cast<double>(x[i]);
  return total;
}

static inline vf larger(vf a, vf b) { return select(is_nan(a), a, max_second(a, b)); }
static inline vf smaller(vf a, vf b) { return select(is_nan(a), a, min_second(a, b)); }
static inline float across_max(vf a) { return any(is_nan(a)) ? __builtin_nanf("") : max_lanes(a); }
static inline float across_min(vf a) { return any(is_nan(a)) ? __builtin_nanf("") : min_lanes(a); }

template <vf (*f)(vf, vf), float (*across)(vf)>
static float row_extreme(const float* x, int64_t n) {
  vf a = set(x[0]), b = a, c = a, d = a;
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    a = f(a, load(x + i));
    b = f(b, load(x + i + lanes));
    c = f(c, load(x + i + 2 * lanes));
    d = f(d, load(x + i + 3 * lanes));
  }
  for (; i + lanes <= n; i += lanes) a = f(a, load(x + i));
  float result = across(f(f(a, b), f(c, d)));
  for (; i < n; i++) result = across(f(set(result), set(x[i])));
  return result;
}

template <vf (*f)(vf, vf)>
static void extreme_rows(float* y, const float* x, int64_t rows, int64_t stride, int64_t width) {
  for_vectors(
      width, [&](int64_t j) { store(y + j, load(x + j)); }, [&](int64_t j, int64_t count) { store_first(y + j, count, load_first(x + j, count)); });
  for (int64_t r = 1; r < rows; r++) {
    const float* p = x + r * stride;
    for_vectors(
        width, [&](int64_t j) { store(y + j, f(load(y + j), load(p + j))); },
        [&](int64_t j, int64_t count) { store_first(y + j, count, f(load_first(y + j, count), load_first(p + j, count))); });
  }
}

constexpr int64_t widest_sums = 1024;  // columns whose sums in double stay in the first-level cache

// At most widest_sums columns. Eight rows are added in float, which for equal numbers is exact,
// then in double.
static void sum_columns(float* y, const float* x, int64_t rows, int64_t stride, int64_t width, double scale) {
  const int64_t s = stride;
  double sums[widest_sums + lanes];  // the last vector is whole
  for (int64_t j = 0; j < width + lanes; j += lanes / 2) store_doubles(sums + j, no_doubles());
  const auto add_to_sums = [&](int64_t j, vf t) {
    store_doubles(sums + j, add_doubles(load_doubles(sums + j), low_half(t)));
    store_doubles(sums + j + lanes / 2, add_doubles(load_doubles(sums + j + lanes / 2), high_half(t)));
  };
  int64_t r = 0;
  for (; r + 8 <= rows; r += 8) {
    const float* p = x + r * s;
    for_vectors(
        width,
        [&](int64_t j) {
          const float* q = p + j;
          add_to_sums(j, add(add(add(load(q), load(q + s)), add(load(q + 2 * s), load(q + 3 * s))),
                             add(add(load(q + 4 * s), load(q + 5 * s)), add(load(q + 6 * s), load(q + 7 * s)))));
        },
        [&](int64_t j, int64_t n) {
          const float* q = p + j;
          add_to_sums(j, add(add(add(load_first(q, n), load_first(q + s, n)), add(load_first(q + 2 * s, n), load_first(q + 3 * s, n))),
                             add(add(load_first(q + 4 * s, n), load_first(q + 5 * s, n)), add(load_first(q + 6 * s, n), load_first(q + 7 * s, n)))));
        });
  }
  for (; r < rows; r++) {
    const float* p = x + r * s;
    for_vectors(
        width, [&](int64_t j) { add_to_sums(j, load(p + j)); }, [&](int64_t j, int64_t n) { add_to_sums(j, load_first(p + j, n)); });
  }
  for (int64_t j = 0; j < width; j++) y[j] = static_cast<float>(sums[j] * scale);
}

static void sum_rows(float* y, const float* x, int64_t rows, int64_t stride, int64_t width, double scale) {
  for (int64_t j = 0; j < width; j += widest_sums)
    sum_columns(y + j, x + j, rows, stride, j + widest_sums < width ? widest_sums : width - j, scale);
}

}  // namespace
}  // namespace easel

#define EASEL_REDUCE_TABLE \
  { row_sum, row_extreme<larger, across_max>, row_extreme<smaller, across_min>, sum_rows, extreme_rows<larger>, extreme_rows<smaller> }
