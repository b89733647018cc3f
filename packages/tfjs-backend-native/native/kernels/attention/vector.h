// Attention on vectors: the same text for each vector target. avx2.cc, avx512.cc and neon.cc
// include it; they name `packing`, the target's GEMM kernels.
//
// Scores are computed transposed, [keys, queries]. Queries then lie along the lanes, so maximum,
// exponential and sum need no shuffles. Only the queries (and dy) are transposed, once a block; k,
// v and every other operand is read as it is stored. Where heads lie between a head's rows, these
// are copied side by side: rows a page apart would share one cache set.
#pragma once

#include <math.h>
#include <string.h>

#include "kernels/attention/attention.h"
#include "kernels/gemm/gemm.h"
#include "kernels/vec.h"
#include "runtime/integers.h"

namespace easel {
namespace {

constexpr int64_t block = attention_block;
constexpr int64_t block_vectors = block / lanes;
/// The widest tile in vectors, and the rows of a tile by its vectors. They follow from the number
/// of registers: 16 on AVX2, else 32.
constexpr bool few_registers = lanes == 8;
constexpr int most_vectors = few_registers ? 2 : 4;
constexpr int rows_of(int vectors) { return few_registers ? (vectors == 2 ? 6 : 8) : (vectors == 4 ? 6 : vectors == 2 ? 12 : 8); }

/// e^x for x up to a little above 0, within 1.5 ulp. It is 0 below −87, where e^x nears the
/// denormals. NaN stays NaN.
static inline vf exp_below(vf x) {
  const vf magic = set(12582912.0f);  // 1.5·2^23: adding it leaves the rounded integer in the low bits
  const vf shifted = fma(x, set(1.44269504088896341f), magic);
  const vf n = sub(shifted, magic);
  const vf r = fnma(n, set(0.693147180559945309f), x);
  vf p = set(1.383656752295792e-3f);  // minimax of degree 6
  p = fma(p, r, set(8.375036530196667e-3f));
  p = fma(p, r, set(4.166824370622635e-2f));
  p = fma(p, r, set(1.6666416823863983e-1f));
  p = fma(p, r, set(4.9999991059303284e-1f));
  p = fma(p, r, set(1.0f));
  p = fma(p, r, set(1.0f));
#if defined(__AVX512F__)
  const vf y = scale_by_power(p, n);
#else
  const vf y = select(is_nan(x), x, from_bits(add_int(bits(p), shift_left<23>(bits(shifted)))));
#endif
  return select(less(x, set(-87.0f)), zero(), y);
}

#if defined(__AVX512F__)
/// Lane i is the sum of x[i].
static inline vf sum_each(const vf (&x)[lanes]) {
  vf pair[8], four[4];
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) pair[i] = add(_mm512_unpacklo_ps(x[2 * i], x[2 * i + 1]), _mm512_unpackhi_ps(x[2 * i], x[2 * i + 1]));
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    const __m512d a = _mm512_castps_pd(pair[2 * i]), b = _mm512_castps_pd(pair[2 * i + 1]);
    four[i] = add(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)), _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));
  }
  const auto quarters = [](vf a, vf b) { return add(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd)); };
  return quarters(quarters(four[0], four[1]), quarters(four[2], four[3]));
}
#elif defined(__AVX2__)
static inline vf sum_each(const vf (&x)[lanes]) {
  vf pair[4], four[2];
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) pair[i] = add(_mm256_unpacklo_ps(x[2 * i], x[2 * i + 1]), _mm256_unpackhi_ps(x[2 * i], x[2 * i + 1]));
#pragma GCC unroll 2
  for (int i = 0; i < 2; i++) {
    const __m256d a = _mm256_castps_pd(pair[2 * i]), b = _mm256_castps_pd(pair[2 * i + 1]);
    four[i] = add(_mm256_castpd_ps(_mm256_unpacklo_pd(a, b)), _mm256_castpd_ps(_mm256_unpackhi_pd(a, b)));
  }
  return add(_mm256_permute2f128_ps(four[0], four[1], 0x20), _mm256_permute2f128_ps(four[0], four[1], 0x31));
}
#else
static inline vf sum_each(const vf (&x)[lanes]) { return vpaddq_f32(vpaddq_f32(x[0], x[1]), vpaddq_f32(x[2], x[3])); }
#endif

