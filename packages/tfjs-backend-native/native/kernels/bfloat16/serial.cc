#include "kernels/bfloat16/bfloat16.h"
#include "runtime/float_bits.h"

namespace easel {
namespace {

uint32_t hash(uint32_t x) {
  x ^= x >> 16;
  x *= hash_multiplier1;
  x ^= x >> 15;
  x *= hash_multiplier2;
  return x ^ x >> 16;
}

void narrow(int32_t* y, const float* low, const float* high, int64_t n, int64_t high_count) {
  for (int64_t i = 0; i < n; i++) {
    const uint32_t word = bfloat16_upper(low[i]) >> 16 | (i < high_count ? bfloat16_upper(high[i]) : 0);
    y[i] = static_cast<int32_t>(word);
  }
}

void narrow_by_chance(int32_t* y, const float* low, const float* high, int64_t n, int64_t high_count, uint32_t seed, int64_t first) {
  for (int64_t i = 0; i < n; i++) {
    const uint32_t chance = hash(seed + static_cast<uint32_t>(first + i));
    const uint32_t word = upper_half(low[i], chance & 0xffff) >> 16 | (i < high_count ? upper_half(high[i], chance >> 16) : 0);
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
