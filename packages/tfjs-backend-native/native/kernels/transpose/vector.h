// Tiles of `side` by `side` floats in registers: 8 on AVX2, whose tile AVX-512 uses too, and 4 on
// NEON. avx2.cc, avx512.cc and neon.cc include this and name the table.
#pragma once

#if defined(__aarch64__)
#include <arm_neon.h>
#else
#include <immintrin.h>
#endif

#include "kernels/transpose/transpose.h"

namespace easel {
namespace {

#if defined(__aarch64__)

constexpr int64_t side = 4;

static inline void turn(float* y, int64_t ys, const float* x, int64_t xs) {
  const float32x4_t r0 = vld1q_f32(x), r1 = vld1q_f32(x + xs), r2 = vld1q_f32(x + 2 * xs), r3 = vld1q_f32(x + 3 * xs);
  const float64x2_t a0 = vreinterpretq_f64_f32(vtrn1q_f32(r0, r1)), a1 = vreinterpretq_f64_f32(vtrn2q_f32(r0, r1));
  const float64x2_t a2 = vreinterpretq_f64_f32(vtrn1q_f32(r2, r3)), a3 = vreinterpretq_f64_f32(vtrn2q_f32(r2, r3));
  vst1q_f32(y, vreinterpretq_f32_f64(vtrn1q_f64(a0, a2)));
  vst1q_f32(y + ys, vreinterpretq_f32_f64(vtrn1q_f64(a1, a3)));
  vst1q_f32(y + 2 * ys, vreinterpretq_f32_f64(vtrn2q_f64(a0, a2)));
  vst1q_f32(y + 3 * ys, vreinterpretq_f32_f64(vtrn2q_f64(a1, a3)));
}

#else

constexpr int64_t side = 8;

static inline void turn(float* y, int64_t ys, const float* x, int64_t xs) {
  const __m256 r0 = _mm256_loadu_ps(x), r1 = _mm256_loadu_ps(x + xs), r2 = _mm256_loadu_ps(x + 2 * xs), r3 = _mm256_loadu_ps(x + 3 * xs);
  const __m256 r4 = _mm256_loadu_ps(x + 4 * xs), r5 = _mm256_loadu_ps(x + 5 * xs), r6 = _mm256_loadu_ps(x + 6 * xs),
               r7 = _mm256_loadu_ps(x + 7 * xs);
  const __m256 a0 = _mm256_unpacklo_ps(r0, r1), a1 = _mm256_unpackhi_ps(r0, r1), a2 = _mm256_unpacklo_ps(r2, r3), a3 = _mm256_unpackhi_ps(r2, r3);
  const __m256 a4 = _mm256_unpacklo_ps(r4, r5), a5 = _mm256_unpackhi_ps(r4, r5), a6 = _mm256_unpacklo_ps(r6, r7), a7 = _mm256_unpackhi_ps(r6, r7);
  const __m256 b0 = _mm256_shuffle_ps(a0, a2, 0x44), b1 = _mm256_shuffle_ps(a0, a2, 0xee), b2 = _mm256_shuffle_ps(a1, a3, 0x44),
               b3 = _mm256_shuffle_ps(a1, a3, 0xee);
  const __m256 b4 = _mm256_shuffle_ps(a4, a6, 0x44), b5 = _mm256_shuffle_ps(a4, a6, 0xee), b6 = _mm256_shuffle_ps(a5, a7, 0x44),
               b7 = _mm256_shuffle_ps(a5, a7, 0xee);
  _mm256_storeu_ps(y, _mm256_permute2f128_ps(b0, b4, 0x20));
  _mm256_storeu_ps(y + ys, _mm256_permute2f128_ps(b1, b5, 0x20));
  _mm256_storeu_ps(y + 2 * ys, _mm256_permute2f128_ps(b2, b6, 0x20));
  _mm256_storeu_ps(y + 3 * ys, _mm256_permute2f128_ps(b3, b7, 0x20));
  _mm256_storeu_ps(y + 4 * ys, _mm256_permute2f128_ps(b0, b4, 0x31));
  _mm256_storeu_ps(y + 5 * ys, _mm256_permute2f128_ps(b1, b5, 0x31));
  _mm256_storeu_ps(y + 6 * ys, _mm256_permute2f128_ps(b2, b6, 0x31));
  _mm256_storeu_ps(y + 7 * ys, _mm256_permute2f128_ps(b3, b7, 0x31));
}

#endif

static void tile(float* y, int64_t ys, const float* x, int64_t xs, int64_t rows, int64_t columns) {
  const int64_t whole_rows = rows & ~(side - 1), whole_columns = columns & ~(side - 1);
  for (int64_t c = 0; c < whole_columns; c += side) {
    for (int64_t r = 0; r < whole_rows; r += side) turn(y + c * ys + r, ys, x + r * xs + c, xs);
    for (int64_t r = whole_rows; r < rows; r++) {
      for (int64_t i = c; i < c + side; i++) y[i * ys + r] = x[r * xs + i];
    }
  }
  for (int64_t c = whole_columns; c < columns; c++) {
    for (int64_t r = 0; r < rows; r++) y[c * ys + r] = x[r * xs + c];
  }
}

}  // namespace
}  // namespace easel