/// The operands of a product [rows, columns] of depth `last − first`. a(i, p) = a[i·a_step + p], or
/// a[p·a_step + i] if Across; b(p, j) = b[p·b_step + j].
struct Operands {
  const float* a;
  int64_t a_step;
  const float* b;
  int64_t b_step;
};

struct Depth {
  int64_t first, last;
};

/// Computes a tile of M rows from row r and V vectors of columns. use(r, sum) takes the sums.
template <int M, int V, bool Across, typename Span, typename Use>
static inline __attribute__((always_inline)) void tile(const Operands& o, int64_t r, const Span& span, const Use& use) {
  vf sum[M][V];
#pragma GCC unroll 16
  for (int i = 0; i < M; i++) {
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) sum[i][v] = zero();
  }
  const Depth depth = span(r, M);
  const int64_t a_step = o.a_step, b_step = o.b_step;
  const float* a = Across ? o.a + r + depth.first * a_step : o.a + r * a_step + depth.first;
  const float* b = o.b + depth.first * b_step;
  for (int64_t p = depth.first; p < depth.last; p++) {
    vf columns[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) columns[v] = load(b + v * lanes);
#pragma GCC unroll 16
    for (int i = 0; i < M; i++) {
      const vf x = set(Across ? a[i] : a[i * a_step]);
#pragma GCC unroll 4
      for (int v = 0; v < V; v++) sum[i][v] = fma(x, columns[v], sum[i][v]);
    }
    a += Across ? a_step : 1;
    b += b_step;
  }
  use(r, sum);
}

template <int V, bool Across, typename Span, typename Use>
static inline __attribute__((always_inline)) void tiles(const Operands& o, int64_t first, int64_t last, const Span& span, const Use& use) {
  constexpr int most = rows_of(V);
  int64_t r = first;
  for (; r + most <= last; r += most) tile<most, V, Across>(o, r, span, use);
  for (; r + 4 <= last; r += 4) tile<4, V, Across>(o, r, span, use);
  if (r + 2 <= last) {
    tile<2, V, Across>(o, r, span, use);
    r += 2;
  }
  if (r < last) tile<1, V, Across>(o, r, span, use);
}

template <int V>
struct Vectors {
  static constexpr int count = V;
};

/// Calls call(Vectors<n>(), v) for pieces of n ≤ most_vectors vectors, from vector `first` to
/// `last`.
template <typename Call>
static inline void for_pieces(int64_t first, int64_t last, const Call& call) {
  int64_t v = first;
  for (; v + most_vectors <= last; v += most_vectors) call(Vectors<most_vectors>(), v);
  switch (last - v) {
    case 1:
      return call(Vectors<1>(), v);
#if !defined(__AVX2__) || defined(__AVX512F__)
    case 2:
      return call(Vectors<2>(), v);
    case 3:
      return call(Vectors<3>(), v);
#endif
  }
}

alignas(64) const float lane_numbers[block] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                               22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
                                               44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};

/// A block of queries against a block of keys. Query i sees key r if i ≥ first_sees + r.
struct BlockPair {
  int64_t queries, keys;
  int64_t first_sees;  // −block or less: all see all
  const float* key_bias;    // one for each key, or null
  const float* bias;        // [keys, block], or null
  float scale;

  bool whole() const { return first_sees + keys - 1 <= 0; }
  int64_t vectors() const { return (queries + lanes - 1) / lanes; }
  /// The first vector that holds a query which sees key r; vectors() if there is none.
  int64_t first_vector(int64_t r) const {
    const int64_t first = first_sees + r;
    return first <= 0 ? 0 : min_of(first / lanes, vectors());
  }
  /// How many keys some query of vector v sees.
  int64_t seen_by(int64_t v) const { return min_of(keys, max_of(0, (v + 1) * lanes - first_sees)); }
};

