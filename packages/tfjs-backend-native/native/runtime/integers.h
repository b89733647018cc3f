// Arithmetic on sizes, for cutting work.
#pragma once

#include <cstdint>

namespace easel {

static inline int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
/// The next multiple of `unit`.
static inline int64_t round_up_to(int64_t a, int64_t unit) { return ceil_div(a, unit) * unit; }

}  // namespace easel
