// One vector of floats of the CPU target that the including file is compiled for, and the functions
// of it that kernels share. Only avx2.cc, avx512.cc and neon.cc include this. Everything is in an
// unnamed namespace, so no symbol of it can serve another target.
//
// `vf` is float lanes, `vi` int32 lanes, `vm` a mask of lanes, `vd` half as many doubles. For
// tails, `load_first(p, n)` reads n < lanes floats and gives zeros beyond, and `store_first` writes
// n of them. Neither touches memory beyond.
#pragma once

#if defined(__GNUC__) && !defined(__clang__)
// GCC 12's own avx512fintrin.h sets off this warning at every inlined intrinsic (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#if defined(__aarch64__)
#include <arm_neon.h>
#else
#include <immintrin.h>
#endif

#include <cstdint>

namespace easel {
namespace {

#if defined(__AVX512F__)

typedef __m512 vf;
typedef __m512i vi;
typedef __mmask16 vm;
constexpr int64_t lanes = 16;

static inline vf load(const float* p) { return _mm512_loadu_ps(p); }
static inline void store(float* p, vf x) { _mm512_storeu_ps(p, x); }
static inline void stream(float* p, vf x) { _mm512_stream_ps(p, x); }  // p aligned to the vector; see runtime/stream.h
static inline vm first_lanes(int64_t n) { return static_cast<vm>((1u << n) - 1u); }
static inline vf load_first(const float* p, int64_t n) { return _mm512_maskz_loadu_ps(first_lanes(n), p); }
static inline void store_first(float* p, int64_t n, vf x) { _mm512_mask_storeu_ps(p, first_lanes(n), x); }
static inline vf set(float x) { return _mm512_set1_ps(x); }
static inline vf zero() { return _mm512_setzero_ps(); }
static inline vf add(vf a, vf b) { return _mm512_add_ps(a, b); }
static inline vf sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
static inline vf mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
static inline vf div(vf a, vf b) { return _mm512_div_ps(a, b); }
static inline vf fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }     // a·b + c
static inline vf fnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); }   // c − a·b
static inline vf sqrt(vf a) { return _mm512_sqrt_ps(a); }
static inline vf min_second(vf a, vf b) { return _mm512_min_ps(a, b); }  // b if either is NaN
static inline vf max_second(vf a, vf b) { return _mm512_max_ps(a, b); }  // b if either is NaN
static inline vf round_even(vf a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline vf round_down(vf a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
static inline vf round_up(vf a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC); }
static inline vm is_nan(vf a) { return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q); }
static inline vm less(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
static inline vm greater(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
static inline vm equal(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
static inline vm either(vm a, vm b) { return static_cast<vm>(a | b); }
static inline bool any(vm a) { return a != 0; }
static inline vm none() { return 0; }
static inline vf select(vm m, vf yes, vf no) { return _mm512_mask_blend_ps(m, no, yes); }
static inline vf absolute(vf a) { return _mm512_abs_ps(a); }
static inline vf negate(vf a) { return _mm512_castsi512_ps(_mm512_xor_si512(_mm512_castps_si512(a), _mm512_set1_epi32(INT32_MIN))); }
static inline vf scale_by_power(vf a, vf n) { return _mm512_scalef_ps(a, n); }  // a·2^n, n integral, rounded once
static inline vi bits(vf a) { return _mm512_castps_si512(a); }
static inline vf from_bits(vi a) { return _mm512_castsi512_ps(a); }
static inline vi set_int(int32_t x) { return _mm512_set1_epi32(x); }
static inline vi add_int(vi a, vi b) { return _mm512_add_epi32(a, b); }
static inline vi sub_int(vi a, vi b) { return _mm512_sub_epi32(a, b); }
static inline vi and_int(vi a, vi b) { return _mm512_and_si512(a, b); }
template <int count>
static inline vi shift_right(vi a) { return _mm512_srai_epi32(a, count); }
template <int count>
static inline vi shift_left(vi a) { return _mm512_slli_epi32(a, count); }
static inline vf to_float(vi a) { return _mm512_cvtepi32_ps(a); }
static inline float sum_lanes(vf a) { return _mm512_reduce_add_ps(a); }
typedef __m512d vd;  // half as many doubles
static inline vd widened(const float* p) { return _mm512_cvtps_pd(_mm256_loadu_ps(p)); }
static inline vd low_half(vf a) { return _mm512_cvtps_pd(_mm512_castps512_ps256(a)); }
static inline vd high_half(vf a) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(a, 1)); }
static inline vd no_doubles() { return _mm512_setzero_pd(); }
static inline vd load_doubles(const double* p) { return _mm512_loadu_pd(p); }
static inline void store_doubles(double* p, vd x) { _mm512_storeu_pd(p, x); }
static inline vd add_doubles(vd a, vd b) { return _mm512_add_pd(a, b); }
static inline float max_lanes(vf a) { return _mm512_reduce_max_ps(a); }
static inline float min_lanes(vf a) { return _mm512_reduce_min_ps(a); }

#elif defined(__AVX2__)

typedef __m256 vf;
typedef __m256i vi;
typedef __m256 vm;
constexpr int64_t lanes = 8;

static inline vf load(const float* p) { return _mm256_loadu_ps(p); }
static inline void store(float* p, vf x) { _mm256_storeu_ps(p, x); }
static inline void stream(float* p, vf x) { _mm256_stream_ps(p, x); }  // p aligned to the vector; see runtime/stream.h
static inline vi first_lanes(int64_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline vf load_first(const float* p, int64_t n) { return _mm256_maskload_ps(p, first_lanes(n)); }
static inline void store_first(float* p, int64_t n, vf x) { _mm256_maskstore_ps(p, first_lanes(n), x); }
static inline vf set(float x) { return _mm256_set1_ps(x); }
static inline vf zero() { return _mm256_setzero_ps(); }
static inline vf add(vf a, vf b) { return _mm256_add_ps(a, b); }
static inline vf sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
static inline vf mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
static inline vf div(vf a, vf b) { return _mm256_div_ps(a, b); }
static inline vf fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
static inline vf fnma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); }
static inline vf sqrt(vf a) { return _mm256_sqrt_ps(a); }
static inline vf min_second(vf a, vf b) { return _mm256_min_ps(a, b); }
static inline vf max_second(vf a, vf b) { return _mm256_max_ps(a, b); }
static inline vf round_even(vf a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline vf round_down(vf a) { return _mm256_floor_ps(a); }
static inline vf round_up(vf a) { return _mm256_ceil_ps(a); }
static inline vm is_nan(vf a) { return _mm256_cmp_ps(a, a, _CMP_UNORD_Q); }
static inline vm less(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
static inline vm greater(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }
static inline vm equal(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
static inline vm either(vm a, vm b) { return _mm256_or_ps(a, b); }
static inline bool any(vm a) { return _mm256_movemask_ps(a) != 0; }
static inline vm none() { return _mm256_setzero_ps(); }
static inline vf select(vm m, vf yes, vf no) { return _mm256_blendv_ps(no, yes, m); }
static inline vf absolute(vf a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
static inline vf negate(vf a) { return _mm256_xor_ps(_mm256_set1_ps(-0.0f), a); }
static inline vi bits(vf a) { return _mm256_castps_si256(a); }
static inline vf from_bits(vi a) { return _mm256_castsi256_ps(a); }
static inline vi set_int(int32_t x) { return _mm256_set1_epi32(x); }
static inline vi add_int(vi a, vi b) { return _mm256_add_epi32(a, b); }
static inline vi sub_int(vi a, vi b) { return _mm256_sub_epi32(a, b); }
static inline vi and_int(vi a, vi b) { return _mm256_and_si256(a, b); }
template <int count>
static inline vi shift_right(vi a) { return _mm256_srai_epi32(a, count); }
template <int count>
static inline vi shift_left(vi a) { return _mm256_slli_epi32(a, count); }
static inline vf to_float(vi a) { return _mm256_cvtepi32_ps(a); }
// a·2^n in two steps, so that 2^n may be beyond the exponents of float (n within ±252).
static inline vf scale_by_power(vf a, vf n) {
  const vi whole = _mm256_cvtps_epi32(n);
  const vi half = _mm256_srai_epi32(whole, 1);
  const vi bias = _mm256_set1_epi32(127);
  const vf low = from_bits(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
  const vf high = from_bits(_mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(whole, half), bias), 23));
  return mul(mul(a, low), high);
}
typedef __m256d vd;  // half as many doubles
static inline vd widened(const float* p) { return _mm256_cvtps_pd(_mm_loadu_ps(p)); }
static inline vd low_half(vf a) { return _mm256_cvtps_pd(_mm256_castps256_ps128(a)); }
static inline vd high_half(vf a) { return _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1)); }
static inline vd no_doubles() { return _mm256_setzero_pd(); }
static inline vd load_doubles(const double* p) { return _mm256_loadu_pd(p); }
static inline void store_doubles(double* p, vd x) { _mm256_storeu_pd(p, x); }
static inline vd add_doubles(vd a, vd b) { return _mm256_add_pd(a, b); }
static inline float sum_lanes(vf a) {
  __m128 x = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  x = _mm_add_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_add_ss(x, _mm_shuffle_ps(x, x, 1)));
}
static inline float max_lanes(vf a) {
  __m128 x = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  x = _mm_max_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_max_ss(x, _mm_shuffle_ps(x, x, 1)));
}
static inline float min_lanes(vf a) {
  __m128 x = _mm_min_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  x = _mm_min_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_min_ss(x, _mm_shuffle_ps(x, x, 1)));
}

