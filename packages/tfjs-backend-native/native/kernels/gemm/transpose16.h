// For AVX-512: turns sixteen rows of sixteen floats into sixteen columns. Only the targets' files
// include this.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace {

/// out[p·out_stride + i] = in[i·in_stride + p] for i < rows ≤ 16, p < 16. For the other i < 16 it
/// is 0.
void transpose_block(float* out, int64_t out_stride, const float* in, int64_t in_stride, int rows) {
  __m512 r[16], t[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; i++) r[i] = i < rows ? _mm512_loadu_ps(in + i * in_stride) : _mm512_setzero_ps();
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    const __m512d t0 = _mm512_castps_pd(t[i]), t1 = _mm512_castps_pd(t[i + 1]);
    const __m512d t2 = _mm512_castps_pd(t[i + 2]), t3 = _mm512_castps_pd(t[i + 3]);
    r[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(t0, t2));
    r[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(t0, t2));
    r[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(t1, t3));
    r[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(t1, t3));
  }
  // r[4g + q] holds, in its 128-bit part x, column 4x + q of rows 4g…4g+3.
#pragma GCC unroll 4
  for (int q = 0; q < 4; q++) {
    const __m512 low02 = _mm512_shuffle_f32x4(r[q], r[q + 4], 0x88), low13 = _mm512_shuffle_f32x4(r[q], r[q + 4], 0xdd);
    const __m512 high02 = _mm512_shuffle_f32x4(r[q + 8], r[q + 12], 0x88), high13 = _mm512_shuffle_f32x4(r[q + 8], r[q + 12], 0xdd);
    t[q] = _mm512_shuffle_f32x4(low02, high02, 0x88);
    t[q + 8] = _mm512_shuffle_f32x4(low02, high02, 0xdd);
    t[q + 4] = _mm512_shuffle_f32x4(low13, high13, 0x88);
    t[q + 12] = _mm512_shuffle_f32x4(low13, high13, 0xdd);
  }
#pragma GCC unroll 16
  for (int p = 0; p < 16; p++) _mm512_storeu_ps(out + p * out_stride, t[p]);
}

}  // namespace