/// Turns products into scaled and biased scores.
template <int M, int V>
static inline __attribute__((always_inline)) void finish_scores(const BlockPair& pair, int64_t r, int64_t v0, vf (&s)[M][V]) {
  const vf scale = set(pair.scale);
  if (pair.bias) {
    const float* bias = pair.bias + r * block + v0 * lanes;
#pragma GCC unroll 16
    for (int i = 0; i < M; i++) {
#pragma GCC unroll 4
      for (int v = 0; v < V; v++) s[i][v] = fma(s[i][v], scale, load(bias + i * block + v * lanes));
    }
  } else if (pair.key_bias) {
#pragma GCC unroll 16
    for (int i = 0; i < M; i++) {
      const vf bias = set(pair.key_bias[r + i]);
#pragma GCC unroll 4
      for (int v = 0; v < V; v++) s[i][v] = fma(s[i][v], scale, bias);
    }
  } else {
#pragma GCC unroll 16
    for (int i = 0; i < M; i++) {
#pragma GCC unroll 4
      for (int v = 0; v < V; v++) s[i][v] = mul(s[i][v], scale);
    }
  }
}

/// Puts `hidden` where a query does not see a key.
template <int M, int V>
static inline __attribute__((always_inline)) void hide(const BlockPair& pair, int64_t r, int64_t v0, vf hidden, vf (&s)[M][V]) {
  if (pair.first_sees + r + M - 1 <= v0 * lanes) return;
#pragma GCC unroll 16
  for (int i = 0; i < M; i++) {
    const vf first = set(static_cast<float>(pair.first_sees + r + i));
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) s[i][v] = select(less(load(lane_numbers + (v0 + v) * lanes), first), hidden, s[i][v]);
  }
}

/// Computes the products a·b [keys, queries] of depth `depth` that the queries see, in tiles. Each
/// tile's sums go to use(vector, r, sum).
template <typename Use>
static inline __attribute__((always_inline)) void for_seen(const BlockPair& pair, const Operands& o, int64_t depth, const Use& use) {
  const auto span = [depth](int64_t, int) { return Depth{0, depth}; };
  const int64_t vectors = pair.vectors();
  for (int64_t r = 0; r < pair.keys;) {
    const int64_t v0 = pair.first_vector(r);
    if (v0 == vectors) break;
    const int64_t end = pair.whole() ? pair.keys : min_of(pair.keys, (v0 + 1) * lanes - pair.first_sees);
    for_pieces(v0, vectors, [&](auto piece, int64_t v) __attribute__((always_inline)) {
      tiles<decltype(piece)::count, false>({o.a, o.a_step, o.b + v * lanes, o.b_step}, r, end, span,
                                           [&](int64_t row, auto& sum) __attribute__((always_inline)) { use(v, row, sum); });
    });
    r = end;
  }
}

template <int M, int V>
static inline __attribute__((always_inline)) void store_tile(float* to, int64_t step, const vf (&sum)[M][V]) {
#pragma GCC unroll 16
  for (int i = 0; i < M; i++) {
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) store(to + i * step + v * lanes, sum[i][v]);
  }
}

template <int M, int V>
static inline __attribute__((always_inline)) void add_tile(float* to, int64_t step, const vf (&sum)[M][V]) {
#pragma GCC unroll 16
  for (int i = 0; i < M; i++) {
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) store(to + i * step + v * lanes, add(load(to + i * step + v * lanes), sum[i][v]));
  }
}

/// The rows of a head, side by side and zero up to whole vectors. They stay in place if they
/// already lie so; else they are copied to `to`.
struct Rows {
  const float* data;
  int64_t step;
};

static Rows gather_rows(float* to, const float* from, int64_t row, int64_t count, int64_t width) {
  const int64_t step = round_up_to(width, lanes);
  if (row == width && width == step) return {from, row};
  for (int64_t r = 0; r < count; r++) {
    for_vectors(
        width, [&](int64_t i) { store(to + r * step + i, load(from + r * row + i)); },
        [&](int64_t i, int64_t n) { store(to + r * step + i, load_first(from + r * row + i, n)); });
  }
  return {to, step};
}

