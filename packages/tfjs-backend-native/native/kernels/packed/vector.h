// Packed matrices on vectors: the same text for each vector target. The target's file includes it
// and names the table.
//
// A number of B becomes a float in two to four instructions and is then multiplied with up to `most`
// rows of A. For more rows a piece of B is widened once to the first-level cache.
//
// Neither VNNI nor AVX512-BF16 has a place here: both would round A, to 8 bits or to bfloat16. A
// float32 is three bfloat16 parts, and three instructions of 32 products, with their shuffles, are
// no more than what multiply-adds of 16 do.
#pragma once

#include "kernels/packed/rows.h"
#include "kernels/vec.h"

namespace easel {
namespace {

#if defined(__AVX512F__)

constexpr int most = 8, registers = 32;

static inline vf of_float16(const uint8_t* p) { return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
static inline vf of_bfloat16(const uint8_t* p) {
  const __m256i words = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return from_bits(_mm512_slli_epi32(_mm512_cvtepu16_epi32(words), 16));
}
static inline vf of_int8(const uint8_t* p) {
  return to_float(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
static inline vi bytes_of(const uint8_t* p) { return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }

#elif defined(__AVX2__)

constexpr int most = 6, registers = 16;

static inline vf of_float16(const uint8_t* p) { return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
static inline vf of_bfloat16(const uint8_t* p) {
  const __m128i words = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return from_bits(_mm256_slli_epi32(_mm256_cvtepu16_epi32(words), 16));
}
static inline vf of_int8(const uint8_t* p) { return to_float(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)))); }
static inline vi bytes_of(const uint8_t* p) { return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))); }

#else

constexpr int most = 8, registers = 32;

static inline vf of_float16(const uint8_t* p) { return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p))); }
static inline vf of_bfloat16(const uint8_t* p) { return vreinterpretq_f32_u32(vshll_n_u16(vreinterpret_u16_u8(vld1_u8(p)), 16)); }
static inline uint8x8_t four_bytes(const uint8_t* p) {
  uint32_t word;
  __builtin_memcpy(&word, p, sizeof(word));
  return vreinterpret_u8_u32(vdup_n_u32(word));
}
static inline vf of_int8(const uint8_t* p) { return to_float(vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_u8(four_bytes(p)))))); }
static inline vi bytes_of(const uint8_t* p) { return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(four_bytes(p))))); }

#endif

/// Calls f(p) if there is a whole vector of numbers of `size` bytes at p, else with a copy of the
/// `count` ones that there are, over zeros.
template <bool Whole, int size, typename F>
static inline auto at_bytes(const uint8_t* p, int64_t count, F f) {
  if (Whole) return f(p);
  uint8_t copy[size * lanes] = {};
  for (int64_t i = 0; i < size * count; i++) copy[i] = p[i];
  return f(static_cast<const uint8_t*>(copy));
}

template <bool Whole>
static inline vf float16_at(const uint16_t* p, int64_t count) {
  return at_bytes<Whole, 2>(reinterpret_cast<const uint8_t*>(p), count, of_float16);
}

/// Fetches what lies 1 kB further along a row. Beyond the matrix it does nothing.
static inline void fetch_ahead(const uint8_t* p) { __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(p) + 1024)); }

// A source gives rows of B, from `row` on, at columns from `column` on. `Shared` is what the rows of
// a block have in common at a vector of columns; no block crosses a group. `pair` gives rows p and
// p + 1, p even. `held` is how many registers a vector of columns takes beside sums.

struct Floats {
  static constexpr int held = 1;
  const float* b;
  int64_t step;
  struct Shared {};
  template <bool Whole>
  Shared shared(int64_t, int64_t) const { return {}; }
  template <bool Whole>
  vf one(int64_t p, int64_t j, int64_t count, const Shared&) const { return Whole ? load(b + p * step + j) : load_first(b + p * step + j, count); }
  template <bool Whole>
  void pair(int64_t p, int64_t j, int64_t count, const Shared& s, vf* w0, vf* w1) const {
    *w0 = one<Whole>(p, j, count, s);
    *w1 = one<Whole>(p + 1, j, count, s);
  }
  void fetch(int64_t, int64_t) const {}
};

