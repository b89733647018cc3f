// bfloat16 on vectors: the same text for each vector target. The target's file includes it and
// names the table.
#pragma once

#include "kernels/bfloat16/bfloat16.h"
#include "kernels/vec.h"

namespace easel {
namespace {

// Integer operations that no other family needs.
#if defined(__AVX512F__)
static inline vi multiplied(vi a, vi b) { return _mm512_mullo_epi32(a, b); }
static inline vi either_bits(vi a, vi b) { return _mm512_or_si512(a, b); }
static inline vi differing_bits(vi a, vi b) { return _mm512_xor_si512(a, b); }
static inline vi counted_lanes() { return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
template <int count>
static inline vi shift_right_unsigned(vi a) { return _mm512_srli_epi32(a, count); }
#elif defined(__AVX2__)
static inline vi multiplied(vi a, vi b) { return _mm256_mullo_epi32(a, b); }
static inline vi either_bits(vi a, vi b) { return _mm256_or_si256(a, b); }
static inline vi differing_bits(vi a, vi b) { return _mm256_xor_si256(a, b); }
static inline vi counted_lanes() { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
template <int count>
static inline vi shift_right_unsigned(vi a) { return _mm256_srli_epi32(a, count); }
#else
static inline vi multiplied(vi a, vi b) { return vmulq_s32(a, b); }
static inline vi either_bits(vi a, vi b) { return vorrq_s32(a, b); }
static inline vi differing_bits(vi a, vi b) { return veorq_s32(a, b); }
static inline vi counted_lanes() { return vcombine_s32(vcreate_s32(uint64_t{1} << 32), vcreate_s32(uint64_t{3} << 32 | 2)); }
template <int count>
static inline vi shift_right_unsigned(vi a) { return vreinterpretq_s32_u32(vshrq_n_u32(vreinterpretq_u32_s32(a), count)); }
#endif

static inline vi upper(vf x, vi addend) {
  const vf rounded = from_bits(add_int(bits(x), addend)), quiet = from_bits(either_bits(bits(x), set_int(0x00400000)));
  return and_int(bits(select(is_nan(x), quiet, rounded)), set_int(static_cast<int32_t>(0xffff0000u)));
}

static inline vi to_nearest(vf x) {
  const vi odd = and_int(shift_right<16>(bits(x)), set_int(1));
  return upper(x, add_int(odd, set_int(0x7fff)));
}

static inline vi hash(vi x) {
  x = multiplied(differing_bits(x, shift_right_unsigned<16>(x)), set_int(static_cast<int32_t>(hash_multiplier1)));
  x = multiplied(differing_bits(x, shift_right_unsigned<15>(x)), set_int(static_cast<int32_t>(hash_multiplier2)));
  return differing_bits(x, shift_right_unsigned<16>(x));
}

static inline vf joined(vi low, vi high) { return from_bits(either_bits(shift_right_unsigned<16>(low), high)); }

/// Words are written as floats. No lane is interpreted on the way.
static inline float* words(int32_t* y) { return reinterpret_cast<float*>(y); }
static inline const float* words(const int32_t* y) { return reinterpret_cast<const float*>(y); }

static void narrow(int32_t* y, const float* low, const float* high, int64_t n, int64_t high_count) {
  for_vectors(
      high_count,
      [&](int64_t i) {
        prefetch(low + i);
        prefetch(high + i);
        store(words(y) + i, joined(to_nearest(load(low + i)), to_nearest(load(high + i))));
      },
      [&](int64_t i, int64_t count) {
        store_first(words(y) + i, count, joined(to_nearest(load_first(low + i, count)), to_nearest(load_first(high + i, count))));
      });
  if (high_count < n) store_first(words(y) + high_count, 1, joined(to_nearest(load_first(low + high_count, 1)), set_int(0)));
}

static void narrow_by_chance(int32_t* y, const float* low, const float* high, int64_t n, int64_t high_count, uint32_t seed, int64_t first) {
  const vi half = set_int(0xffff);
  const auto word = [&](vf a, vf b, int64_t i) {
    const vi chance = hash(add_int(set_int(static_cast<int32_t>(seed + static_cast<uint32_t>(first + i))), counted_lanes()));
    return joined(upper(a, and_int(chance, half)), upper(b, shift_right_unsigned<16>(chance)));
  };
  for_vectors(
      high_count,
      [&](int64_t i) {
        prefetch(low + i);
        prefetch(high + i);
        store(words(y) + i, word(load(low + i), load(high + i), i));
      },
      [&](int64_t i, int64_t count) { store_first(words(y) + i, count, word(load_first(low + i, count), load_first(high + i, count), i)); });
  if (high_count < n) {
    // The word of the lone last value. Its upper half is made of 0 and must stay 0.
    const vf last = word(load_first(low + high_count, 1), zero(), high_count);
    store_first(words(y) + high_count, 1, from_bits(and_int(bits(last), half)));
  }
}

static void widen(float* low, float* high, const int32_t* x, int64_t n, int64_t high_count) {
  const vi upper_half = set_int(static_cast<int32_t>(0xffff0000u));
  for_vectors(
      high_count,
      [&](int64_t i) {
        const vi word = bits(load(words(x) + i));
        prefetch(words(x) + i);
        store(low + i, from_bits(shift_left<16>(word)));
        store(high + i, from_bits(and_int(word, upper_half)));
      },
      [&](int64_t i, int64_t count) {
        const vi word = bits(load_first(words(x) + i, count));
        store_first(low + i, count, from_bits(shift_left<16>(word)));
        store_first(high + i, count, from_bits(and_int(word, upper_half)));
      });
  if (high_count < n) store_first(low + high_count, 1, from_bits(shift_left<16>(bits(load_first(words(x) + high_count, 1)))));
}

#define EASEL_BFLOAT16_TABLE {narrow, narrow_by_chance, widen}

}  // namespace
}  // namespace easel
