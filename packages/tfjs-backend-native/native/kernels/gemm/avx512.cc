// AVX-512: tiles of 14 × 32. Of the 32 registers, 28 hold sums.
#include <immintrin.h>

#include <cstdint>

namespace {

struct Lanes {
  using Vector = __m512;
  using Mask = __mmask16;
  static constexpr int count = 16;
  static constexpr int tile_rows = 14;
  static Vector zero() { return _mm512_setzero_ps(); }
  static Vector load(const float* p) { return _mm512_loadu_ps(p); }
  static Vector load(const float* p, Mask mask) { return _mm512_maskz_loadu_ps(mask, p); }
  static Vector broadcast(const float* p) { return _mm512_set1_ps(*p); }
  static Vector fma(Vector x, Vector y, Vector sum) { return _mm512_fmadd_ps(x, y, sum); }
  static Vector add(Vector x, Vector y) { return _mm512_add_ps(x, y); }
  static void store(float* p, Vector v) { _mm512_storeu_ps(p, v); }
  static void store(float* p, Mask mask, Vector v) { _mm512_mask_storeu_ps(p, mask, v); }
  static Mask mask(int lanes) { return static_cast<Mask>((1u << lanes) - 1); }
  static float sum(Vector v) { return _mm512_reduce_add_ps(v); }
};

}  // namespace

#include "kernels/gemm/transpose16.h"
#include "kernels/gemm/vector_kernels.h"

namespace easel {

const GemmKernels gemm_avx512 = {Lanes::tile_rows, 2 * lanes, 512, tile, pack_rows, pack_columns, few_rows, dots};

}  // namespace easel
