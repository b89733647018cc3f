// Rows of logits on vectors: the same text for each vector target. The target's file includes it
// and names the table.
#pragma once

#include <math.h>

#include "kernels/softmax/softmax.h"
#include "kernels/vec.h"

namespace easel {
namespace {

// From this width on, the second pass over a row, which only writes to memory, fetches the next
// row.
constexpr int64_t long_row = 4096;

// The maximum passes NaN over. NaN comes back in the sum, as exp(NaN). The maximum is −Inf where
// there is nothing else.
static float max_of(const float* x, int64_t n) {
  vf a = set(-__builtin_inff()), b = a, c = a, d = a;
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    a = max_second(load(x + i), a);
    b = max_second(load(x + i + lanes), b);
    c = max_second(load(x + i + 2 * lanes), c);
    d = max_second(load(x + i + 3 * lanes), d);
  }
  for (; i + lanes <= n; i += lanes) a = max_second(load(x + i), a);
  float m = max_lanes(max_second(max_second(a, b), max_second(c, d)));
  for (; i < n; i++) m = x[i] > m ? x[i] : m;
  return m;
}

// e^x for x ≤ 0 or NaN, for sums in which such terms are not seen one by one. On AVX-512 it is
// 2^(x·log₂ e) by the fraction of the exponent, in two thirds of exp's instructions. It is exactly
// 1 at 0, and off by 1.5e-7 + 1e-7·|x| of itself, at most 2e-7 of the largest term. Elsewhere it is
// exp down to −86, and e⁻⁸⁶ below.
static inline vf exp_term(vf x) {
#if defined(__AVX512F__)
  const vf t = mul(x, set(1.44269504088896341f)), r = _mm512_reduce_ps(t, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);  // 0 for −Inf
  // Minimax for the relative error of 2^r, 0 ≤ r < 1, and 1 at 0.
  vf p = set(1.8671300495e-03f);
  p = fma(p, r, set(9.0170307085e-03f));
  p = fma(p, r, set(5.5799912661e-02f));
  p = fma(p, r, set(2.4016444385e-01f));
  p = fma(p, r, set(6.9315129519e-01f));
  return scale_by_power(fma(p, r, set(1.0f)), t);  // by the floor of t
#else
  vf n;
  const vf r = reduce_exponent(max_second(set(-86.0f), x), &n), one = set(1.0f);
  const vf power = from_bits(shift_left<23>(bits(add(n, set(rounder + 127)))));  // 2ⁿ: n + 127 is in the last bits of the sum
  return mul(fma(fma(exp_tail(r), r, one), r, one), power);
#endif
}

// y = exp(x − m). Returns its sum.
static inline float exp_and_sum(float* y, const float* x, int64_t n, float m) {
  const vf shift = set(m);
  vf s0 = zero(), s1 = zero();
  int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    const vf e0 = exp_negative(sub(load(x + i), shift)), e1 = exp_negative(sub(load(x + i + lanes), shift));
    store(y + i, e0);
    store(y + i + lanes, e1);
    s0 = add(s0, e0);
    s1 = add(s1, e1);
  }
  for (; i + lanes <= n; i += lanes) {
    const vf e = exp_negative(sub(load(x + i), shift));
    store(y + i, e);
    s0 = add(s0, e);
  }
  float sum = 0;
  if (i < n) {
    store_first(y + i, n - i, exp_negative(sub(load_first(x + i, n - i), shift)));
    for (; i < n; i++) sum += y[i];
  }
  return sum + sum_lanes(add(s0, s1));
}

// A running Σ exp(x − m), lane by lane. m is not the maximum itself: it rises only when something
// exceeds it by more than `slack`. So ordinary rows keep the m of their first values, and the
// branch that raises it is foreseen. Terms stay below exp(slack); exp_term's error is then 2e-7 of
// them.
constexpr float slack = 2;

static inline vf load_or_none(const float* x, int64_t n) {
  float values[lanes];
  for (int64_t i = 0; i < lanes; i++) values[i] = i < n ? x[i] : -__builtin_inff();
  return load(values);
}

struct RunningSum {
  float m = -__builtin_inff();
  vf limit = set(-__builtin_inff()), shift = zero(), sum = zero();

