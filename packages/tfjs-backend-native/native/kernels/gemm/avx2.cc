// AVX2 with FMA: tiles of 6 × 16. Of the 16 registers, 12 hold sums.
#include <immintrin.h>

#include <cstdint>

namespace {

alignas(32) const int32_t mask_bits[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};

struct Lanes {
  using Vector = __m256;
  using Mask = __m256i;
  static constexpr int count = 8;
  static constexpr int tile_rows = 6;
  static Vector zero() { return _mm256_setzero_ps(); }
  static Vector load(const float* p) { return _mm256_loadu_ps(p); }
  static Vector load(const float* p, Mask mask) { return _mm256_maskload_ps(p, mask); }
  static Vector broadcast(const float* p) { return _mm256_broadcast_ss(p); }
  /// As text, so that the sum stays in its register. With twelve sums in sixteen registers GCC 12
  /// moves some of them to memory and back in each step.
  static Vector fma(Vector x, Vector y, Vector sum) {
    asm("vfmadd231ps %2, %1, %0" : "+x"(sum) : "x"(x), "x"(y));
    return sum;
  }
  static Vector add(Vector x, Vector y) { return _mm256_add_ps(x, y); }
  static void store(float* p, Vector v) { _mm256_storeu_ps(p, v); }
  static void store(float* p, Mask mask, Vector v) { _mm256_maskstore_ps(p, mask, v); }
  static Mask mask(int lanes) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(mask_bits + 8 - lanes)); }
  static float sum(Vector v) {
    const __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 quarter = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(quarter, _mm_movehdup_ps(quarter)));
  }
};

void transpose_block(float* out, int64_t out_stride, const float* in, int64_t in_stride, int rows) {
  __m256 r[8], t[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) r[i] = i < rows ? _mm256_loadu_ps(in + i * in_stride) : _mm256_setzero_ps();
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4) {
    r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
    r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
    r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
  }
#pragma GCC unroll 4
  for (int q = 0; q < 4; q++) {
    _mm256_storeu_ps(out + q * out_stride, _mm256_permute2f128_ps(r[q], r[q + 4], 0x20));
  }
#pragma GCC unroll 4
  for (int q = 0; q < 4; q++) {
    _mm256_storeu_ps(out + (q + 4) * out_stride, _mm256_permute2f128_ps(r[q], r[q + 4], 0x31));
  }
}

}  // namespace

#include "kernels/gemm/vector_kernels.h"

namespace easel {

const GemmKernels gemm_avx2 = {Lanes::tile_rows, 2 * lanes, 384, tile, pack_rows, pack_columns, few_rows, dots};

}  // namespace easel