/// to[i, 0…block) = column i of rows. It is zero behind the last row, up to whole vectors.
static void transpose_rows(float* to, const float* from, int64_t row, int64_t count, int64_t width) {
  packing.pack_rows(to, block, from, row, count, width);
  if (count == block) return;
  const int64_t end = round_up_to(count, lanes);
  for (int64_t i = 0; i < width; i++) memset(to + i * block + count, 0, sizeof(float) * static_cast<size_t>(end - count));
}

static void scale_row(float* to, const float* from, int64_t n, vf factor) {
  for_vectors(
      n, [&](int64_t i) { store(to + i, mul(load(from + i), factor)); },
      [&](int64_t i, int64_t count) { store_first(to + i, count, mul(load_first(from + i, count), factor)); });
}

static float dot(const float* a, const float* b, int64_t n) {
  vf sum = zero();
  for_vectors(
      n, [&](int64_t i) { sum = fma(load(a + i), load(b + i), sum); },
      [&](int64_t i, int64_t count) { sum = fma(load_first(a + i, count), load_first(b + i, count), sum); });
  return sum_lanes(sum);
}

/// Takes the next `count` floats of scratch memory.
static float* part_of_scratch(float*& scratch, int64_t count) {
  float* mine = scratch;
  scratch += round_up_to(count, 16);
  return mine;
}

/// Pairs the queries from `first` on with the keys from `from` on. A bias of each query is copied,
/// transposed, to bias_block.
static BlockPair pair_blocks(const AttentionHead& head, int64_t first, int64_t queries, int64_t from, int64_t keys, float* bias_block) {
  BlockPair pair = {queries, keys, head.causal ? from - head.first_query - first : -block, nullptr, nullptr, head.scale};
  if (head.bias && head.bias_query == 0) pair.key_bias = head.bias + from;
  if (head.bias && head.bias_query != 0) {
    transpose_rows(bias_block, head.bias + first * head.bias_query + from, head.bias_query, queries, keys);
    pair.bias = bias_block;
  }
  return pair;
}

static int64_t panel_floats(int64_t depth) { return depth * block + pack_slack; }

static int64_t forward_scratch(const AttentionHead& head) {
  const int64_t step = round_up_to(head.width, lanes);
  return 2 * head.keys * step + panel_floats(head.width) + 2 * panel_floats(block) + block * step + 128;
}