template <PackedFormat format>
struct Halves {
  static constexpr int held = 1;
  const uint8_t* codes;
  int64_t step;
  Halves(const PackedMatrix& b, int64_t row, int64_t column) : codes(b.codes + 2 * (row * b.columns + column)), step(2 * b.columns) {}
  struct Shared {};
  template <bool Whole>
  Shared shared(int64_t, int64_t) const { return {}; }
  template <bool Whole>
  vf one(int64_t p, int64_t j, int64_t count, const Shared&) const {
    const uint8_t* const at = codes + p * step + 2 * j;
    if constexpr (format == PackedFormat::float16) {
      return at_bytes<Whole, 2>(at, count, of_float16);
    } else {
      return at_bytes<Whole, 2>(at, count, of_bfloat16);
    }
  }
  template <bool Whole>
  void pair(int64_t p, int64_t j, int64_t count, const Shared& s, vf* w0, vf* w1) const {
    *w0 = one<Whole>(p, j, count, s);
    *w1 = one<Whole>(p + 1, j, count, s);
  }
  void fetch(int64_t p, int64_t j) const {
    fetch_ahead(codes + p * step + 2 * j);
    fetch_ahead(codes + (p + 1) * step + 2 * j);
  }
};

struct Bytes {
  static constexpr int held = 2;
  const uint8_t* codes;
  const uint16_t* scales;
  int64_t step;
  Bytes(const PackedMatrix& b, int64_t row, int64_t column) : codes(b.codes + row * b.columns + column), scales(b.scales + column), step(b.columns) {}
  struct Shared {
    vf scale;
  };
  template <bool Whole>
  Shared shared(int64_t j, int64_t count) const { return {float16_at<Whole>(scales + j, count)}; }
  template <bool Whole>
  vf one(int64_t p, int64_t j, int64_t count, const Shared& s) const {
    return mul(at_bytes<Whole, 1>(codes + p * step + j, count, of_int8), s.scale);
  }
  template <bool Whole>
  void pair(int64_t p, int64_t j, int64_t count, const Shared& s, vf* w0, vf* w1) const {
    *w0 = one<Whole>(p, j, count, s);
    *w1 = one<Whole>(p + 1, j, count, s);
  }
  void fetch(int64_t p, int64_t j) const {
    fetch_ahead(codes + p * step + j);
    fetch_ahead(codes + (p + 1) * step + j);
  }
};

struct Nibbles {
  static constexpr int held = 4;
  const uint8_t* codes;
  const uint16_t *scales, *offsets;
  int64_t step;
  Nibbles(const PackedMatrix& b, int64_t row, int64_t column)
      : codes(b.codes + row / 2 * b.columns + column),
        scales(b.scales + row / b.group * b.columns + column),
        offsets(b.offsets + row / b.group * b.columns + column),
        step(b.columns) {}
  struct Shared {
    vf scale, offset;
  };
  template <bool Whole>
  Shared shared(int64_t j, int64_t count) const { return {float16_at<Whole>(scales + j, count), float16_at<Whole>(offsets + j, count)}; }
  template <bool Whole>
  void pair(int64_t p, int64_t j, int64_t count, const Shared& s, vf* w0, vf* w1) const {
    const vi bytes = at_bytes<Whole, 1>(codes + p / 2 * step + j, count, bytes_of);
    *w0 = fma(to_float(and_int(bytes, set_int(15))), s.scale, s.offset);
    *w1 = fma(to_float(shift_right<4>(bytes)), s.scale, s.offset);
  }
  /// Only pairs are asked for.
  template <bool Whole>
  vf one(int64_t, int64_t, int64_t, const Shared& s) const { return s.offset; }
  void fetch(int64_t p, int64_t j) const { fetch_ahead(codes + p / 2 * step + j); }
};

/// V vectors of M rows of C, from `depth` rows of B.
template <int M, int V, bool Whole, typename Source>
static inline void add_columns(const Source& source, int64_t depth, int64_t j, int64_t count, const float* a, int64_t a_row, float* c, int64_t c_row, bool accumulate) {
  typename Source::Shared shared[V];
  vf sum[M][V];
#pragma GCC unroll 4
  for (int v = 0; v < V; v++) {
    const int64_t at = j + v * lanes;
    shared[v] = source.template shared<Whole>(at, count);
#pragma GCC unroll 8
    for (int i = 0; i < M; i++) sum[i][v] = !accumulate ? zero() : Whole ? load(c + i * c_row + at) : load_first(c + i * c_row + at, count);
  }
  int64_t p = 0;
  for (; p + 2 <= depth; p += 2) {
    source.fetch(p, j);
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) {
      vf w0, w1;
      source.template pair<Whole>(p, j + v * lanes, count, shared[v], &w0, &w1);
#pragma GCC unroll 8
      for (int i = 0; i < M; i++) sum[i][v] = fma(set(a[i * a_row + p]), w0, sum[i][v]);
#pragma GCC unroll 8
      for (int i = 0; i < M; i++) sum[i][v] = fma(set(a[i * a_row + p + 1]), w1, sum[i][v]);
    }
  }
  if (p < depth) {
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) {
      const vf w = source.template one<Whole>(p, j + v * lanes, count, shared[v]);
#pragma GCC unroll 8
      for (int i = 0; i < M; i++) sum[i][v] = fma(set(a[i * a_row + p]), w, sum[i][v]);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < M; i++) {
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) {
      float* const out = c + i * c_row + j + v * lanes;
      if (Whole) {
        store(out, sum[i][v]);
      } else {
        store_first(out, count, sum[i][v]);
      }
    }
  }
}

