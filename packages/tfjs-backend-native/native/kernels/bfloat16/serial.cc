#include <cstring>

#include "kernels/bfloat16/bfloat16.h"

namespace easel {
namespace {

uint32_t bits_of(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  return bits;
}

float float_of(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof(x));
  return x;
}

uint32_t hash(uint32_t x) {
  x ^= x >> 16;
  x *= hash_multiplier1;
  x ^= x >> 15;
  x *= hash_multiplier2;
  return x ^ x >> 16;
}

/// The upper half after `addend` was added to the bits; of a NaN with its quiet bit.
uint32_t upper(float x, uint32_t addend) {
  const uint32_t bits = bits_of(x);
  return (x != x ? bits | 0x00400000u : bits + addend) & 0xffff0000u;
}

uint32_t to_nearest(float x) { return upper(x, 0x7fffu + (bits_of(x) >> 16 & 1)); }

void narrow(int32_t* y, const float* low, const float* high, int64_t n, int64_t high_count) {
  for (int64_t i = 0; i < n; i++) {
    const uint32_t word = to_nearest(low[i]) >> 16 | (i < high_count ? to_nearest(high[i]) : 0);
    y[i] = static_cast<int32_t>(word);
  }
}

void narrow_by_chance(int32_t* y, const float* low, const float* high, int64_t n, int64_t high_count, uint32_t seed, int64_t first) {
  for (int64_t i = 0; i < n; i++) {
    const uint32_t chance = hash(seed + static_cast<uint32_t>(first + i));
    const uint32_t word = upper(low[i], chance & 0xffff) >> 16 | (i < high_count ? upper(high[i], chance >> 16) : 0);
    y[i] = static_cast<int32_t>(word);
  }
}

void widen(float* low, float* high, const int32_t* x, int64_t n, int64_t high_count) {
  for (int64_t i = 0; i < n; i++) {
    const uint32_t word = static_cast<uint32_t>(x[i]);
    low[i] = float_of(word << 16);
    if (i < high_count) high[i] = float_of(word & 0xffff0000u);
  }
}

}  // namespace

const Bfloat16Kernels bfloat16_serial = {narrow, narrow_by_chance, widen};

}  // namespace easel