static void forward(const AttentionHead& head, int64_t first, int64_t last, float* y, float* stats, float* scratch) {
  const int64_t width = head.width, row = head.row, step = round_up_to(width, lanes), columns = step / lanes;
  const int64_t visible = head.seen(last - 1);
  const Rows k = gather_rows(part_of_scratch(scratch, head.keys * step), head.k, row, visible, width);
  const Rows v = gather_rows(part_of_scratch(scratch, head.keys * step), head.v, row, visible, width);
  float* queries = part_of_scratch(scratch, panel_floats(width));
  float* scores = part_of_scratch(scratch, panel_floats(block));
  float* bias = part_of_scratch(scratch, panel_floats(block));
  float* mixed = part_of_scratch(scratch, block * step);
  const vf lowest = set(-__builtin_inff());
  for (int64_t t = first; t < last; t += block) {
    const int64_t count = min_of(block, last - t), vectors = (count + lanes - 1) / lanes;
    transpose_rows(queries, head.q + t * row, row, count, width);
    vf maximum[block_vectors], total[block_vectors];
    for (int64_t w = 0; w < vectors; w++) {
      maximum[w] = lowest;
      total[w] = zero();
    }
    alignas(64) float fade[block];
    const int64_t seen = head.seen(t + count - 1);
    for (int64_t from = 0; from < seen; from += block) {
      const int64_t keys = min_of(block, seen - from);
      const BlockPair pair = pair_blocks(head, t, count, from, keys, bias);
      vf high[block_vectors];
      for (int64_t w = 0; w < vectors; w++) high[w] = maximum[w];
      for_seen(pair, {k.data + from * k.step, k.step, queries, block}, width,
               [&](int64_t w, int64_t r, auto& s) __attribute__((always_inline)) {
                 constexpr int m = sizeof(s) / sizeof(s[0]), n = sizeof(s[0]) / sizeof(vf);
                 finish_scores(pair, r, w, s);
                 hide(pair, r, w, lowest, s);
                 store_tile(scores + r * block + w * lanes, block, s);
#pragma GCC unroll 4
                 for (int j = 0; j < n; j++) {
                   vf most = s[0][j];
#pragma GCC unroll 16
                   for (int i = 1; i < m; i++) most = max_second(s[i][j], most);
                   high[w + j] = max_second(most, high[w + j]);
                 }
               });
      for (int64_t w = 0; w < vectors; w++) {
        // Where all is −∞ so far, exp(−∞ − 0) is 0 and not NaN. A later key may still count.
        const vf shift = select(equal(high[w], lowest), zero(), high[w]);
        const vf keep = exp_below(sub(maximum[w], shift));
        store(fade + w * lanes, keep);
        vf sum = mul(total[w], keep);
        maximum[w] = high[w];
        const int64_t rows = pair.seen_by(w);
        float* s = scores + w * lanes;
        for (int64_t r = 0; r < rows; r++) {
          const vf p = exp_below(sub(load(s + r * block), shift));
          store(s + r * block, p);
          sum = add(sum, p);
        }
        for (int64_t r = rows; r < keys; r++) store(s + r * block, zero());
        total[w] = sum;
      }
      const bool fresh = from == 0;
      const auto span = [&](int64_t i, int m) { return Depth{0, min_of(keys, max_of(0, i + m - pair.first_sees))}; };
      for_pieces(0, columns, [&](auto piece, int64_t c) __attribute__((always_inline)) {
        tiles<decltype(piece)::count, true>({scores, block, v.data + from * v.step + c * lanes, v.step}, 0, count, span,
                                            [&](int64_t i, auto& sum) __attribute__((always_inline)) {
                                              constexpr int m = sizeof(sum) / sizeof(sum[0]), n = sizeof(sum[0]) / sizeof(vf);
                                              float* to = mixed + i * step + c * lanes;
                                              if (!fresh) {
#pragma GCC unroll 16
                                                for (int a = 0; a < m; a++) {
                                                  const vf keep = set(fade[i + a]);
#pragma GCC unroll 4
                                                  for (int b = 0; b < n; b++) sum[a][b] = fma(load(to + a * step + b * lanes), keep, sum[a][b]);
                                                }
                                              }
                                              store_tile(to, step, sum);
                                            });
      });
    }
    alignas(64) float part[block];
    for (int64_t w = 0; w < vectors; w++) {
      store(part + w * lanes, div(set(1.0f), total[w]));
      if (!stats) continue;
      const int64_t n = min_of(lanes, count - w * lanes);
      store_first(stats + t + w * lanes, n, maximum[w]);
      store_first(stats + head.queries + t + w * lanes, n, load(part + w * lanes));
    }
    for (int64_t i = 0; i < count; i++) scale_row(y + (t + i) * row, mixed + i * step, width, set(part[i]));
  }
}

static int64_t backward_scratch(const AttentionHead& head) {
  const int64_t step = round_up_to(head.width, lanes);
  return 4 * head.keys * step + 3 * block * step + 2 * panel_floats(head.width) + 4 * panel_floats(block) + 256;
}