  // A row of −Inf so far keeps m = −Inf, and a sum that is next to nothing (NaN if there is a NaN).
  inline __attribute__((always_inline)) void rise(vf most) {
    const float here = max_lanes(most);
    const vf factor = set(expf(m - here));
    sum = mul(sum, factor);
    m = here;
    limit = set(here + slack);
    shift = set(here);
  }
  // The maximum passes NaN over. NaN comes back in the sum, as exp(NaN).
  inline __attribute__((always_inline)) void add_terms(vf a) {
    const vf most = max_second(a, limit);
    if (__builtin_expect(any(greater(most, limit)), 0)) rise(most);
    sum = add(sum, exp_term(sub(a, shift)));
  }
  inline __attribute__((always_inline)) void add_terms(vf a, vf b, vf c, vf d) {
    const vf most = max_second(d, max_second(c, max_second(b, max_second(a, limit))));
    if (__builtin_expect(any(greater(most, limit)), 0)) rise(most);
    // Four terms are added to one another first, which saves roundings of the large sum.
    sum = add(sum, add(add(exp_term(sub(a, shift)), exp_term(sub(b, shift))), add(exp_term(sub(c, shift)), exp_term(sub(d, shift)))));
  }
  // Takes four vectors at a time. Each is read once and kept in registers from its maximum to its
  // exponentials. For rows that come from memory (`large`), reading never pauses.
  template <bool large>
  inline __attribute__((always_inline)) void add_terms(const float* x, int64_t n) {
    int64_t i = large ? before_aligned(x, n) : 0;
    if (i > 0) add_terms(load_or_none(x, i));
    for (; i + 4 * lanes <= n; i += 4 * lanes) {
      for (int64_t k = 0; large && k < 4 * lanes; k += 16) prefetch(x + i + k);
      add_terms(load(x + i), load(x + i + lanes), load(x + i + 2 * lanes), load(x + i + 3 * lanes));
    }
    for (; i + lanes <= n; i += lanes) add_terms(load(x + i));
    if (i < n) add_terms(load_or_none(x + i, n - i));
  }
  inline float total() const { return sum_lanes(sum); }
};

template <bool large>
static float log_sum_exp(const float* x, int64_t n) {
  RunningSum sum;
  sum.add_terms<large>(x, n);
  return sum.m == -__builtin_inff() ? __builtin_nanf("") : sum.m + logf(sum.total());
}

static void softmax_row(float* y, const float* x, int64_t n) {
  const vf scale = set(1.0f / exp_and_sum(y, x, n, max_of(x, n)));
  for_vectors(
      n, [&](int64_t i) { store(y + i, mul(load(y + i), scale)); },
      [&](int64_t i, int64_t count) { store_first(y + i, count, mul(load_first(y + i, count), scale)); });
}

// While the sum of a row is taken, the row before it is written, a block of either in turn. So
// reading from memory never pauses. A row's exponentials are computed twice: to keep them would be
// two more transfers between the caches.
static void softmax_streamed(float* y, const float* x, int64_t rows, int64_t n) {
  const int64_t block = n < long_row ? 1024 : 256;
  // A row's first block is longer, so that the others begin aligned.
  const auto end_of_block = [=](const float* row, int64_t begin) {
    const int64_t end = begin + block + (begin == 0 ? before_aligned(row, n) : 0);
    return end < n ? end : n;
  };
  vf shift = zero(), scale = zero();  // of the row that is written
  for (int64_t r = 0; r <= rows; r++) {
    const float *const from = x + r * n, *const from_before = from - n;
    float* const to = y + (r - 1) * n;
    RunningSum sum;
    int64_t taken = r < rows ? 0 : n, written = r > 0 ? 0 : n;
    while (taken < n || written < n) {
      if (taken < n) {
        const int64_t end = end_of_block(from, taken);
        sum.add_terms<true>(from + taken, end - taken);
        taken = end;
      }
      if (written < n) {
        const int64_t end = end_of_block(to, written);
        const float* const in = from_before + written;
        float* const out = to + written;
        for_aligned_vectors(
            out, end - written, [&](int64_t i) { stream(out + i, mul(exp_negative(sub(load(in + i), shift)), scale)); },
            [&](int64_t i, int64_t count) { store_first(out + i, count, mul(exp_negative(sub(load_first(in + i, count), shift)), scale)); });
        written = end;
      }
    }
    shift = set(sum.m);
    scale = set(1.0f / sum.total());
  }
}