/// How many vectors of columns a step takes, so that all fits the registers.
constexpr int vectors_a_step(int rows, int held) {
  int vectors = 4;
  while (vectors > 1 && (rows + held) * vectors + 2 > registers) vectors /= 2;
  return vectors;
}

template <int M, typename Source>
static void add_rows(const Source& source, int64_t depth, int64_t n, const float* a, int64_t a_row, float* c, int64_t c_row, bool accumulate) {
  constexpr int vectors = vectors_a_step(M, Source::held);
  int64_t j = 0;
  for (; j + vectors * lanes <= n; j += vectors * lanes) add_columns<M, vectors, true>(source, depth, j, lanes, a, a_row, c, c_row, accumulate);
  for (; j + lanes <= n; j += lanes) add_columns<M, 1, true>(source, depth, j, lanes, a, a_row, c, c_row, accumulate);
  if (j < n) add_columns<M, 1, false>(source, depth, j, n - j, a, a_row, c, c_row, accumulate);
}

template <typename Source>
static void add_group(int m, const Source& source, int64_t depth, int64_t n, const float* a, int64_t a_row, float* c, int64_t c_row, bool accumulate) {
  switch (m) {
    case 1: return add_rows<1>(source, depth, n, a, a_row, c, c_row, accumulate);
    case 2: return add_rows<2>(source, depth, n, a, a_row, c, c_row, accumulate);
    case 3: return add_rows<3>(source, depth, n, a, a_row, c, c_row, accumulate);
    case 4: return add_rows<4>(source, depth, n, a, a_row, c, c_row, accumulate);
    case 5: return add_rows<5>(source, depth, n, a, a_row, c, c_row, accumulate);
    case 6: return add_rows<6>(source, depth, n, a, a_row, c, c_row, accumulate);
#if !defined(__AVX2__) || defined(__AVX512F__)
    case 7: return add_rows<7>(source, depth, n, a, a_row, c, c_row, accumulate);
    case 8: return add_rows<8>(source, depth, n, a, a_row, c, c_row, accumulate);
#endif
  }
}

/// Rows of a block: as many as a processor follows at once. With int4 a row of bytes is two rows.
template <typename Source>
constexpr int64_t block_depth = 16;
template <>
constexpr int64_t block_depth<Nibbles> = 32;

/// The rows of B of the block that begins at `row`, of `left` ones: no block crosses a group. Rows
/// that lie a multiple of 2 kB apart share two sets of a first-level cache of 8 ways; of those, half
/// as many are taken, so that a line stays until all of it is read.
template <typename Source>
static inline int64_t depth_of_block(const PackedMatrix& b, int64_t row, int64_t left) {
  const bool halves = b.format == PackedFormat::float16 || b.format == PackedFormat::bfloat16;
  const int64_t most_rows = b.columns * (halves ? 2 : 1) % 2048 == 0 ? block_depth<Source> / 2 : block_depth<Source>;
  int64_t depth = left < most_rows ? left : most_rows;
  if (b.format == PackedFormat::int4) {
    const int64_t of_group = b.group - row % b.group;
    if (depth > of_group) depth = of_group;
  }
  return depth;
}

/// One vector of columns of `depth` rows, to y.
template <bool Whole, typename Source>
static inline void widen_columns(const Source& source, int64_t depth, int64_t j, int64_t count, float* y, int64_t y_row) {
  const auto shared = source.template shared<Whole>(j, count);
  const auto put = [&](int64_t p, vf w) {
    if (Whole) {
      store(y + p * y_row + j, w);
    } else {
      store_first(y + p * y_row + j, count, w);
    }
  };
  int64_t p = 0;
  for (; p + 2 <= depth; p += 2) {
    vf w0, w1;
    source.fetch(p, j);
    source.template pair<Whole>(p, j, count, shared, &w0, &w1);
    put(p, w0);
    put(p + 1, w1);
  }
  if (p < depth) put(p, source.template one<Whole>(p, j, count, shared));
}