static void backward(const AttentionHead& head, const AttentionGradient& gradient, float* scratch) {
  const int64_t width = head.width, row = head.row, step = round_up_to(width, lanes), columns = step / lanes;
  const int64_t visible = head.seen(head.queries - 1);
  const Rows k = gather_rows(part_of_scratch(scratch, head.keys * step), head.k, row, visible, width);
  const Rows v = gather_rows(part_of_scratch(scratch, head.keys * step), head.v, row, visible, width);
  float* dk = part_of_scratch(scratch, head.keys * step);
  float* dv = part_of_scratch(scratch, head.keys * step);
  float* q_rows = part_of_scratch(scratch, block * step);
  float* dy_rows = part_of_scratch(scratch, block * step);
  float* dq = part_of_scratch(scratch, block * step);
  float* queries = part_of_scratch(scratch, panel_floats(width));
  float* dys = part_of_scratch(scratch, panel_floats(width));
  float* parts = part_of_scratch(scratch, panel_floats(block));    // p, transposed
  float* dscores = part_of_scratch(scratch, panel_floats(block));  // ds, transposed
  float* bias = part_of_scratch(scratch, panel_floats(block));
  float* turned = part_of_scratch(scratch, panel_floats(block));
  const size_t key_bytes = sizeof(float) * static_cast<size_t>(head.keys * step);
  if (gradient.dk) memset(dk, 0, key_bytes);
  if (gradient.dv) memset(dv, 0, key_bytes);
  for (int64_t t = 0; t < head.queries; t += block) {
    const int64_t count = min_of(block, head.queries - t), vectors = (count + lanes - 1) / lanes;
    transpose_rows(queries, head.q + t * row, row, count, width);
    transpose_rows(dys, gradient.dy + t * row, row, count, width);
    const Rows q = gather_rows(q_rows, head.q + t * row, row, count, width);
    const Rows dy = gather_rows(dy_rows, gradient.dy + t * row, row, count, width);
    alignas(64) float maximum[block] = {}, part[block] = {}, mean[block] = {};  // 0 where there is no query
    memcpy(maximum, head.stats + t, sizeof(float) * static_cast<size_t>(count));
    memcpy(part, head.stats + head.queries + t, sizeof(float) * static_cast<size_t>(count));
    for (int64_t i = 0; i < count; i++) mean[i] = dot(gradient.dy + (t + i) * row, head.y + (t + i) * row, width);
    const int64_t seen = head.seen(t + count - 1);
    for (int64_t from = 0; from < seen; from += block) {
      const int64_t keys = min_of(block, seen - from);
      const BlockPair pair = pair_blocks(head, t, count, from, keys, bias);
      for_seen(pair, {k.data + from * k.step, k.step, queries, block}, width,
               [&](int64_t w, int64_t r, auto& s) __attribute__((always_inline)) {
                 constexpr int m = sizeof(s) / sizeof(s[0]), n = sizeof(s[0]) / sizeof(vf);
                 finish_scores(pair, r, w, s);
#pragma GCC unroll 4
                 for (int j = 0; j < n; j++) {
                   const vf shift = load(maximum + (w + j) * lanes), factor = load(part + (w + j) * lanes);
#pragma GCC unroll 16
                   for (int i = 0; i < m; i++) s[i][j] = mul(exp_below(sub(s[i][j], shift)), factor);
                 }
                 hide(pair, r, w, zero(), s);
                 store_tile(parts + r * block + w * lanes, block, s);
               });
      for_seen(pair, {v.data + from * v.step, v.step, dys, block}, width,
               [&](int64_t w, int64_t r, auto& s) __attribute__((always_inline)) {
                 constexpr int m = sizeof(s) / sizeof(s[0]), n = sizeof(s[0]) / sizeof(vf);
#pragma GCC unroll 4
                 for (int j = 0; j < n; j++) {
                   const vf less_mean = load(mean + (w + j) * lanes);
                   const float* p = parts + r * block + (w + j) * lanes;
#pragma GCC unroll 16
                   for (int i = 0; i < m; i++) s[i][j] = mul(load(p + i * block), sub(s[i][j], less_mean));
                 }
                 store_tile(dscores + r * block + w * lanes, block, s);
               });
      if (!pair.whole()) {
        for (int64_t w = 0; w < vectors; w++) {
          for (int64_t r = pair.seen_by(w); r < keys; r++) {
            store(parts + r * block + w * lanes, zero());
            store(dscores + r * block + w * lanes, zero());
          }
        }
      }
      const auto queries_of = [&](int64_t r, int) { return Depth{min_of(count, max_of(0, pair.first_sees + r)), count}; };
      const auto keys_of = [&](int64_t i, int m) { return Depth{0, min_of(keys, max_of(0, i + m - pair.first_sees))}; };
      const auto add_product = [&](float* to, const float* a, Rows b) {
        for_pieces(0, columns, [&](auto piece, int64_t c) __attribute__((always_inline)) {
          tiles<decltype(piece)::count, false>({a, block, b.data + c * lanes, b.step}, 0, keys, queries_of,
                                               [&](int64_t r, auto& sum) __attribute__((always_inline)) {
                                                 add_tile(to + (from + r) * step + c * lanes, step, sum);
                                               });
        });
      };
      if (gradient.dv) add_product(dv, parts, dy);
      if (gradient.dk) add_product(dk, dscores, q);
      if (gradient.dq) {
        const bool fresh = from == 0;
        for_pieces(0, columns, [&](auto piece, int64_t c) __attribute__((always_inline)) {
          tiles<decltype(piece)::count, true>({dscores, block, k.data + from * k.step + c * lanes, k.step}, 0, count, keys_of,
                                              [&](int64_t i, auto& sum) __attribute__((always_inline)) {
                                                float* to = dq + i * step + c * lanes;
                                                if (fresh) {
                                                  store_tile(to, step, sum);
                                                } else {
                                                  add_tile(to, step, sum);
                                                }
                                              });
        });
      }
      if (gradient.dbias && head.bias_query == 0) {
        for (int64_t r = 0; r < keys; r++) {
          vf sum = zero();
          for (int64_t w = 0; w < vectors; w++) sum = add(sum, load(dscores + r * block + w * lanes));
          gradient.dbias[from + r] += sum_lanes(sum);
        }
      } else if (gradient.dbias) {
        packing.pack_rows(turned, block, dscores, block, keys, count);
        for (int64_t i = 0; i < count; i++) {
          float* to = gradient.dbias + (t + i) * head.bias_query + from;
          const float* ds = turned + i * block;
          for_vectors(
              keys, [&](int64_t r) { store(to + r, add(load(to + r), load(ds + r))); },
              [&](int64_t r, int64_t n) { store_first(to + r, n, add(load_first(to + r, n), load_first(ds + r, n))); });
        }
      }
    }
    for (int64_t i = 0; gradient.dq && i < count; i++) scale_row(gradient.dq + (t + i) * row, dq + i * step, width, set(head.scale));
  }
  for (int64_t r = 0; gradient.dk && r < head.keys; r++) scale_row(gradient.dk + r * row, dk + r * step, width, set(head.scale));
  for (int64_t r = 0; gradient.dv && r < head.keys; r++) scale_row(gradient.dv + r * row, dv + r * step, width, set(1.0f));
  const size_t row_bytes = sizeof(float) * static_cast<size_t>(width);
  for (int64_t r = head.keys; r < head.keys + gradient.spare; r++) {
    if (gradient.dk) memset(gradient.dk + r * row, 0, row_bytes);
    if (gradient.dv) memset(gradient.dv + r * row, 0, row_bytes);
  }
}

