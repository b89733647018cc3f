// AMX: tiles of 32 × 32. Four of the eight tile registers hold sums. AVX-512 splits and packs.
#include "kernels/gemm/split.h"

#include <immintrin.h>

#include "kernels/gemm/transpose16.h"

// GCC before 11 knows no tile registers. runtime/cpu.cc then finds that this target is missing.
#if defined(__clang__) || __GNUC__ >= 11

#define EASEL_TILES __attribute__((target("amx-tile,amx-bf16")))

namespace easel {
namespace {

constexpr int64_t register_bytes = 1024, part_bytes = 2 * register_bytes, step_bytes = 3 * part_bytes;
constexpr int parts = 3, register_rows = 16;

/// The operand of `ldtilecfg`.
struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

/// This lies in memory for good. GCC's _tile_loadconfig does not say that it reads all of it, so a
/// local one would not be stored.
const TileConfig whole_registers;

EASEL_TILES void begin() { _tile_loadconfig(&whole_registers); }

EASEL_TILES void end() { _tile_release(); }

/// Three vectors. The upper halves of their lanes are the bfloat16 parts of x.
struct Parts {
  __m512i of[parts];
};

inline __m512i rounded(__m512 x) {
  const __m512i half = _mm512_set1_epi32(0x8000), upper = _mm512_set1_epi32(static_cast<int>(0xffff0000));
  return _mm512_and_si512(_mm512_add_epi32(_mm512_castps_si512(x), half), upper);
}

inline Parts split(__m512 x) {
  const __m512i high = rounded(x);
  const __m512 after_high = _mm512_sub_ps(x, _mm512_castsi512_ps(high));
  const __m512i middle = rounded(after_high);
  return {{high, middle, _mm512_castps_si512(_mm512_sub_ps(after_high, _mm512_castsi512_ps(middle)))}};
}

/// The upper halves of 16 elements of a row, then those of the next 16.
inline __m512i side_by_side(__m512i first, __m512i second) {
  alignas(64) static const uint16_t odd[32] = {1,  3,  5,  7,  9,  11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31,
                                               33, 35, 37, 39, 41, 43, 45, 47, 49, 51, 53, 55, 57, 59, 61, 63};
  return _mm512_permutex2var_epi16(first, _mm512_load_si512(odd), second);
}

/// The upper halves of two rows, in pairs.
inline __m512i paired(__m512i first, __m512i second) { return _mm512_mask_blend_epi16(0xaaaaaaaa, _mm512_srli_epi32(first, 16), second); }

inline __mmask16 first_lanes(int64_t lanes) { return lanes >= 16 ? 0xffff : lanes <= 0 ? 0 : static_cast<__mmask16>((1u << lanes) - 1); }

inline void store_parts(unsigned char* to, const Parts& x, const Parts& y, __m512i (*join)(__m512i, __m512i)) {
#pragma GCC unroll 3
  for (int part = 0; part < parts; part++) _mm512_store_si512(to + part * part_bytes, join(x.of[part], y.of[part]));
}

/// Packs one register of each part from `rows` rows of `depth` ≤ 32 elements. Row i of the register
/// is row i of the source.
inline void pack_register_rows(unsigned char* to, const float* source, int64_t stride, int64_t rows, int64_t depth) {
  const __mmask16 first = first_lanes(depth), second = first_lanes(depth - 16);
  for (int64_t i = 0; i < register_rows; i++, to += 64) {
    const __mmask16 there = i < rows ? 0xffff : 0;
    const float* from = source + (i < rows ? i * stride : 0);
    _mm_prefetch(from + 4 * split_depth_unit, _MM_HINT_T0);
    _mm_prefetch(from + 4 * split_depth_unit + 16, _MM_HINT_T0);
    store_parts(to, split(_mm512_maskz_loadu_ps(first & there, from)), split(_mm512_maskz_loadu_ps(second & there, from + 16)), side_by_side);
  }
}

/// Packs one register of each part from `depth` ≤ 32 rows of `columns` ≤ 16 elements. Row r of the
/// register is rows 2r and 2r+1 in pairs.
inline void pack_register_pairs(unsigned char* to, const float* source, int64_t stride, int64_t columns, int64_t depth) {
  const __mmask16 lanes = first_lanes(columns);
  for (int64_t r = 0; r < register_rows; r++, to += 64) {
    const __mmask16 first = 2 * r < depth ? lanes : 0, second = 2 * r + 1 < depth ? lanes : 0;
    const float* from = source + (2 * r < depth ? 2 * r * stride : 0);
    store_parts(to, split(_mm512_maskz_loadu_ps(first, from)), split(_mm512_maskz_loadu_ps(second, second ? from + stride : from)), paired);
  }
}

/// Exchanges rows and columns of 4 bytes in one register of each part.
inline void transpose_registers(unsigned char* to) {
  for (int part = 0; part < parts; part++, to += part_bytes) {
    float* const lanes = reinterpret_cast<float*>(to);
    transpose_block(lanes, 16, lanes, 16, 16);
  }
}

template <bool Paired, bool Transposed>
void pack(unsigned char* panel, const float* source, int64_t stride, int64_t count, int64_t depth) {
  for (int64_t p = 0; p < depth; p += split_depth_unit, panel += step_bytes) {
    const int64_t steps = depth - p < split_depth_unit ? depth - p : split_depth_unit;
    for (int64_t i = 0; i < split_tile; i += register_rows) {
      unsigned char* const to = panel + i / register_rows * register_bytes;
      const int64_t here = count - i < 0 ? 0 : count - i < register_rows ? count - i : register_rows;
      const float* const from = here == 0 ? source : Paired ? source + p * stride + i : source + i * stride + p;
      if (Paired) {
        pack_register_pairs(to, from, stride, here, steps);
      } else {
        pack_register_rows(to, from, stride, here, steps);
      }
      if (Transposed) transpose_registers(to);
    }
  }
}

void pack_a(unsigned char* panel, const float* source, int64_t stride, bool depth_contiguous, int64_t count, int64_t depth) {
  (depth_contiguous ? pack<false, false> : pack<true, true>)(panel, source, stride, count, depth);
}

void pack_b(unsigned char* panel, const float* source, int64_t stride, bool depth_contiguous, int64_t count, int64_t depth) {
  (depth_contiguous ? pack<false, true> : pack<true, false>)(panel, source, stride, count, depth);
}

/// Whether m rows of n ≤ 32 floats are all finite: then 0 times each of them is 0.
bool all_finite(const float* c, int64_t c_row, int m, int n) {
  const __mmask16 first = first_lanes(n), second = first_lanes(n - 16);
  __m512 sum0 = _mm512_setzero_ps(), sum1 = sum0;
  for (int i = 0; i < m; i++, c += c_row) {
    sum0 = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(first, c), _mm512_setzero_ps(), sum0);
    sum1 = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(second, c + 16), _mm512_setzero_ps(), sum1);
  }
  const __m512 sum = _mm512_add_ps(sum0, sum1);
  return _mm512_cmp_ps_mask(sum, sum, _CMP_UNORD_Q) == 0;
}

