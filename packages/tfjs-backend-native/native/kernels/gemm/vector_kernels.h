// The vector kernels, for a target that has defined `Lanes` (a vector of floats) and
// `transpose_block`. Everything is in an anonymous namespace: each including file compiles its own
// copy with its own instruction set.
//
//   struct Lanes {
//     using Vector, Mask;
//     static constexpr int count, tile_rows;
//     zero(), load(p), load(p, mask), broadcast(p), fma(x, y, sum), store(p, v), store(p, mask, v),
//     mask(lanes), sum(v)
//   }
//   transpose_block(out, out_stride, in, in_stride, rows): out[p·out_stride + i] =
//     in[i·in_stride + p] for i < rows ≤ count, p < count. It writes `count` floats at each p.
#pragma once

#include "kernels/gemm/gemm.h"

namespace easel {
namespace {

constexpr int lanes = Lanes::count;

/// Steps of the innermost loop. With fewer, its counters take turns from the multiplications.
constexpr int unroll = 4;
/// How many steps ahead B's rows are fetched. They come from the second-level cache.
constexpr int64_t steps_ahead = 8;
constexpr int64_t line_floats = 16;

/// A tile of M rows and V vectors. If Masked, the last vector has `last` lanes. With UnitRows, a_row
/// is 1, and rows are addressed by constant displacements.
///
/// No vector is handed over: after a function with such an argument GCC 12 leaves out vzeroupper.
/// The SSE code that follows then waits for the tile's last sums: with AVX2, products of 1024³ took
/// 1.2 times as long.
template <int M, int V, bool UnitRows, bool Masked>
void tile_of(const GemmTile& t, int last) {
  const Lanes::Mask mask = Lanes::mask(Masked ? last : lanes);
  const int64_t a_row = UnitRows ? 1 : t.a_row, a_step = t.a_step, b_step = t.b_step;
  Lanes::Vector sum[M][V];
#pragma GCC unroll 16
  for (int i = 0; i < M; i++) {
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) sum[i][v] = Lanes::zero();
  }
  // C's rows and what later tiles read are fetched between the steps. All at once they would fill
  // the queue that B's rows need.
  const float* c_ahead = t.c;
  int c_rows = M;
  const float* ahead = t.ahead ? t.ahead : t.a;
  const int64_t ahead_step = t.ahead ? line_floats : 0;
  for (int64_t s = 0; s < t.segments; s++) {
    const float* a = t.a + t.a_offsets[s];
    const float* b = t.b + s * t.b_segment;
    const auto step = [&]() __attribute__((always_inline)) {
      Lanes::Vector row[V];
#pragma GCC unroll 2
      for (int v = 0; v < V; v++) {
        row[v] = Masked && v == V - 1 ? Lanes::load(b + v * lanes, mask) : Lanes::load(b + v * lanes);
        if (v * lanes % line_floats == 0) __builtin_prefetch(b + steps_ahead * b_step + v * lanes);
      }
#pragma GCC unroll 16
      for (int i = 0; i < M; i++) {
        const Lanes::Vector x = Lanes::broadcast(a + i * a_row);
#pragma GCC unroll 2
        for (int v = 0; v < V; v++) sum[i][v] = Lanes::fma(x, row[v], sum[i][v]);
      }
      a += a_step;
      b += b_step;
      // Else GCC keeps an offset for each unrolled load. There are more of them than registers.
      if constexpr (Lanes::count == 8) asm("" : "+r"(a), "+r"(b));
    };
    int64_t p = t.depth;
    for (; c_rows > 0 && p >= unroll; c_rows--, p -= unroll) {
      __builtin_prefetch(c_ahead, 1);
      if (V * lanes > line_floats) __builtin_prefetch(c_ahead + line_floats, 1);
      c_ahead += t.c_row;
#pragma GCC unroll 8
      for (int u = 0; u < unroll; u++) step();
    }
    for (; p >= unroll; p -= unroll) {
      __builtin_prefetch(ahead, 0, 2);
      ahead += ahead_step;
#pragma GCC unroll 8
      for (int u = 0; u < unroll; u++) step();
    }
    for (; p > 0; p--) step();
  }
#pragma GCC unroll 16
  for (int i = 0; i < M; i++) {
    float* c = t.c + i * t.c_row;
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) {
      const bool masked = Masked && v == V - 1;
      if (t.accumulate) {
        const Lanes::Vector old = masked ? Lanes::load(c + v * lanes, mask) : Lanes::load(c + v * lanes);
        sum[i][v] = Lanes::add(old, sum[i][v]);
      }
      if (masked) {
        Lanes::store(c + v * lanes, mask, sum[i][v]);
      } else {
        Lanes::store(c + v * lanes, sum[i][v]);
      }
    }
  }
}

