// The bits of a float32, bfloat16, which is its upper half, and float16.
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

/// The number of float16 bits. A NaN becomes a quiet NaN, as processors widen it.
static inline float float_of_half(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16, magnitude = half & 0x7fffu;
  if (magnitude >= 0x7c00u) return float_of(sign | 0x7f800000u | (magnitude & 0x3ffu) << 13 | (magnitude > 0x7c00u ? 0x00400000u : 0));
  if (magnitude >= 0x0400u) return float_of(sign | ((magnitude << 13) + (112u << 23)));
  const float size = static_cast<float>(magnitude) * 5.9604644775390625e-8f;  // a multiple of 2^-24
  return float_of(sign | bits_of(size));
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
