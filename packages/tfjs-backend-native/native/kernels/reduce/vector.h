// Reductions on vectors: the same text for each vector target. avx2.cc, avx512.cc and neon.cc
// include it and name the table.
#pragma once

#include "kernels/reduce/reduce.h"
#include "kernels/vec.h"

namespace easel {
namespace {

constexpr int64_t exact_block = 4096;

static double row_sum(const float* x, int64_t n) {
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += exact_block) {
    const float* p = x + begin;
    const int64_t count = begin + exact_block < n ? exact_block : n - begin;
    vf s0 = zero(), s1 = zero(), s2 = zero(), s3 = zero();
    int64_t i = 0;
    for (; i + 4 * lanes <= count; i += 4 * lanes) {
      s0 = add(s0, load(p + i));
      s1 = add(s1, load(p + i + lanes));
      s2 = add(s2, load(p + i + 2 * lanes));
      s3 = add(s3, load(p + i + 3 * lanes));
    }
    for (; i + lanes <= count; i += lanes) s0 = add(s0, load(p + i));
    if (i < count) s1 = add(s1, load_first(p + i, count - i));
    total += sum_lanes(add(add(s0, s1), add(s2, s3)));
  }
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

static void sum_rows(float* y, const float* x, int64_t rows, int64_t stride, int64_t width) {
  const int64_t s = stride;
  int64_t r = 0;
  for (; r + 8 <= rows; r += 8) {
    const float* p = x + r * s;
    for_vectors(
        width,
        [&](int64_t j) {
          const float* q = p + j;
          const vf t = add(add(add(load(q), load(q + s)), add(load(q + 2 * s), load(q + 3 * s))),
                           add(add(load(q + 4 * s), load(q + 5 * s)), add(load(q + 6 * s), load(q + 7 * s))));
          store(y + j, r == 0 ? t : add(load(y + j), t));
        },
        [&](int64_t j, int64_t n) {
          const float* q = p + j;
          const vf t = add(add(add(load_first(q, n), load_first(q + s, n)), add(load_first(q + 2 * s, n), load_first(q + 3 * s, n))),
                           add(add(load_first(q + 4 * s, n), load_first(q + 5 * s, n)), add(load_first(q + 6 * s, n), load_first(q + 7 * s, n))));
          store_first(y + j, n, r == 0 ? t : add(load_first(y + j, n), t));
        });
  }
  for (; r < rows; r++) {
    const float* p = x + r * s;
    for_vectors(
        width, [&](int64_t j) { store(y + j, r == 0 ? load(p + j) : add(load(y + j), load(p + j))); },
        [&](int64_t j, int64_t n) { store_first(y + j, n, r == 0 ? load_first(p + j, n) : add(load_first(y + j, n), load_first(p + j, n))); });
  }
}

}  // namespace
}  // namespace easel

#define EASEL_REDUCE_TABLE \
  { row_sum, row_extreme<larger, across_max>, row_extreme<smaller, across_min>, sum_rows, extreme_rows<larger>, extreme_rows<smaller> }