using TileFunction = void (*)(const GemmTile&, int);

/// The functions tile_of<1…tile_rows, …>, by m − 1.
template <int V, bool UnitRows, bool Masked>
struct TileTable {
  TileFunction of[Lanes::tile_rows];
  constexpr TileTable() : of() { fill<Lanes::tile_rows>(); }
  template <int M>
  constexpr void fill() {
    of[M - 1] = tile_of<M, V, UnitRows, Masked>;
    if constexpr (M > 1) fill<M - 1>();
  }
};

/// Tiles of two whole vectors, of two, and of one.
template <bool UnitRows>
struct TileTables {
  TileTable<2, UnitRows, false> full;
  TileTable<2, UnitRows, true> wide;
  TileTable<1, UnitRows, true> narrow;

  void run(const GemmTile& t) const {
    if (t.n == 2 * lanes) {
      full.of[t.m - 1](t, lanes);
    } else if (t.n > lanes) {
      wide.of[t.m - 1](t, t.n - lanes);
    } else {
      narrow.of[t.m - 1](t, t.n);
    }
  }
};

constexpr TileTables<false> any_rows;
constexpr TileTables<true> unit_rows;

void tile(const GemmTile& t) {
  if (t.a_row == 1) {
    unit_rows.run(t);
  } else {
    any_rows.run(t);
  }
}

void pack_rows(float* panel, int64_t width, const float* source, int64_t stride, int64_t count, int64_t depth) {
  for (int64_t first = 0; first < count; first += lanes) {
    const int64_t rows = count - first < lanes ? count - first : lanes;
    // Where first + lanes > width, a row runs over into the next one, which is written later. The
    // last row runs over into the slack.
    int64_t p = 0;
    for (; p + lanes <= depth; p += lanes) {
      transpose_block(panel + p * width + first, width, source + first * stride + p, stride, static_cast<int>(rows));
    }
    for (; p < depth; p++) {
      for (int64_t i = first; i < first + rows; i++) panel[p * width + i] = source[i * stride + p];
    }
  }
}

/// How many rows ahead the columns' memory is fetched. Pieces of eight rows are packed panel by
/// panel, an order that the processor doesn't foresee: on a Zen 3, 256 × 256 × 4096 with a
/// transposed A took 1.3 times as long without.
constexpr int64_t rows_ahead = 24;

void pack_columns(float* panel, int64_t width, const float* source, int64_t stride, int64_t count, int64_t depth) {
  for (int64_t first = 0; first < count; first += lanes) {
    const Lanes::Mask mask = Lanes::mask(static_cast<int>(count - first < lanes ? count - first : lanes));
    // Whole vectors are stored. What runs over is written again by the next row, or is slack.
    for (int64_t p = 0; p < depth; p++) {
      const float* const from = source + p * stride + first;
      __builtin_prefetch(from + rows_ahead * stride);
      Lanes::store(panel + p * width + first, Lanes::load(from, mask));
    }
  }
}

/// How many floats along a row of b are fetched ahead of the multiplication: 1 KiB.
constexpr int64_t row_ahead = 256;

/// One step of add_rows: V vectors of M rows of C, from `Depth` rows of b. If `Ahead`, it fetches
/// what lies `ahead` floats after these.
template <int M, int Depth, int V, bool Ahead>
inline void add_columns(const float* a, int64_t a_row, const float* b, int64_t b_step, int64_t ahead, float* c, int64_t c_row, bool accumulate) {
  Lanes::Vector sum[M][V];
#pragma GCC unroll 8
  for (int i = 0; i < M; i++) {
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) sum[i][v] = accumulate ? Lanes::load(c + i * c_row + v * lanes) : Lanes::zero();
  }