/// Adds Σ p·v over `keys` rows to sum[width], or sets it where `fresh`, for up to V vectors of
/// columns.
template <int V>
static inline __attribute__((always_inline)) void mix(float* sum, bool fresh, const float* p, const float* v, int64_t row, int64_t keys, int64_t width) {
  const bool whole = width >= V * lanes;
  const int64_t rest = width - (V - 1) * lanes;
  const auto at = [&](const float* x, int j) __attribute__((always_inline)) {
    return j == V - 1 && !whole ? load_first(x + j * lanes, rest) : load(x + j * lanes);
  };
  vf even[V], odd[V];
#pragma GCC unroll 4
  for (int j = 0; j < V; j++) {
    even[j] = fresh ? zero() : at(sum, j);
    odd[j] = zero();
  }
  int64_t r = 0;
  for (; r + 2 <= keys; r += 2) {
    const vf first = set(p[r]), second = set(p[r + 1]);
#pragma GCC unroll 4
    for (int j = 0; j < V; j++) {
      even[j] = fma(first, at(v + r * row, j), even[j]);
      odd[j] = fma(second, at(v + (r + 1) * row, j), odd[j]);
    }
  }
  if (r < keys) {
    const vf last = set(p[r]);
#pragma GCC unroll 4
    for (int j = 0; j < V; j++) even[j] = fma(last, at(v + r * row, j), even[j]);
  }
#pragma GCC unroll 4
  for (int j = 0; j < V; j++) {
    const vf all = add(even[j], odd[j]);
    if (j == V - 1 && !whole) {
      store_first(sum + j * lanes, rest, all);
    } else {
      store(sum + j * lanes, all);
    }
  }
}

