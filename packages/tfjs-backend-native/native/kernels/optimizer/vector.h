// Included by avx2.cc, avx512.cc and neon.cc, which name the table.
#pragma once

#include "kernels/optimizer/optimizer.h"
#include "kernels/vec.h"

namespace easel {
namespace {

static void adamw_part(float* p, float* m, float* v, const float* g, int64_t n, const AdamW& s) {
  const vf beta1 = set(s.beta1), rest1 = set(s.rest1), beta2 = set(s.beta2), rest2 = set(s.rest2);
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
        const vf vg = load(g + i), new_m = mean_of(load(m + i), vg), new_v = square_of(load(v + i), vg);
        store(m + i, new_m);
        store(v + i, new_v);
        store(p + i, stepped(load(p + i), new_m, new_v));
      },
      [&](int64_t i, int64_t count) {
        const vf vg = load_first(g + i, count), new_m = mean_of(load_first(m + i, count), vg), new_v = square_of(load_first(v + i, count), vg);
        store_first(m + i, count, new_m);
        store_first(v + i, count, new_v);
        store_first(p + i, count, stepped(load_first(p + i, count), new_m, new_v));
      });
}

}  // namespace
}  // namespace easel
