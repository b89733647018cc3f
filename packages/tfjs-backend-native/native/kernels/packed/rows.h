// Numbers of a packed matrix one at a time: the serial kernels, and what vectors do not pay for.
// Files of all targets include it, so all of it is static.
#pragma once

#include "kernels/packed/packed.h"
#include "runtime/float_bits.h"

namespace easel {
namespace {

/// 16 bits of memory of any alignment.
static inline uint16_t half_word(const uint8_t* p) {
  uint16_t word;
  std::memcpy(&word, p, sizeof(word));
  return word;
}

/// B[row, column].
static inline float packed_number(const PackedMatrix& b, int64_t row, int64_t column) {
  const int64_t at = row * b.columns + column;
  switch (b.format) {
    case PackedFormat::float16:
      return float_of_half(half_word(b.codes + 2 * at));
    case PackedFormat::bfloat16:
      return float_of(static_cast<uint32_t>(half_word(b.codes + 2 * at)) << 16);
    default:
      break;
  }
  const int64_t scale_at = b.axis == 0 ? row / b.group * b.columns + column : row * b.scale_columns() + column / b.group;
  const float scale = float_of_half(b.scales[scale_at]);
  if (b.format == PackedFormat::int8) return scale * static_cast<float>(static_cast<int8_t>(b.codes[at]));
  const uint8_t byte = b.axis == 0 ? b.codes[row / 2 * b.columns + column] : b.codes[at / 2];
  const int code = ((b.axis == 0 ? row : column) & 1) == 0 ? byte & 15 : byte >> 4;
  return scale * static_cast<float>(code) + float_of_half(b.offsets[scale_at]);
}

/// The kernels' `widen`, number by number.
static inline void widen_numbers(float* y, int64_t y_row, const PackedMatrix& b, int64_t row, int64_t rows, int64_t column, int64_t columns) {
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t j = 0; j < columns; j++) y[r * y_row + j] = packed_number(b, row + r, column + j);
  }
}

}  // namespace
}  // namespace easel
