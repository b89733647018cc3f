// Parameter updates on vectors: the same text for each vector target. The target's file includes it
// and names the table.
#pragma once

#include "kernels/optimizer/optimizer.h"
#include "kernels/vec.h"

namespace easel {
namespace {

static void adamw_part(float* p, float* m, float* v, const float* g, int64_t n, const AdamW& s) {
  const vf beta1 = set(s.beta1), rest1 = set(s.rest1), beta2 = set(s.beta2), rest2 = set(s.rest2), scale = set(s.gradient_scale);
  const vf rate = set(s.learning_rate), epsilon = set(s.epsilon), decay = set(s.decay), factor1 = set(s.mean_factor), factor2 = set(s.square_factor);
  const auto mean_of = [&](vf vm_, vf vg) { return fma(beta1, vm_, mul(rest1, vg)); };
  const auto square_of = [&](vf vv, vf vg) { return fma(beta2, vv, mul(rest2, mul(vg, vg))); };
  const auto stepped = [&](vf vp, vf vm_, vf vv) {
    const vf step = div(mul(vm_, factor1), add(sqrt(mul(vv, factor2)), epsilon));
    return fnma(rate, fma(decay, vp, step), vp);
  };
  for_vectors(
      n,
      [&](int64_t i) {
        prefetch(g + i);
        prefetch(m + i);
        prefetch(v + i);
        prefetch(p + i);
        const vf vg = mul(load(g + i), scale), new_m = mean_of(load(m + i), vg), new_v = square_of(load(v + i), vg);
        store(m + i, new_m);
        store(v + i, new_v);
        store(p + i, stepped(load(p + i), new_m, new_v));
      },
      [&](int64_t i, int64_t count) {
        const vf vg = mul(load_first(g + i, count), scale), new_m = mean_of(load_first(m + i, count), vg),
                 new_v = square_of(load_first(v + i, count), vg);
        store_first(m + i, count, new_m);
        store_first(v + i, count, new_v);
        store_first(p + i, count, stepped(load_first(p + i, count), new_m, new_v));
      });
}

static double sum_squares_part(const float* x, int64_t n) {
  constexpr int64_t block = 4096;
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += block) {
    const float* q = x + begin;
    vf s0 = zero(), s1 = zero();
    for_pairs<false>(
        q, begin + block < n ? block : n - begin,
        [&](int64_t i) {
          prefetch(q + i);
          prefetch(q + i + lanes);
          s0 = fma(load(q + i), load(q + i), s0);
          s1 = fma(load(q + i + lanes), load(q + i + lanes), s1);
        },
        [&](int64_t i, int64_t count) { s1 = fma(load_first(q + i, count), load_first(q + i, count), s1); });
    total += sum_lanes(add(s0, s1));
  }
  return total;
}

static double factored_squares(float* columns, const float* g, int64_t n, float scale, float epsilon) {
  const vf vscale = set(scale), vepsilon = set(epsilon);
  vf s0 = zero(), s1 = zero();
  const auto square_of = [&](vf x) {
    const vf d = mul(x, vscale);
    return fma(d, d, vepsilon);
  };
  for_pairs<false>(
      g, n,
      [&](int64_t i) {
        prefetch(g + i);
        prefetch(g + i + lanes);
        const vf t0 = square_of(load(g + i)), t1 = square_of(load(g + i + lanes));
        store(columns + i, add(load(columns + i), t0));
        store(columns + i + lanes, add(load(columns + i + lanes), t1));
        s0 = add(s0, t0);
        s1 = add(s1, t1);
      },
      [&](int64_t i, int64_t count) {
        // ε must not be counted beyond the end.
        float values[lanes];
        store_first(values, count, square_of(load_first(g + i, count)));
        const vf t = load_first(values, count);
        store_first(columns + i, count, add(load_first(columns + i, count), t));
        s1 = add(s1, t);
      });
  return sum_lanes(add(s0, s1));
}

static double factored_norm(const float* g, const float* column_factors, int64_t n, float row_factor) {
  const vf factor = set(row_factor);
  vf s0 = zero(), s1 = zero();
  for_pairs<false>(
      g, n,
      [&](int64_t i) {
        prefetch(g + i);
        prefetch(g + i + lanes);
        const vf u0 = mul(mul(load(g + i), factor), load(column_factors + i));
        const vf u1 = mul(mul(load(g + i + lanes), factor), load(column_factors + i + lanes));
        s0 = fma(u0, u0, s0);
        s1 = fma(u1, u1, s1);
      },
      [&](int64_t i, int64_t count) {
        const vf u = mul(mul(load_first(g + i, count), factor), load_first(column_factors + i, count));
        s1 = fma(u, u, s1);
      });
  return sum_lanes(add(s0, s1));
}

// p ← p − (u + decay·p), through m if there is momentum. direction(i) and direction(i, count) give
// u.
template <typename Full, typename First>
static inline void take_steps(float* p, float* m, int64_t n, const AdafactorStep& s, Full direction, First first_of) {
  const vf momentum = set(s.momentum), rest = set(s.momentum_rest), decay = set(s.decay);
  for_vectors(
      n,
      [&](int64_t i) {
        vf u = direction(i);
        prefetch(p + i);
        if (m) {
          prefetch(m + i);
          u = fma(momentum, load(m + i), mul(rest, u));
          store(m + i, u);
        }
        const vf old = load(p + i);
        store(p + i, sub(old, fma(decay, old, u)));
      },
      [&](int64_t i, int64_t count) {
        vf u = first_of(i, count);
        if (m) {
          u = fma(momentum, load_first(m + i, count), mul(rest, u));
          store_first(m + i, count, u);
        }
        const vf old = load_first(p + i, count);
        store_first(p + i, count, sub(old, fma(decay, old, u)));
      });
}

static void factored_step(float* p, float* m, const float* g, const float* column_factors, int64_t n, const AdafactorStep& s) {
  const vf factor = set(s.factor);
  take_steps(
      p, m, n, s,
      [&](int64_t i) {
        prefetch(g + i);
        return mul(mul(load(g + i), factor), load(column_factors + i));
      },
      [&](int64_t i, int64_t count) { return mul(mul(load_first(g + i, count), factor), load_first(column_factors + i, count)); });
}

static double full_squares(float* v, const float* g, int64_t n, const Adafactor& s) {
  const vf scale = set(s.gradient_scale), rho = set(s.rho), rest = set(s.rest), epsilon = set(s.epsilon);
  vf sum = zero();
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += 4096) {
    sum = zero();
    for_vectors(
        begin + 4096 < n ? 4096 : n - begin,
        [&](int64_t j) {
          const int64_t i = begin + j;
          prefetch(g + i);
          prefetch(v + i);
          const vf d = mul(load(g + i), scale), new_v = fma(rho, load(v + i), mul(rest, fma(d, d, epsilon)));
          store(v + i, new_v);
          const vf u = div(d, sqrt(new_v));
          sum = fma(u, u, sum);
        },
        [&](int64_t j, int64_t count) {
          const int64_t i = begin + j;
          const vf d = mul(load_first(g + i, count), scale), new_v = fma(rho, load_first(v + i, count), mul(rest, fma(d, d, epsilon)));
          store_first(v + i, count, new_v);
          float values[lanes];
          store_first(values, count, div(d, sqrt(new_v)));  // beyond the end 0/√ε or 0/0
          const vf u = load_first(values, count);
          sum = fma(u, u, sum);
        });
    total += sum_lanes(sum);
  }
  return total;
}

static void full_step(float* p, float* m, const float* g, const float* v, int64_t n, const AdafactorStep& s) {
  const vf factor = set(s.factor);
  take_steps(
      p, m, n, s,
      [&](int64_t i) {
        prefetch(g + i);
        prefetch(v + i);
        return mul(div(load(g + i), sqrt(load(v + i))), factor);
      },
      [&](int64_t i, int64_t count) { return mul(div(load_first(g + i, count), sqrt(load_first(v + i, count))), factor); });
}

}  // namespace
}  // namespace easel

#define EASEL_OPTIMIZER_TABLE \
  { adamw_part, sum_squares_part, factored_squares, factored_norm, factored_step, full_squares, full_step }