template <bool streamed>
static void log_softmax_row(float* y, const float* x, int64_t n) {
  const vf lse = set(log_sum_exp<streamed>(x, n));
  for_output<streamed>(
      y, n, [&](int64_t i) { put<streamed>(y + i, sub(load(x + i), lse)); },
      [&](int64_t i, int64_t count) { store_first(y + i, count, sub(load_first(x + i, count), lse)); });
}

static void scaled_exp(float* y, const float* x, int64_t n, float shift, float scale) {
  const vf vshift = set(shift), vscale = set(scale);
  for_vectors(
      n, [&](int64_t i) { store(y + i, mul(vscale, exp(sub(load(x + i), vshift)))); },
      [&](int64_t i, int64_t count) { store_first(y + i, count, mul(vscale, exp(sub(load_first(x + i, count), vshift)))); });
}

// The label's vector is changed before it is stored. Going back to it would bring its line from
// memory once more.
static void scaled_exp_streamed(float* y, const float* x, int64_t n, float shift, float scale, int64_t label) {
  const vf vshift = set(shift), vscale = set(scale);
  bool done = false;
  for_aligned_vectors(
      y, n,
      [&](int64_t i) {
        prefetch(x + i);
        vf e = mul(vscale, exp(sub(load(x + i), vshift)));
        if (static_cast<uint64_t>(label - i) < static_cast<uint64_t>(lanes)) {
          float values[lanes];
          store(values, e);
          values[label - i] -= scale;
          e = load(values);
          done = true;
        }
        stream(y + i, e);
      },
      [&](int64_t i, int64_t count) { store_first(y + i, count, mul(vscale, exp(sub(load_first(x + i, count), vshift)))); });
  if (!done) y[label] -= scale;
}

// dx = y·(dy − Σ dy·y), or for log-softmax dx = dy − exp(y)·Σ dy, whose sum needs no y.
template <bool streamed, bool logarithm>
static void grad_row(float* dx, const float* dy, const float* y, int64_t n) {
  const bool ahead = streamed && n < long_row;
  const auto add_term = [](vf sum, vf d, const auto& read_y) __attribute__((always_inline)) { return logarithm ? add(sum, d) : fma(d, read_y(), sum); };
  vf s0 = zero(), s1 = zero();
  for_pairs<streamed>(
      dx, n,
      [&](int64_t i) {
        for (int64_t k = i; ahead && k < i + 2 * lanes; k += lanes) {
          prefetch(dy + k);
          if (!logarithm) prefetch(y + k);
        }
        s0 = add_term(s0, load(dy + i), [&] { return load(y + i); });
        s1 = add_term(s1, load(dy + i + lanes), [&] { return load(y + i + lanes); });
      },
      [&](int64_t i, int64_t count) { s1 = add_term(s1, load_first(dy + i, count), [&] { return load_first(y + i, count); }); });
  const vf sum = set(sum_lanes(add(s0, s1)));
  const auto gradient = [sum](vf d, vf out) __attribute__((always_inline)) { return logarithm ? fnma(exp(out), sum, d) : mul(out, sub(d, sum)); };
  for_output<streamed>(
      dx, n,
      [&](int64_t i) {
        if (streamed && !ahead) prefetch_beyond(dy + i, n);
        if (streamed && logarithm) prefetch(y + i);
        if (streamed && !logarithm && !ahead) prefetch_beyond(y + i, n);
        put<streamed>(dx + i, gradient(load(dy + i), load(y + i)));
      },
      [&](int64_t i, int64_t count) { store_first(dx + i, count, gradient(load_first(dy + i, count), load_first(y + i, count))); });
}

}  // namespace
}  // namespace easel

#define EASEL_SOFTMAX_TABLE                                                                                                             \
  {                                                                                                                                     \
    softmax_row, log_softmax_row<false>, log_sum_exp<false>, scaled_exp, grad_row<false, false>, grad_row<false, true>, softmax_streamed, \
        log_softmax_row<true>, scaled_exp_streamed, grad_row<true, false>, grad_row<true, true>, log_sum_exp<true>                      \
  }