void copy_tile(float* to, int64_t to_row, const float* from, int64_t from_row, int m, int n) {
  const __mmask16 first = first_lanes(n), second = first_lanes(n - 16);
  for (int i = 0; i < m; i++, to += to_row, from += from_row) {
    _mm512_mask_storeu_ps(to, first, _mm512_maskz_loadu_ps(first, from));
    _mm512_mask_storeu_ps(to + 16, second, _mm512_maskz_loadu_ps(second, from + 16));
  }
}

inline void prefetch_step(const unsigned char* at) {
#pragma GCC unroll 16
  for (int line = 0; line < 16; line++) _mm_prefetch(at + 64 * line, _MM_HINT_T0);
}

// Tile registers 0 to 3 hold the sums (0 1 above 2 3). A's tiles are 4 and 5 (rows from 16 on), B's
// are 6 and 7 (columns from 16 on).
#define EASEL_LOAD_A(part)                                                                     \
  _tile_loadd(4, a + (part) * part_bytes, 64);                                                 \
  if (BothRows) _tile_loadd(5, a + (part) * part_bytes + register_bytes, 64)
#define EASEL_LOAD_B(part)                                                                     \
  _tile_loadd(6, b + (part) * part_bytes, 64);                                                 \
  if (BothColumns) _tile_loadd(7, b + (part) * part_bytes + register_bytes, 64)