#pragma GCC unroll 16
  for (int p = 0; p < Depth; p++) {
    Lanes::Vector row[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) {
      row[v] = Lanes::load(b + p * b_step + v * lanes);
      if (Ahead && v * lanes % 16 == 0) __builtin_prefetch(b + p * b_step + v * lanes + ahead);  // one of each 64 bytes
    }
#pragma GCC unroll 8
    for (int i = 0; i < M; i++) {
      const Lanes::Vector factor = Lanes::broadcast(a + i * a_row + p);
#pragma GCC unroll 4
      for (int v = 0; v < V; v++) sum[i][v] = Lanes::fma(factor, row[v], sum[i][v]);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < M; i++) {
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) Lanes::store(c + i * c_row + v * lanes, sum[i][v]);
  }
}

/// How many vectors a step takes, so that the sums, the rows of b and a factor fit the registers. A
/// tile's sums are two columns of vectors.
constexpr int vectors_a_step(int rows) {
  int vectors = 4;
  while (vectors > 1 && (rows + 1) * vectors > 2 * Lanes::tile_rows + 2) vectors /= 2;
  return vectors;
}

/// M rows of C from `Depth` rows of b, over all n columns. With `Ahead`, b's rows are fetched
/// before they are needed, and near their end the next `Depth` rows.
template <int M, int Depth, bool Ahead>
void add_rows(int64_t n, const float* a, int64_t a_row, const float* b, int64_t b_step, float* c, int64_t c_row, bool accumulate) {
  constexpr int vectors = vectors_a_step(M);
  int64_t j = 0;
  const auto ahead = [&] { return j + row_ahead < n ? row_ahead : row_ahead - n + Depth * b_step; };
  for (; j + vectors * lanes <= n; j += vectors * lanes) {
    add_columns<M, Depth, vectors, Ahead>(a, a_row, b + j, b_step, ahead(), c + j, c_row, accumulate);
  }
  for (; j + lanes <= n; j += lanes) add_columns<M, Depth, 1, Ahead>(a, a_row, b + j, b_step, ahead(), c + j, c_row, accumulate);
  if (j == n) return;
  const Lanes::Mask mask = Lanes::mask(static_cast<int>(n - j));
#pragma GCC unroll 8
  for (int i = 0; i < M; i++) {
    Lanes::Vector sum = accumulate ? Lanes::load(c + i * c_row + j, mask) : Lanes::zero();
    for (int p = 0; p < Depth; p++) sum = Lanes::fma(Lanes::broadcast(a + i * a_row + p), Lanes::load(b + p * b_step + j, mask), sum);
    Lanes::store(c + i * c_row + j, mask, sum);
  }
}

using AddRows = void (*)(int64_t n, const float* a, int64_t a_row, const float* b, int64_t b_step, float* c, int64_t c_row, bool accumulate);

/// The most rows of C that add_rows takes.
constexpr int most_rows = 8;

/// The functions add_rows<1…most_rows, Depth, Ahead>, by m − 1.
template <int Depth, bool Ahead>
struct AddRowsTable {
  AddRows of[most_rows];
  constexpr AddRowsTable() : of() { fill<most_rows>(); }
  template <int M>
  constexpr void fill() {
    of[M - 1] = add_rows<M, Depth, Ahead>;
    if constexpr (M > 1) fill<M - 1>();
  }
};

constexpr AddRowsTable<16, true> add_rows_16;
constexpr AddRowsTable<16, false> add_rows_16_again;
constexpr AddRowsTable<8, true> add_rows_8;
constexpr AddRowsTable<4, false> add_rows_4;
constexpr AddRowsTable<1, false> add_rows_1;

