// Arithmetic on sizes, for cutting work, and JavaScript's conversion to int32.
#pragma once

#include <cmath>
#include <cstdint>

namespace easel {

static inline int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
/// The next multiple of `unit`.
static inline int64_t round_up_to(int64_t a, int64_t unit) { return ceil_div(a, unit) * unit; }

/// x rounded towards zero, modulo 2^32; 0 for what is no number.
static inline int32_t int32_of(double x) {
  if (x > -2147483648.0 && x < 2147483648.0) return static_cast<int32_t>(x);
  if (!std::isfinite(x)) return 0;
  return static_cast<int32_t>(static_cast<uint32_t>(static_cast<int64_t>(std::fmod(x, 4294967296.0))));
}

}  // namespace easel