/// Lane i is q·k of key i < n. Where n < lanes, the last key is repeated.
static inline __attribute__((always_inline)) vf products(const float* q, const float* k, int64_t row, int64_t width, int64_t n, bool whole) {
  vf sum[lanes];
#pragma GCC unroll 16
  for (int i = 0; i < lanes; i++) sum[i] = zero();
  const auto row_of = [&](int i) __attribute__((always_inline)) { return k + (whole || i < n ? i : n - 1) * row; };
  for_vectors(
      width,
      [&](int64_t c) __attribute__((always_inline)) {
        const vf x = load(q + c);
#pragma GCC unroll 16
        for (int i = 0; i < lanes; i++) sum[i] = fma(x, load(row_of(i) + c), sum[i]);
      },
      [&](int64_t c, int64_t some) __attribute__((always_inline)) {
        const vf x = load_first(q + c, some);
#pragma GCC unroll 16
        for (int i = 0; i < lanes; i++) sum[i] = fma(x, load_first(row_of(i) + c, some), sum[i]);
      });
  return sum_each(sum);
}

// Memory is read row by row, all heads of a few keys at a time. One head alone would be a few cache
// lines a page, which no prefetcher follows.
static void one_query(const AttentionHead& head, int64_t heads, int64_t bias_head, int64_t first, int64_t last, float* scores, float* records,
                      int64_t record) {
  constexpr int64_t few_keys = 16;
  const int64_t row = head.row, width = head.width, keys = last - first;
  const float *k = head.k + first * row, *v = head.v + first * row;
  const vf scale = set(head.scale), lowest = set(-__builtin_inff());
  for_vectors(
      keys,
      [&](int64_t r) {
        for (int64_t h = 0; h < heads; h++) {
          const vf product = products(head.q + h * width, k + r * row + h * width, row, width, lanes, true);
          const vf s = head.bias ? fma(product, scale, load(head.bias + h * bias_head + first + r)) : mul(product, scale);
          store(scores + h * keys + r, s);
        }
      },
      [&](int64_t r, int64_t n) {
        for (int64_t h = 0; h < heads; h++) {
          const vf product = products(head.q + h * width, k + r * row + h * width, row, width, n, false);
          const vf s = head.bias ? fma(product, scale, load_first(head.bias + h * bias_head + first + r, n)) : mul(product, scale);
          store_first(scores + h * keys + r, n, s);
        }
      });
  for (int64_t h = 0; h < heads; h++) {
    float* s = scores + h * keys;
    const auto there = [](int64_t n, vf x, vf other) { return select(less(load(lane_numbers), set(static_cast<float>(n))), x, other); };
    vf high = lowest, all = zero();
    for_vectors(
        keys, [&](int64_t r) { high = max_second(load(s + r), high); },
        [&](int64_t r, int64_t n) { high = max_second(there(n, load_first(s + r, n), lowest), high); });
    const float m = max_lanes(high);
    const vf shift = set(m == -__builtin_inff() ? 0 : m);
    for_vectors(
        keys,
        [&](int64_t r) {
          const vf p = exp_below(sub(load(s + r), shift));
          store(s + r, p);
          all = add(all, p);
        },
        [&](int64_t r, int64_t n) {
          const vf p = there(n, exp_below(sub(load_first(s + r, n), shift)), zero());
          store_first(s + r, n, p);
          all = add(all, p);
        });
    records[h * record] = m;
    records[h * record + 1] = sum_lanes(all);
  }
  for (int64_t r = 0; r < keys; r += few_keys) {
    const int64_t n = min_of(few_keys, keys - r);
    for (int64_t h = 0; h < heads; h++) {
      for_pieces(0, (width + lanes - 1) / lanes, [&](auto piece, int64_t c) __attribute__((always_inline)) {
        mix<decltype(piece)::count>(records + h * record + 2 + c * lanes, r == 0, scores + h * keys + r, v + r * row + h * width + c * lanes, row, n,
                                    width - c * lanes);
      });
    }
  }
}

}  // namespace
}  // namespace easel

#define EASEL_ATTENTION_TABLE \
  { forward_scratch, backward_scratch, forward, backward, one_query }
