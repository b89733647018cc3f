// The bits of a float32, and bfloat16, which is its upper half.
#pragma once

#include <cstdint>
#include <cstring>

namespace easel {

static inline uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

static inline float float_of(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

/// The upper half of the bits after `addend` is added to them, over zeros. A NaN gets its quiet bit
/// instead.
static inline uint32_t upper_half(float value, uint32_t addend) {
  const uint32_t bits = bits_of(value);
  return (value != value ? bits | 0x00400000u : bits + addend) & 0xffff0000u;
}

/// bfloat16 in the upper half, rounded to nearest, ties to even.
static inline uint32_t bfloat16_upper(float value) { return upper_half(value, 0x7fffu + (bits_of(value) >> 16 & 1)); }

}  // namespace easel