// Multiplies the parts that are loaded. Meanwhile it brings a part of what the next step reads to
// the first-level cache.
#define EASEL_MULTIPLY(next)                                                                   \
  _tile_dpbf16ps(0, 4, 6);                                                                     \
  prefetch_step(next);                                                                         \
  if (BothColumns) _tile_dpbf16ps(1, 4, 7);                                                    \
  prefetch_step((next) + register_bytes);                                                      \
  if (BothRows) _tile_dpbf16ps(2, 5, 6);                                                       \
  if (BothRows && BothColumns) _tile_dpbf16ps(3, 5, 7)

template <bool BothRows, bool BothColumns>
EASEL_TILES void multiply(const SplitTile& t, float* c, int64_t c_row) {
  __asm__ volatile("" ::: "memory");  // what is loaded has been stored: GCC's _tile_loadd does not say that it reads memory
  const int64_t c_bytes = c_row * static_cast<int64_t>(sizeof(float));
  float* const c_below = c + register_rows * c_row;
  if (t.accumulate) {
    _tile_loadd(0, c, c_bytes);
    if (BothColumns) _tile_loadd(1, c + 16, c_bytes);
    if (BothRows) _tile_loadd(2, c_below, c_bytes);
    if (BothRows && BothColumns) _tile_loadd(3, c_below + 16, c_bytes);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  const unsigned char *a = t.a, *b = t.b, *ahead = t.ahead;
  const int64_t steps = (t.depth + split_depth_unit - 1) / split_depth_unit, ahead_lines = t.ahead ? (t.ahead_lines + steps - 1) / steps : 0;
  for (int64_t s = 0; s < steps; s++, a += step_bytes, b += step_bytes) {
    const unsigned char *const next_a = a + step_bytes, *const next_b = b + step_bytes;
    for (int64_t line = 0; line < ahead_lines; line++, ahead += 64) _mm_prefetch(ahead, _MM_HINT_T1);
    EASEL_LOAD_A(0);
    EASEL_LOAD_B(2);
    EASEL_MULTIPLY(next_b + 2 * part_bytes);
    EASEL_LOAD_B(1);
    EASEL_MULTIPLY(next_a);
    EASEL_LOAD_A(1);
    EASEL_MULTIPLY(next_b + part_bytes);
    EASEL_LOAD_B(0);
    EASEL_MULTIPLY(next_a + part_bytes);
    EASEL_LOAD_A(2);
    EASEL_MULTIPLY(next_b);
    EASEL_LOAD_A(0);
    EASEL_MULTIPLY(next_a + 2 * part_bytes);
  }
  _tile_stored(0, c, c_bytes);
  if (BothColumns) _tile_stored(1, c + 16, c_bytes);
  if (BothRows) _tile_stored(2, c_below, c_bytes);
  if (BothRows && BothColumns) _tile_stored(3, c_below + 16, c_bytes);
}

bool tile(const SplitTile& t) {
  const bool both_rows = t.m > register_rows, both_columns = t.n > 16;
  const auto run = both_rows ? (both_columns ? multiply<true, true> : multiply<true, false>) : both_columns ? multiply<false, true> : multiply<false, false>;
  if (t.m % register_rows == 0 && t.n % 16 == 0) {
    run(t, t.c, t.c_row);
  } else {
    alignas(64) float whole[split_tile * split_tile];
    if (t.accumulate) copy_tile(whole, split_tile, t.c, t.c_row, t.m, t.n);
    run(t, whole, split_tile);
    copy_tile(t.c, t.c_row, whole, split_tile, t.m, t.n);
  }
  return !t.check || all_finite(t.c, t.c_row, t.m, t.n);
}

}  // namespace

const SplitKernels split_amx = {begin, end, pack_a, pack_b, tile};

}  // namespace easel

#else

const easel::SplitKernels easel::split_amx = {};

#endif
