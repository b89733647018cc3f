// NEON: tiles of 12 × 8. Of the 32 registers, 24 hold sums.
#include <arm_neon.h>

#include <cstdint>

namespace {

struct Lanes {
  using Vector = float32x4_t;
  /// The number of lanes, from the first on. NEON has no masked memory access.
  using Mask = int;
  static constexpr int count = 4;
  static constexpr int tile_rows = 12;
  static Vector zero() { return vdupq_n_f32(0); }
  static Vector load(const float* p) { return vld1q_f32(p); }
  static Vector load(const float* p, Mask mask) {
    if (mask == count) return vld1q_f32(p);
    const float32x2_t zeros = vdup_n_f32(0);
    if (mask >= 2) {
      const float32x2_t low = vld1_f32(p);
      return vcombine_f32(low, mask == 3 ? vld1_lane_f32(p + 2, zeros, 0) : zeros);
    }
    return vcombine_f32(mask == 1 ? vld1_lane_f32(p, zeros, 0) : zeros, zeros);
  }
  static Vector broadcast(const float* p) { return vdupq_n_f32(*p); }
  static Vector fma(Vector x, Vector y, Vector sum) { return vfmaq_f32(sum, y, x); }
  static Vector add(Vector x, Vector y) { return vaddq_f32(x, y); }
  static void store(float* p, Vector v) { vst1q_f32(p, v); }
  static void store(float* p, Mask mask, Vector v) {
    if (mask == count) {
      vst1q_f32(p, v);
    } else if (mask >= 2) {
      vst1_f32(p, vget_low_f32(v));
      if (mask == 3) vst1q_lane_f32(p + 2, v, 2);
    } else if (mask == 1) {
      vst1q_lane_f32(p, v, 0);
    }
  }
  static Mask mask(int lanes) { return lanes; }
  static float sum(Vector v) { return vaddvq_f32(v); }
};

void transpose_block(float* out, int64_t out_stride, const float* in, int64_t in_stride, int rows) {
  float32x4_t r[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) r[i] = i < rows ? vld1q_f32(in + i * in_stride) : vdupq_n_f32(0);
  const float64x2_t a0 = vreinterpretq_f64_f32(vtrn1q_f32(r[0], r[1])), a1 = vreinterpretq_f64_f32(vtrn2q_f32(r[0], r[1]));
  const float64x2_t a2 = vreinterpretq_f64_f32(vtrn1q_f32(r[2], r[3])), a3 = vreinterpretq_f64_f32(vtrn2q_f32(r[2], r[3]));
  vst1q_f32(out, vreinterpretq_f32_f64(vtrn1q_f64(a0, a2)));
  vst1q_f32(out + out_stride, vreinterpretq_f32_f64(vtrn1q_f64(a1, a3)));
  vst1q_f32(out + 2 * out_stride, vreinterpretq_f32_f64(vtrn2q_f64(a0, a2)));
  vst1q_f32(out + 3 * out_stride, vreinterpretq_f32_f64(vtrn2q_f64(a1, a3)));
}

}  // namespace

#include "kernels/gemm/vector_kernels.h"

namespace easel {
namespace {

constexpr int full_columns = 2 * lanes;

template <int lane>
inline void add_row(Lanes::Vector (&sum)[2], const Lanes::Vector (&row)[2], Lanes::Vector factors) {
  sum[0] = vfmaq_laneq_f32(sum[0], row[0], factors, lane);
  sum[1] = vfmaq_laneq_f32(sum[1], row[1], factors, lane);
}

/// The whole tile. Each multiply-add takes its row of A from a lane, so nothing is broadcast. Rows
/// that lie side by side (packed, or A transposed) are loaded four at once, others one by one.
template <bool UnitRows>
void whole_tile(const GemmTile& t) {
  constexpr int rows = Lanes::tile_rows;
  Lanes::Vector sum[rows][2];
#pragma GCC unroll 12
  for (int i = 0; i < rows; i++) sum[i][0] = sum[i][1] = Lanes::zero();
  const int64_t depth = t.depth, a_row = t.a_row, a_step = t.a_step, b_step = t.b_step;
  for (int64_t s = 0; s < t.segments; s++) {
    const float* a = t.a + t.a_offsets[s];
    const float* b = t.b + s * t.b_segment;
    for (int64_t p = 0; p < depth; p++) {
      const Lanes::Vector row[2] = {Lanes::load(b), Lanes::load(b + lanes)};
#pragma GCC unroll 3
      for (int i = 0; i < rows; i += lanes) {
        if constexpr (UnitRows) {
          const Lanes::Vector factors = Lanes::load(a + i);
          add_row<0>(sum[i], row, factors);
          add_row<1>(sum[i + 1], row, factors);
          add_row<2>(sum[i + 2], row, factors);
          add_row<3>(sum[i + 3], row, factors);
        } else {
#pragma GCC unroll 4
          for (int q = i; q < i + lanes; q++) {
            const float factor = a[q * a_row];
            sum[q][0] = vfmaq_n_f32(sum[q][0], row[0], factor);
            sum[q][1] = vfmaq_n_f32(sum[q][1], row[1], factor);
          }
          // Without this, GCC loads all twelve factors first and spills sums for them.
          __asm__ volatile("" ::: "memory");
        }
      }
      a += a_step;
      b += b_step;
    }
  }
#pragma GCC unroll 12
  for (int i = 0; i < rows; i++) {
    float* c = t.c + i * t.c_row;
    if (t.accumulate) {
      sum[i][0] = Lanes::add(Lanes::load(c), sum[i][0]);
      sum[i][1] = Lanes::add(Lanes::load(c + lanes), sum[i][1]);
    }
    Lanes::store(c, sum[i][0]);
    Lanes::store(c + lanes, sum[i][1]);
  }
}

void whole_or_partial_tile(const GemmTile& t) {
  if (t.m < Lanes::tile_rows || t.n < full_columns) {
    tile(t);
  } else if (t.a_row == 1) {
    whole_tile<true>(t);
  } else {
    whole_tile<false>(t);
  }
}

}  // namespace

const GemmKernels gemm_neon = {Lanes::tile_rows, full_columns, 384, whole_or_partial_tile, pack_rows, pack_columns, few_rows, dots};

}  // namespace easel
