// float32 held in two bytes: bfloat16, the upper half of each value. Two values share a word of 32
// bits. Of n values, word i holds value i in its lower half and value i + words(n) in its upper
// half (0 where there is none). So both directions are shifts and masks of whole vectors.
//
// Values are rounded to nearest (ties to even), or by chance (stochastic rounding): up with the
// probability of the part that is cut off, so that the mean is the value. Chance is a hash of seed
// and word, so results do not depend on threads. ±∞ stays, NaN stays a NaN, and what rounds beyond
// the largest value becomes ±∞. Threads take pieces of words.
#pragma once

#include <cstdint>

namespace easel {

constexpr int64_t bfloat16_words(int64_t n) { return (n + 1) / 2; }

struct Bfloat16Kernels {
  /// Makes words y[0..n) of low[0..n) and high[0..high_count). high_count is n or n − 1. `first` is
  /// the number of word 0, for the hash.
  void (*narrow)(int32_t* y, const float* low, const float* high, int64_t n, int64_t high_count);
  void (*narrow_by_chance)(int32_t* y, const float* low, const float* high, int64_t n, int64_t high_count, uint32_t seed, int64_t first);
  void (*widen)(float* low, float* high, const int32_t* x, int64_t n, int64_t high_count);
};

extern const Bfloat16Kernels bfloat16_serial, bfloat16_avx2, bfloat16_avx512, bfloat16_neon;

/// y [words(n)] of x [n], rounded to nearest.
void narrow_floats(int32_t* y, const float* x, int64_t n);
/// y [words(n)] of x [n], rounded by chance.
void narrow_floats_by_chance(int32_t* y, const float* x, int64_t n, uint32_t seed);
/// y [n] of x [words(n)].
void widen_floats(float* y, const int32_t* x, int64_t n);

/// 32 bits of chance for a word: "lowbias32" (Chris Wellons, hash-prospector), a permutation of 32
/// bits, applied to the word's number plus a hash of the seed.
constexpr uint32_t hash_multiplier1 = 0x7feb352du, hash_multiplier2 = 0x846ca68bu;

}  // namespace easel
