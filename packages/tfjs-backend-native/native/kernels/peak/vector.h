// The same text for each vector target. The target's file includes it and names the table.
#pragma once

#include "kernels/peak/peak.h"
#include "kernels/vec.h"

namespace easel {
namespace {

/// Two units of four cycles need eight chains; NEON's four units need sixteen. Together with two
/// constants, the chains must fit the registers.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int chains = 20;
#else
constexpr int chains = 12;
#endif

static int64_t multiply_adds(int64_t rounds, float* sink) {
  vf chain[chains];
#pragma GCC unroll 20
  for (int c = 0; c < chains; c++) chain[c] = set(static_cast<float>(c));
  const vf factor = set(0.999f), addend = set(0.001f);
  for (int64_t i = 0; i < rounds; i++) {
#pragma GCC unroll 20
    for (int c = 0; c < chains; c++) chain[c] = fma(factor, chain[c], addend);
  }
  vf total = zero();
#pragma GCC unroll 20
  for (int c = 0; c < chains; c++) total = add(total, chain[c]);
  *sink += sum_lanes(total);
  return 2 * chains * lanes * rounds;
}

#define EASEL_PEAK_TABLE {multiply_adds}

}  // namespace
}  // namespace easel
