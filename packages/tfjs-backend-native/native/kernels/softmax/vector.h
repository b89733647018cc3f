// Rows of logits on vectors: the same text for each vector target. Included by the target's file, which names the table.
#pragma once

#include <math.h>

#include "kernels/softmax/softmax.h"
#include "kernels/vec.h"

namespace easel {
namespace {

// Floats whose maximum is sought and whose exponentials are then taken. Short, so that memory is never idle for long: of 512, 1024, 2048, 4096 the
// first is the fastest where rows come from memory.
constexpr int64_t block = 512;

// NaN is passed over here: it comes back in the sum, as exp(NaN). −Inf where there is nothing else.
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

// Σ exp(x − m); keeps the terms in y if it is given.
template <bool ahead>
static inline float sum_exp(float* y, const float* x, int64_t n, float m) {
  const vf shift = set(m);
  vf s0 = zero(), s1 = zero();
  int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    if (ahead) {
      prefetch(x + i);
      prefetch(x + i + lanes);
    }
    const vf e0 = exp_negative(sub(load(x + i), shift)), e1 = exp_negative(sub(load(x + i + lanes), shift));
    if (y) {
      store(y + i, e0);
      store(y + i + lanes, e1);
    }
    s0 = add(s0, e0);
    s1 = add(s1, e1);
  }
  for (; i + lanes <= n; i += lanes) {
    const vf e = exp_negative(sub(load(x + i), shift));
    if (y) store(y + i, e);
    s0 = add(s0, e);
  }
  float sum = 0;
  if (i < n) {
    float last[lanes];
    store(last, exp_negative(sub(load_first(x + i, n - i), shift)));
    for (int64_t j = 0; j < n - i; j++) {
      sum += last[j];
      if (y) y[i + j] = last[j];
    }
  }
  return sum + sum_lanes(add(s0, s1));
}

// Takes in one more block: raises m, scales the sum so far, and adds the block's terms, which are kept in y if it is given.
// A row of −Inf alone keeps m = −Inf, and its sum is 0 (NaN if there is a NaN).
template <bool ahead>
static inline void take_block(float* y, const float* x, int64_t n, float* m, float* sum) {
  const float infinity = __builtin_inff(), here = max_of(x, n);
  if (here > *m) {
    *sum *= expf(*m - here);
    *m = here;
  }
  *sum += sum_exp<ahead>(y, x, n, *m == -infinity ? 0.0f : *m);
}

// Where a row is long, its first block is longer, so that the others are aligned.
template <bool aligned>
static inline int64_t end_of_block(const float* x, int64_t begin, int64_t n) {
  const int64_t end = begin + block + (aligned && begin == 0 ? before_aligned(x, n) : 0);
  return end < n ? end : n;
}

template <bool large>
static float log_sum_exp(const float* x, int64_t n) {
  float m = -__builtin_inff(), sum = 0;
  for (int64_t begin = 0, end; begin < n; begin = end) {
    end = end_of_block<large>(x, begin, n);
    take_block<large>(nullptr, x + begin, end - begin, &m, &sum);
  }
  return m == -__builtin_inff() ? __builtin_nanf("") : m + logf(sum);
}

static void softmax_row(float* y, const float* x, int64_t n) {
  const vf scale = set(1.0f / sum_exp<false>(y, x, n, max_of(x, n)));
  for_vectors(
      n, [&](int64_t i) { store(y + i, mul(load(y + i), scale)); },
      [&](int64_t i, int64_t count) { store_first(y + i, count, mul(load_first(y + i, count), scale)); });
}

// The terms of each block are relative to the maximum so far; `shifts` [one a block] holds it.
static void softmax_streamed(float* y, const float* x, int64_t n, float* terms) {
  float m = -__builtin_inff(), sum = 0;
  float shifts[longest_streamed / block + 1];
  int64_t blocks = 0;
  for (int64_t begin = 0, end; begin < n; begin = end) {
    end = end_of_block<true>(x, begin, n);
    take_block<true>(terms + begin, x + begin, end - begin, &m, &sum);
    shifts[blocks++] = m;
  }
  blocks = 0;
  for (int64_t begin = 0, end; begin < n; begin = end, blocks++) {
    end = end_of_block<true>(x, begin, n);
    const vf scale = set((shifts[blocks] == m ? 1.0f : expf(shifts[blocks] - m)) / sum);
    const float* from = terms + begin;
    float* to = y + begin;
    for_aligned_vectors(
        to, end - begin, [&](int64_t i) { stream(to + i, mul(load(from + i), scale)); },
        [&](int64_t i, int64_t count) { store_first(to + i, count, mul(load_first(from + i, count), scale)); });
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

// The label's vector is changed before it is stored: going back to it would bring its line from memory once more.
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

// Where rows are long, the second pass over one, which only writes to memory, fetches the next.
constexpr int64_t long_row = 4096;

template <bool streamed>
static void softmax_grad_row(float* dx, const float* dy, const float* y, int64_t n) {
  const bool ahead = streamed && n < long_row;
  vf s0 = zero(), s1 = zero();
  for_pairs<streamed>(
      dx, n,
      [&](int64_t i) {
        if (ahead) {
          prefetch(dy + i);
          prefetch(dy + i + lanes);
          prefetch(y + i);
          prefetch(y + i + lanes);
        }
        s0 = fma(load(dy + i), load(y + i), s0);
        s1 = fma(load(dy + i + lanes), load(y + i + lanes), s1);
      },
      [&](int64_t i, int64_t count) { s1 = fma(load_first(dy + i, count), load_first(y + i, count), s1); });
  const vf along = set(sum_lanes(add(s0, s1)));
  for_output<streamed>(
      dx, n,
      [&](int64_t j) {
        if (streamed && !ahead) {
          prefetch_beyond(dy + j, n);
          prefetch_beyond(y + j, n);
        }
        put<streamed>(dx + j, mul(load(y + j), sub(load(dy + j), along)));
      },
      [&](int64_t j, int64_t count) { store_first(dx + j, count, mul(load_first(y + j, count), sub(load_first(dy + j, count), along))); });
}

template <bool streamed>
static void log_softmax_grad_row(float* dx, const float* dy, const float* y, int64_t n) {
  const bool ahead = streamed && n < long_row;
  vf s0 = zero(), s1 = zero();
  for_pairs<streamed>(
      dx, n,
      [&](int64_t i) {
        if (ahead) {
          prefetch(dy + i);
          prefetch(dy + i + lanes);
        }
        s0 = add(s0, load(dy + i));
        s1 = add(s1, load(dy + i + lanes));
      },
      [&](int64_t i, int64_t count) { s1 = add(s1, load_first(dy + i, count)); });
  const vf sum = set(sum_lanes(add(s0, s1)));
  for_output<streamed>(
      dx, n,
      [&](int64_t j) {
        if (streamed) prefetch(y + j);
        if (streamed && !ahead) prefetch_beyond(dy + j, n);
        put<streamed>(dx + j, fnma(exp(load(y + j)), sum, load(dy + j)));
      },
      [&](int64_t j, int64_t count) { store_first(dx + j, count, fnma(exp(load_first(y + j, count)), sum, load_first(dy + j, count))); });
}

}  // namespace
}  // namespace easel

#define EASEL_SOFTMAX_TABLE                                                                                                             \
  {                                                                                                                                     \
    softmax_row, log_softmax_row<false>, log_sum_exp<false>, scaled_exp, softmax_grad_row<false>, log_softmax_grad_row<false>,          \
        softmax_streamed, log_softmax_row<true>, scaled_exp_streamed, softmax_grad_row<true>, log_softmax_grad_row<true>,               \
        log_sum_exp<true>                                                                                                               \
  }