template <typename Source>
static void widen_rows(float* y, int64_t y_row, const PackedMatrix& b, int64_t row, int64_t rows, int64_t column, int64_t columns) {
  for (int64_t r = 0; r < rows;) {
    float* const out = y + r * y_row;
    int64_t depth = depth_of_block<Source>(b, row + r, rows - r);
    if (b.format == PackedFormat::int4) {
      // One of the two rows of a byte, at the begin or the end.
      if ((row + r) % 2 != 0 || depth == 1) {
        widen_numbers(out, y_row, b, row + r, 1, column, columns);
        r++;
        continue;
      }
      depth -= depth % 2;
    }
    const Source source(b, row + r, column);
    int64_t j = 0;
    for (; j + lanes <= columns; j += lanes) widen_columns<true>(source, depth, j, lanes, out, y_row);
    if (j < columns) widen_columns<false>(source, depth, j, columns - j, out, y_row);
    r += depth;
  }
}

/// Columns that are widened at a time for many rows of A: 16 kB with int4's depth of 32.
constexpr int64_t piece = 128;

template <typename Source>
static void few_rows_of(int m, const PackedMatrix& b, int64_t row, int64_t depth, int64_t column, int64_t n, const float* a, int64_t a_row, float* c, int64_t c_row) {
  const int groups = (m + most - 1) / most, group = (m + groups - 1) / groups;
  alignas(64) float widened[block_depth<Source> * piece];
  for (int64_t p = 0; p < depth;) {
    const int64_t count = depth_of_block<Source>(b, row + p, depth - p);
    if (groups == 1) {
      add_group(m, Source(b, row + p, column), count, n, a + p, a_row, c, c_row, p > 0);
    } else {
      for (int64_t j = 0; j < n; j += piece) {
        const int64_t columns = n - j < piece ? n - j : piece;
        widen_rows<Source>(widened, piece, b, row + p, count, column + j, columns);
        const Floats floats{widened, piece};
        for (int i = 0; i < m; i += group) {
          add_group(m - i < group ? m - i : group, floats, count, columns, a + i * a_row + p, a_row, c + i * c_row + j, c_row, p > 0);
        }
      }
    }
    p += count;
  }
}

static void few_rows(int m, const PackedMatrix& b, int64_t row, int64_t depth, int64_t column, int64_t n, const float* a, int64_t a_row, float* c, int64_t c_row) {
  switch (b.format) {
    case PackedFormat::float16: return few_rows_of<Halves<PackedFormat::float16>>(m, b, row, depth, column, n, a, a_row, c, c_row);
    case PackedFormat::bfloat16: return few_rows_of<Halves<PackedFormat::bfloat16>>(m, b, row, depth, column, n, a, a_row, c, c_row);
    case PackedFormat::int8: return few_rows_of<Bytes>(m, b, row, depth, column, n, a, a_row, c, c_row);
    case PackedFormat::int4: return few_rows_of<Nibbles>(m, b, row, depth, column, n, a, a_row, c, c_row);
  }
}

static void widen(float* y, int64_t y_row, const PackedMatrix& b, int64_t row, int64_t rows, int64_t column, int64_t columns) {
  if (columns == 0) return;  // then there may be no scales
  switch (b.format) {
    case PackedFormat::float16: return widen_rows<Halves<PackedFormat::float16>>(y, y_row, b, row, rows, column, columns);
    case PackedFormat::bfloat16: return widen_rows<Halves<PackedFormat::bfloat16>>(y, y_row, b, row, rows, column, columns);
    case PackedFormat::int8:
      if (b.axis == 0) return widen_rows<Bytes>(y, y_row, b, row, rows, column, columns);
      for (int64_t r = 0; r < rows; r++) {
        const vf scale = set(float_of_half(b.scales[row + r]));
        const uint8_t* const codes = b.codes + (row + r) * b.columns + column;
        for_vectors(
            columns, [&](int64_t j) { store(y + r * y_row + j, mul(of_int8(codes + j), scale)); },
            [&](int64_t j, int64_t count) { store_first(y + r * y_row + j, count, mul(at_bytes<false, 1>(codes + j, count, of_int8), scale)); });
      }
      return;
    case PackedFormat::int4:
      // Tables are looked up row by row: few numbers, whose halves would have to be interleaved.
      if (b.axis == 0) return widen_rows<Nibbles>(y, y_row, b, row, rows, column, columns);
      return widen_numbers(y, y_row, b, row, rows, column, columns);
  }
}

#define EASEL_PACKED_TABLE {widen, few_rows}

}  // namespace
}  // namespace easel
