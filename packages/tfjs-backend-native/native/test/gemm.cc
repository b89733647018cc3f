// The kernels of a register tile: tiles of every size, packing, few rows, dot products.
#include "kernels/gemm/split.h"
#include "test/check.h"

namespace easel {
namespace test {
namespace {

/// How far a sum of k products may be off.
Tolerance sum_tolerance(double sizes) { return {0, 0, 64 * 0x1p-24 * sizes}; }

void test_tile(const GemmKernels& kernels, int m, int n, int64_t depth, int64_t segments, bool unit_rows, bool accumulate) {
  describe("tile %d × %d × %lld, %lld segments, unit rows %d, accumulate %d", m, n, static_cast<long long>(depth), static_cast<long long>(segments),
           unit_rows, accumulate);
  // The segments of A overlap, as windows of an image do. Those of B follow each other.
  const int64_t a_row = unit_rows ? 1 : depth + 2, a_step = unit_rows ? m : 1, b_step = n + (m % 3), c_row = n + 2;
  const int64_t a_reach = (m - 1) * a_row + (depth > 0 ? depth - 1 : 0) * a_step + 1, b_segment = depth * b_step;
  Array a(a_reach + (segments - 1) * 3, m % 4), b(segments * b_segment > 0 ? (segments * depth - 1) * b_step + n : 1, n % 4);
  Array c((m - 1) * c_row + n, (m + n) % 4), before(c.size());
  a.fill_random();
  b.fill_random();
  c.fill_random();
  before.copy(c);
  std::vector<int64_t> offsets;
  for (int64_t s = 0; s < segments; s++) offsets.push_back((segments - 1 - s) * 3);
  kernels.tile({a.data(), a_row, a_step, offsets.data(), segments, b.data(), b_segment, b_step, depth, c.data(), c_row, m, n, accumulate});
  for (int64_t i = 0; i < c.size(); i++) {
    const int64_t row = i / c_row, column = i % c_row;
    if (column >= n) {
      expect(c[i], before[i], {}, i);
      continue;
    }
    double sum = accumulate ? before[i] : 0, sizes = std::fabs(sum);
    for (int64_t s = 0; s < segments; s++) {
      for (int64_t p = 0; p < depth; p++) {
        const double product = static_cast<double>(a[offsets[static_cast<size_t>(s)] + row * a_row + p * a_step]) * b[s * b_segment + p * b_step + column];
        sum += product;
        sizes += std::fabs(product);
      }
    }
    expect(c[i], sum, sum_tolerance(sizes), i);
  }
}

void test_packing(const GemmKernels& kernels, int64_t width, int64_t count, int64_t depth) {
  describe("packing %lld of %lld, depth %lld", static_cast<long long>(count), static_cast<long long>(width), static_cast<long long>(depth));
  const int64_t row_stride = depth + 1, column_stride = count + 2;
  Array rows((count - 1) * row_stride + depth, count % 4), columns((depth - 1) * column_stride + count, depth % 4);
  Array panel(depth * width + pack_slack, width % 4), other(depth * width + pack_slack, width % 4);
  rows.fill_random();
  columns.fill_random();
  kernels.pack_rows(panel.data(), width, rows.data(), row_stride, count, depth);
  kernels.pack_columns(other.data(), width, columns.data(), column_stride, count, depth);
  for (int64_t p = 0; p < depth; p++) {
    for (int64_t i = 0; i < count; i++) {
      expect(panel[p * width + i], rows[i * row_stride + p], {}, p * width + i);
      expect(other[p * width + i], columns[p * column_stride + i], {}, p * width + i);
    }
  }
}

void test_skinny(const GemmKernels& kernels, int m, int64_t n, int64_t k) {
  describe("%d rows, %lld columns, depth %lld", m, static_cast<long long>(n), static_cast<long long>(k));
  const int64_t a_row = k + 1, b_step = n + 3, b_row = k + 2, c_row = n + 1;
  Array a((m - 1) * a_row + k, m % 4), b((k - 1) * b_step + n, n % 4), turned((n - 1) * b_row + k, k % 4);
  Array c((m - 1) * c_row + n, (m + n) % 4), d(c.size(), (n + k) % 4);
  for (Array* each : {&a, &b, &turned, &c, &d}) each->fill_random();
  Array c_before(c.size()), d_before(d.size());
  c_before.copy(c);
  d_before.copy(d);
  kernels.few_rows(m, n, k, a.data(), a_row, b.data(), b_step, c.data(), c_row);
  kernels.dots(m, n, k, a.data(), a_row, turned.data(), b_row, d.data(), c_row);
  for (int64_t i = 0; i < c.size(); i++) {
    const int64_t row = i / c_row, column = i % c_row;
    if (column >= n) {
      expect(c[i], c_before[i], {}, i);
      expect(d[i], d_before[i], {}, i);
      continue;
    }
    double sum = 0, sizes = 0, dot = 0, dot_sizes = 0;
    for (int64_t p = 0; p < k; p++) {
      const double x = a[row * a_row + p], y = x * b[p * b_step + column], z = x * turned[column * b_row + p];
      sum += y;
      sizes += std::fabs(y);
      dot += z;
      dot_sizes += std::fabs(z);
    }
    expect(c[i], sum, sum_tolerance(sizes), i);
    expect(d[i], dot, sum_tolerance(dot_sizes), i);
  }
}

#if defined(__x86_64__)
/// Packs both operands to bfloat16 parts and multiplies one tile.
void test_split_tile(const SplitKernels& kernels, int m, int n, int64_t depth, bool a_contiguous, bool b_contiguous, bool accumulate) {
  describe("split tile %d × %d × %lld, depth contiguous %d %d, accumulate %d", m, n, static_cast<long long>(depth), a_contiguous, b_contiguous, accumulate);
  const int64_t a_stride = a_contiguous ? depth + 1 : m + 1, b_stride = b_contiguous ? depth + 2 : n + 2, c_row = n + 3;
  Array a(a_contiguous ? (m - 1) * a_stride + depth : (depth - 1) * a_stride + m, m % 4);
  Array b(b_contiguous ? (n - 1) * b_stride + depth : (depth - 1) * b_stride + n, n % 4);
  Array c((m - 1) * c_row + n, (m + n) % 4), before(c.size());
  for (Array* each : {&a, &b, &c}) each->fill_random();
  before.copy(c);
  const int64_t panel = (depth + split_depth_unit - 1) / split_depth_unit * split_depth_unit * split_bytes / static_cast<int64_t>(sizeof(float));
  const auto panel_of = [](Array& array) { return reinterpret_cast<unsigned char*>(array.data()); };
  Array packed_a(panel, 0), packed_b(panel, 0);  // both end at a page, so they begin at a multiple of 64 bytes
  kernels.pack_a(panel_of(packed_a), a.data(), a_stride, a_contiguous, m, depth);
  kernels.pack_b(panel_of(packed_b), b.data(), b_stride, b_contiguous, n, depth);
  SplitTile tile{};
  tile.a = panel_of(packed_a);
  tile.b = panel_of(packed_b);
  tile.depth = depth;
  tile.c = c.data();
  tile.c_row = c_row;
  tile.m = m;
  tile.n = n;
  tile.accumulate = accumulate;
  tile.check = true;
  kernels.begin();
  const bool finite = kernels.tile(tile);
  kernels.end();
  expect_true(finite, "a finite tile is reported");
  for (int64_t i = 0; i < c.size(); i++) {
    const int64_t row = i / c_row, column = i % c_row;
    if (column >= n) {
      expect(c[i], before[i], {}, i);
      continue;
    }
    double sum = accumulate ? before[i] : 0, sizes = std::fabs(sum);
    for (int64_t p = 0; p < depth; p++) {
      const double x = a[a_contiguous ? row * a_stride + p : p * a_stride + row], y = b[b_contiguous ? column * b_stride + p : p * b_stride + column];
      sum += x * y;
      sizes += std::fabs(x * y);
    }
    // For each step of the depth, six products of parts are added to the sum so far, each rounded.
    // That is seldom more than one rounding's error in all.
    expect(c[i], sum, {0, 0, 6 * 0x1p-24 * sizes}, i);
  }
}

void test_split() {
  for (int m = 1; m <= split_tile; m += m < 3 ? 1 : 2) {
    for (int n = 1; n <= split_tile; n += n < 3 ? 1 : 3) {
      const int turn = m + 3 * n;
      test_split_tile(split_amx, m, n, 1 + turn * 7 % 97, m % 2, n % 2, turn % 3 == 0);
    }
  }
  for (int flags = 0; flags < 8; flags++) {
    for (const int64_t depth : {1, 31, 32, 33, 160}) test_split_tile(split_amx, split_tile, split_tile, depth, flags & 1, flags & 2, flags & 4);
  }
}
#endif

}  // namespace

void test_gemm(const Tables& tables) {
  const GemmKernels& kernels = tables.gemm;
  for (int m = 1; m <= kernels.tile_m; m++) {
    for (int n = 1; n <= kernels.tile_n; n++) {
      const int turn = m + 3 * n;
      test_tile(kernels, m, n, 1 + turn % 9, 1 + turn % 3, m % 2, n % 2);
      test_tile(kernels, m, n, 1 + turn % 5, 1, !(m % 2), !(n % 2));
    }
  }
  for (int flags = 0; flags < 4; flags++) {
    test_tile(kernels, kernels.tile_m, kernels.tile_n, 0, 2, flags & 1, flags & 2);
    test_tile(kernels, kernels.tile_m, kernels.tile_n, 67, 3, flags & 1, flags & 2);
    test_tile(kernels, kernels.tile_m, kernels.tile_n - 1, 67, 3, flags & 1, flags & 2);
  }
  for (const int64_t width : {kernels.tile_m, kernels.tile_n}) {
    for (int64_t count = 1; count <= width; count += count < 5 ? 1 : 3) {
      for (const int64_t depth : {1, 2, 3, 4, 5, 8, 15, 16, 17, 33}) test_packing(kernels, width, count, depth);
    }
    for (const int64_t depth : {1, 4, 17}) test_packing(kernels, width, width, depth);
  }
#if defined(__x86_64__)
  if (tables.target == Target::amx) test_split();
#endif
  for (const int m : {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 31}) {
    for (const int64_t n : lengths(tables.lanes)) {
      if (n == 0) continue;
      for (const int64_t k : {int64_t{1}, tables.lanes - 1, tables.lanes, int64_t{9}, 4 * tables.lanes + 3}) test_skinny(kernels, m, n, k);
    }
  }
}

}  // namespace test
}  // namespace easel