#elif defined(__aarch64__)

typedef float32x4_t vf;
typedef int32x4_t vi;
typedef uint32x4_t vm;
constexpr int64_t lanes = 4;

static inline vf load(const float* p) { return vld1q_f32(p); }
static inline void store(float* p, vf x) { vst1q_f32(p, x); }
static inline void stream(float* p, vf x) { vst1q_f32(p, x); }
static inline vm first_lanes(int64_t n) {
  const int32x4_t index = vcombine_s32(vcreate_s32(uint64_t{1} << 32), vcreate_s32(uint64_t{3} << 32 | 2));
  return vcltq_s32(index, vdupq_n_s32(static_cast<int32_t>(n)));
}
// NEON has no masked memory access. The lanes that there are are read in pieces of two and one.
static inline vf load_first(const float* p, int64_t n) {
  if (n >= 4) return vld1q_f32(p);
  const float32x2_t zeros = vdup_n_f32(0);
  if (n >= 2) {
    const float32x2_t low = vld1_f32(p);
    return vcombine_f32(low, n == 3 ? vld1_lane_f32(p + 2, zeros, 0) : zeros);
  }
  return vcombine_f32(n == 1 ? vld1_lane_f32(p, zeros, 0) : zeros, zeros);
}
static inline void store_first(float* p, int64_t n, vf x) {
  if (n >= 4) {
    vst1q_f32(p, x);
  } else if (n >= 2) {
    vst1_f32(p, vget_low_f32(x));
    if (n == 3) vst1q_lane_f32(p + 2, x, 2);
  } else if (n == 1) {
    vst1q_lane_f32(p, x, 0);
  }
}
static inline vf set(float x) { return vdupq_n_f32(x); }
static inline vf zero() { return vdupq_n_f32(0); }
static inline vf add(vf a, vf b) { return vaddq_f32(a, b); }
static inline vf sub(vf a, vf b) { return vsubq_f32(a, b); }
static inline vf mul(vf a, vf b) { return vmulq_f32(a, b); }
static inline vf div(vf a, vf b) { return vdivq_f32(a, b); }
static inline vf fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
static inline vf fnma(vf a, vf b, vf c) { return vfmsq_f32(c, a, b); }
static inline vf sqrt(vf a) { return vsqrtq_f32(a); }
// vminq and vminnmq would not do: they give NaN for either NaN, or the other operand.
static inline vf min_second(vf a, vf b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
static inline vf max_second(vf a, vf b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
static inline vf round_even(vf a) { return vrndnq_f32(a); }
static inline vf round_down(vf a) { return vrndmq_f32(a); }
static inline vf round_up(vf a) { return vrndpq_f32(a); }
static inline vm is_nan(vf a) { return vmvnq_u32(vceqq_f32(a, a)); }
static inline vm less(vf a, vf b) { return vcltq_f32(a, b); }
static inline vm greater(vf a, vf b) { return vcgtq_f32(a, b); }
static inline vm equal(vf a, vf b) { return vceqq_f32(a, b); }
static inline vm either(vm a, vm b) { return vorrq_u32(a, b); }
static inline bool any(vm a) { return vmaxvq_u32(a) != 0; }
static inline vm none() { return vdupq_n_u32(0); }
static inline vf select(vm m, vf yes, vf no) { return vbslq_f32(m, yes, no); }
static inline vf absolute(vf a) { return vabsq_f32(a); }
static inline vf negate(vf a) { return vnegq_f32(a); }
static inline vi bits(vf a) { return vreinterpretq_s32_f32(a); }
static inline vf from_bits(vi a) { return vreinterpretq_f32_s32(a); }
static inline vi set_int(int32_t x) { return vdupq_n_s32(x); }
static inline vi add_int(vi a, vi b) { return vaddq_s32(a, b); }
static inline vi sub_int(vi a, vi b) { return vsubq_s32(a, b); }
static inline vi and_int(vi a, vi b) { return vandq_s32(a, b); }
template <int count>
static inline vi shift_right(vi a) { return vshrq_n_s32(a, count); }
template <int count>
static inline vi shift_left(vi a) { return vshlq_n_s32(a, count); }
static inline vf to_float(vi a) { return vcvtq_f32_s32(a); }
// a·2^n in two steps, as on AVX2.
static inline vf scale_by_power(vf a, vf n) {
  const vi whole = vcvtnq_s32_f32(n);
  const vi half = vshrq_n_s32(whole, 1);
  const vi bias = vdupq_n_s32(127);
  const vf low = from_bits(vshlq_n_s32(vaddq_s32(half, bias), 23));
  const vf high = from_bits(vshlq_n_s32(vaddq_s32(vsubq_s32(whole, half), bias), 23));
  return mul(mul(a, low), high);
}
static inline float sum_lanes(vf a) { return vaddvq_f32(a); }
typedef float64x2_t vd;  // half as many doubles
static inline vd widened(const float* p) { return vcvt_f64_f32(vld1_f32(p)); }
static inline vd low_half(vf a) { return vcvt_f64_f32(vget_low_f32(a)); }
static inline vd high_half(vf a) { return vcvt_high_f64_f32(a); }
static inline vd no_doubles() { return vdupq_n_f64(0); }
static inline vd load_doubles(const double* p) { return vld1q_f64(p); }
static inline void store_doubles(double* p, vd x) { vst1q_f64(p, x); }
static inline vd add_doubles(vd a, vd b) { return vaddq_f64(a, b); }
static inline float max_lanes(vf a) { return vmaxvq_f32(a); }
static inline float min_lanes(vf a) { return vminvq_f32(a); }

#else
#error "vec.h: compile this file for AVX2, AVX-512 or NEON (AArch64)"
#endif

static inline vf clamp(vf x, float low, float high) { return min_second(set(high), max_second(set(low), x)); }  // NaN stays

/// A magic number. Adding it rounds to an integer (halves to even), and subtracting it leaves that
/// integer as a float. This holds for |x| below 2^22.
constexpr float rounder = 12582912.0f;

/// (e^r − 1 − r) / r² for |r| ≤ ln 2 / 2. It is minimax for the relative error of e^r, which it
/// leaves at 0.03 ulp.
static inline vf exp_tail(vf r) {
  vf p = set(1.3814539985e-03f);
  p = fma(p, r, set(8.3687451164e-03f));
  p = fma(p, r, set(4.1668390787e-02f));
  p = fma(p, r, set(1.6666520399e-01f));
  return fma(p, r, set(4.9999993432e-01f));
}

/// x − n·ln 2 in two steps (Cody and Waite), n the nearest integer to x / ln 2.
static inline vf reduce_exponent(vf x, vf* n) {
  *n = sub(fma(x, set(1.44269504088896341f), set(rounder)), set(rounder));
  return fnma(*n, set(-2.12194440e-4f), fnma(*n, set(0.693359375f), x));
}

/// e^x within 1 ulp. Inf, 0, denormals and NaN are as in libm.
static inline vf exp(vf x) {
  vf n;
  const vf r = reduce_exponent(clamp(x, -104.0f, 89.0f), &n), one = set(1.0f);
  return scale_by_power(fma(fma(exp_tail(r), r, one), r, one), n);
}

/// e^x for x ≤ 0 or NaN: exp without its upper bound.
static inline vf exp_negative(vf x) {
  vf n;
  const vf r = reduce_exponent(max_second(set(-104.0f), x), &n), one = set(1.0f);
  return scale_by_power(fma(fma(exp_tail(r), r, one), r, one), n);
}

/// e^x − 1 for x ≤ 0 (elu), within 2 ulp near 0 too: 2ⁿ·(e^r − 1) + (2ⁿ − 1).
static inline vf expm1(vf x) {
  vf n;
  const vf r = reduce_exponent(clamp(x, -104.0f, 88.0f), &n), power = scale_by_power(set(1.0f), n);
  return fma(power, fma(mul(exp_tail(r), r), r, r), sub(power, set(1.0f)));
}

/// The natural logarithm by a polynomial of degree 8 in m − 1, with m in [√½, √2) (Cephes logf). It
/// is −Inf at 0, NaN below, Inf at Inf.
static inline vf log(vf x) {
  const vm denormal = less(x, set(1.17549435e-38f));
  const vf normal = select(denormal, mul(x, set(8388608.0f)), x);
  vi exponent = sub_int(shift_right<23>(bits(normal)), set_int(127));
  vf m = from_bits(add_int(and_int(bits(normal), set_int(0x007fffff)), set_int(0x3f800000)));  // [1, 2)
  const vm above = greater(m, set(1.41421356f));
  m = select(above, mul(m, set(0.5f)), m);
  vf e = to_float(exponent);
  e = select(above, add(e, set(1.0f)), e);
  e = select(denormal, sub(e, set(23.0f)), e);
  const vf t = sub(m, set(1.0f));
  const vf t2 = mul(t, t);
  vf p = set(7.0376836292e-2f);
  p = fma(p, t, set(-1.1514610310e-1f));
  p = fma(p, t, set(1.1676998740e-1f));
  p = fma(p, t, set(-1.2420140846e-1f));
  p = fma(p, t, set(1.4249322787e-1f));
  p = fma(p, t, set(-1.6668057665e-1f));
  p = fma(p, t, set(2.0000714765e-1f));
  p = fma(p, t, set(-2.4999993993e-1f));
  p = fma(p, t, set(3.3333331174e-1f));
  vf y = mul(mul(p, t), t2);
  y = fma(e, set(-2.12194440e-4f), y);
  y = fnma(t2, set(0.5f), y);
  y = add(t, y);
  y = fma(e, set(0.693359375f), y);
  const float infinity = __builtin_inff();
  y = select(equal(x, set(infinity)), x, y);
  y = select(equal(x, zero()), set(-infinity), y);
  return select(either(less(x, zero()), is_nan(x)), set(__builtin_nanf("")), y);
}

/// 1 / (1 + e^−x).
static inline vf sigmoid(vf x) { return div(set(1.0f), add(set(1.0f), exp(negate(x)))); }

/// tanh x by a rational approximation of odd degree 13 over even degree 6 (Eigen's). It is x itself
/// where |x| < 4e-4, and ±1 from 9 on. Within 5 ulp.
static inline vf tanh(vf x) {
  const vf bounded = clamp(x, -7.90531110763549805f, 7.90531110763549805f);
  const vf t = mul(bounded, bounded);
  vf p = set(-2.76076847742355e-16f);
  p = fma(p, t, set(2.00018790482477e-13f));
  p = fma(p, t, set(-8.60467152213735e-11f));
  p = fma(p, t, set(5.12229709037114e-08f));
  p = fma(p, t, set(1.48572235717979e-05f));
  p = fma(p, t, set(6.37261928875436e-04f));
  p = fma(p, t, set(4.89352455891786e-03f));
  vf q = set(1.19825839466702e-06f);
  q = fma(q, t, set(1.18534705686654e-04f));
  q = fma(q, t, set(2.26843463243900e-03f));
  q = fma(q, t, set(4.89352518554385e-03f));
  const vf y = select(greater(absolute(x), set(9.0f)), clamp(x, -1.0f, 1.0f), div(mul(bounded, p), q));
  return select(less(absolute(x), set(0.0004f)), x, y);
}

/// erf x by a rational approximation on ±4, and ±1 beyond. It is XLA's and Eigen's, divided by its
/// last coefficient so that the smallest x keep their digits. Within 6 ulp.
static inline vf erf(vf x) {
  const vf bounded = clamp(x, -4.0f, 4.0f);
  const vf t = mul(bounded, bounded);
  vf p = set(1.9111055927e-08f);
  p = fma(p, t, set(-1.9423288537e-06f));
  p = fma(p, t, set(1.4728793939e-04f));
  p = fma(p, t, set(3.9906137603e-03f));
  p = fma(p, t, set(5.1524996544e-02f));
  p = fma(p, t, set(2.0712610290e-01f));
  p = fma(p, t, set(1.1283790939e+00f));
  vf q = set(1.0211243118e-03f);
  q = fma(q, t, set(1.4958146413e-02f));
  q = fma(q, t, set(1.1797110121e-01f));
  q = fma(q, t, set(5.1689197683e-01f));
  q = fma(q, t, set(1.0f));
  return div(mul(bounded, p), q);
}

/// Fetches what lies `floats` floats beyond p into the second-level cache.
static inline void prefetch_beyond(const float* p, int64_t floats) {
  __builtin_prefetch(reinterpret_cast<const char*>(reinterpret_cast<uintptr_t>(p) + 4 * static_cast<uintptr_t>(floats)), 0, 2);
}

/// Fetches what lies 8 kB beyond p into the second-level cache. The processor's own prefetchers
/// stop at each page's end. This brings a third more bandwidth from memory, and nothing from a
/// cache. Beyond the array's end it does nothing.
static inline void prefetch(const float* p) { prefetch_beyond(p, 2048); }

/// x·Φ(x).
static inline vf gelu(vf x) {
  const vf half = mul(x, set(0.5f));
  return fma(half, erf(mul(x, set(0.707106781186547524f))), half);
}

/// σ(2u) with u = √(2/π)·(x + 0.044715·x³). x times this is the tanh form of gelu.
static inline vf gelu_tanh_gate(vf x) {
  const vf u = mul(x, fma(mul(x, x), set(0.044715f), set(1.0f)));
  return sigmoid(mul(u, set(1.595769121605730711f)));
}

/// Calls full(i) for each whole vector of 0..n, and last(i, count) for the count < lanes elements
/// after them.
template <typename Full, typename Last>
static inline void for_vectors(int64_t n, Full full, Last last) {
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) full(i);
  if (i < n) last(i, n - i);
}

/// How many of the n elements from p on come before the first vector that is aligned to itself. A
/// load across a cache line costs two.
static inline int64_t before_aligned(const float* p, int64_t n) {
  const int64_t past = static_cast<int64_t>(reinterpret_cast<uintptr_t>(p) / sizeof(float)) % lanes, first = past == 0 ? 0 : lanes - past;
  return first < n ? first : n;
}

/// The same where full(i) needs p + i aligned to the vector, as streaming stores do. last(i, count)
/// gets the elements before and after.
template <typename Full, typename Last>
static inline void for_aligned_vectors(const float* p, int64_t n, Full full, Last last) {
  int64_t i = before_aligned(p, n);
  if (i > 0) last(0, i);
  for (; i + lanes <= n; i += lanes) full(i);
  if (i < n) last(i, n - i);
}

/// Takes two vectors at a time, for sums that need two accumulators. pair(i) gets those at i and i
/// + lanes, last(i, count ≤ lanes) the rest. If `aligned`, the order of a sum depends on where its
/// row begins, so equal rows may differ in the last digit. Only streamed outputs may use that.
template <bool aligned, typename Pair, typename Last>
static inline void for_pairs(const float* p, int64_t n, Pair pair, Last last) {
  int64_t i = aligned ? before_aligned(p, n) : 0;
  if (i > 0) last(0, i);
  for (; i + 2 * lanes <= n; i += 2 * lanes) pair(i);
  if (i + lanes <= n) {
    last(i, lanes);
    i += lanes;
  }
  if (i < n) last(i, n - i);
}

/// Calls for_aligned_vectors if streamed, else for_vectors. `full` then stores with `put`.
template <bool streamed, typename Full, typename Last>
static inline void for_output(const float* y, int64_t n, Full full, Last last) {
  if (streamed) {
    for_aligned_vectors(y, n, full, last);
  } else {
    for_vectors(n, full, last);
  }
}

template <bool streamed>
static inline void put(float* p, vf x) {
  if (streamed) {
    stream(p, x);
  } else {
    store(p, x);
  }
}

}  // namespace
}  // namespace easel