/// Takes eight rows of b at a time, fetched ahead. With fewer, C is read and written more often;
/// with more, the processor loses track of them. If C has more than most_rows rows, groups of them
/// take turns at sixteen rows of b, which the first group fetches and leaves in the cache.
void few_rows(int m, int64_t n, int64_t k, const float* a, int64_t a_row, const float* b, int64_t b_step, float* c, int64_t c_row) {
  constexpr int most = Lanes::tile_rows < most_rows ? Lanes::tile_rows : most_rows;
  const int groups = m <= most_rows ? 1 : (m + most - 1) / most, group = (m + groups - 1) / groups;
  int64_t p = 0;
  const auto add = [&](const AddRows* first, const AddRows* others, int64_t depth) {
    for (; p + depth <= k; p += depth) {
      for (int i = 0; i < m; i += group) {
        (i == 0 ? first : others)[(m - i < group ? m - i : group) - 1](n, a + i * a_row + p, a_row, b + p * b_step, b_step, c + i * c_row, c_row, p > 0);
      }
    }
  };
  if (groups > 1) add(add_rows_16.of, add_rows_16_again.of, 16);
  add(add_rows_8.of, add_rows_8.of, 8);
  add(add_rows_4.of, add_rows_4.of, 4);
  add(add_rows_1.of, add_rows_1.of, 1);
}

/// Rows of up to short_row floats are fetched while the four rows before them are multiplied.
/// Longer rows would push those out of the second-level cache; they are fetched floats_ahead along
/// the row.
constexpr int64_t short_row = 4096, floats_ahead = 256;

/// M rows against N rows. What lies `ahead` floats after each row of b is fetched meanwhile, unless
/// ahead is 0.
template <int M, int N>
void dots_of(int64_t k, const float* a, int64_t a_row, const float* b, int64_t b_row, float* c, int64_t c_row, int64_t ahead) {
  Lanes::Vector sum[M][N];
#pragma GCC unroll 8
  for (int i = 0; i < M; i++) {
#pragma GCC unroll 8
    for (int j = 0; j < N; j++) sum[i][j] = Lanes::zero();
  }
  int64_t p = 0;
  for (; p + lanes <= k; p += lanes) {
    Lanes::Vector x[M];
#pragma GCC unroll 8
    for (int i = 0; i < M; i++) x[i] = Lanes::load(a + i * a_row + p);
#pragma GCC unroll 8
    for (int j = 0; j < N; j++) {
      const Lanes::Vector y = Lanes::load(b + j * b_row + p);
      if (ahead) __builtin_prefetch(b + j * b_row + p + ahead, 0, 2);
#pragma GCC unroll 8
      for (int i = 0; i < M; i++) sum[i][j] = Lanes::fma(x[i], y, sum[i][j]);
    }
  }
  if (p < k) {
    const Lanes::Mask mask = Lanes::mask(static_cast<int>(k - p));
#pragma GCC unroll 8
    for (int j = 0; j < N; j++) {
      const Lanes::Vector y = Lanes::load(b + j * b_row + p, mask);
#pragma GCC unroll 8
      for (int i = 0; i < M; i++) sum[i][j] = Lanes::fma(Lanes::load(a + i * a_row + p, mask), y, sum[i][j]);
    }
  }
  for (int i = 0; i < M; i++) {
    for (int j = 0; j < N; j++) c[i * c_row + j] = Lanes::sum(sum[i][j]);
  }
}

void dots(int m, int64_t n, int64_t k, const float* a, int64_t a_row, const float* b, int64_t b_row, float* c, int64_t c_row) {
  // Four rows of b are taken together. The first rows of a read them from memory, the others from
  // the cache.
  constexpr int most = Lanes::count == 16 ? 4 : 2;  // as many sums as registers hold
  int64_t j = 0;
  for (; j + 4 <= n; j += 4) {
    int64_t ahead = k <= short_row ? 4 * b_row : floats_ahead;
    int i = 0;
    for (; i + most <= m; i += most, ahead = 0) dots_of<most, 4>(k, a + i * a_row, a_row, b + j * b_row, b_row, c + i * c_row + j, c_row, ahead);
    for (; i + 2 <= m; i += 2, ahead = 0) dots_of<2, 4>(k, a + i * a_row, a_row, b + j * b_row, b_row, c + i * c_row + j, c_row, ahead);
    if (i < m) dots_of<1, 4>(k, a + i * a_row, a_row, b + j * b_row, b_row, c + i * c_row + j, c_row, ahead);
  }
  for (; j < n; j++) {
    for (int i = 0; i < m; i++) dots_of<1, 1>(k, a + i * a_row, a_row, b + j * b_row, b_row, c + i * c_row + j, c_row, 0);
  }
}

}  // namespace
}  // namespace easel
