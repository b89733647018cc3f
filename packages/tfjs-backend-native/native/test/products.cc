// Products and convolutions as the binding calls them. This tests the code that stands above the
// tables and takes its block sizes from them.
#include "kernels/conv/conv.h"
#include "test/check.h"

namespace easel {
namespace test {
namespace {

Tolerance sum_tolerance(double sizes) { return {0, 0, 64 * 0x1p-24 * sizes}; }

void test_product(int64_t m, int64_t n, int64_t k, bool transpose_a, bool transpose_b, Activation activation) {
  describe("gemm %lld × %lld × %lld, transposed %d %d", static_cast<long long>(m), static_cast<long long>(n), static_cast<long long>(k), transpose_a,
           transpose_b);
  Array a(m * k, m % 4), b(k * n, n % 4), bias(n, k % 4), c(m * n, (m + n) % 4);
  for (Array* each : {&a, &b, &bias}) each->fill_random();
  GemmProblem problem{};
  problem.m = m;
  problem.n = n;
  problem.k = k;
  problem.a = a.data();
  problem.transpose_a = transpose_a;
  problem.b = b.data();
  problem.transpose_b = transpose_b;
  problem.epilogue.bias = bias.data();
  problem.epilogue.activation = activation;
  run_threads(c, [&](float* to) {
    problem.c = to;
    expect_true(gemm(problem), "gemm has no memory");
  });
  for (int64_t i = 0; i < m * n; i += m * n > 20000 ? 37 : 1) {
    double sum = bias[i % n], sizes = std::fabs(sum);
    for (int64_t p = 0; p < k; p++) {
      const double product = static_cast<double>(transpose_a ? a[p * m + i / n] : a[i / n * k + p]) * (transpose_b ? b[i % n * k + p] : b[p * n + i % n]);
      sum += product;
      sizes += std::fabs(product);
    }
    expect(c[i], activation == Activation::relu && sum < 0 ? 0 : sum, sum_tolerance(sizes), i);
  }
}

/// Infinities, NaN and the largest float, in a product large enough for packed panels. What they
/// touch is as IEEE 754 says; the rest is not touched.
void test_not_finite(bool transpose_a, bool transpose_b) {
  describe("gemm with infinities and NaN, transposed %d %d", transpose_a, transpose_b);
  const int64_t m = 131, n = 157, k = 303;
  Array a(m * k), b(k * n), c(m * n);
  a.fill_random();
  b.fill_random(1e-3f);
  const auto a_at = [&](int64_t i, int64_t p) -> float& { return a[transpose_a ? p * m + i : i * k + p]; };
  const auto b_at = [&](int64_t p, int64_t j) -> float& { return b[transpose_b ? j * k + p : p * n + j]; };
  a_at(3, 5) = infinity;
  a_at(40, 7) = not_a_number;
  a_at(20, 3) = std::numeric_limits<float>::max();
  b_at(9, 50) = -infinity;
  b_at(5, 60) = 0;
  GemmProblem problem{};
  problem.m = m;
  problem.n = n;
  problem.k = k;
  problem.a = a.data();
  problem.transpose_a = transpose_a;
  problem.b = b.data();
  problem.transpose_b = transpose_b;
  run_threads(c, [&](float* to) {
    problem.c = to;
    expect_true(gemm(problem), "gemm has no memory");
  });
  for (int64_t i = 0; i < m * n; i++) {
    double sum = 0, sizes = 0;
    for (int64_t p = 0; p < k; p++) {
      const double product = static_cast<double>(a_at(i / n, p)) * b_at(p, i % n);
      sum += product;
      sizes += std::fabs(product);
    }
    expect(c[i], sum, sum_tolerance(std::isfinite(sizes) ? sizes : 0), i);
  }
}

void test_convolution(const ConvShape& s) {
  describe("convolution %lld×%lld×%lld to %lld×%lld×%lld, window %lld×%lld, stride %lld", static_cast<long long>(s.in_h), static_cast<long long>(s.in_w),
           static_cast<long long>(s.in_c), static_cast<long long>(s.out_h), static_cast<long long>(s.out_w), static_cast<long long>(s.out_c),
           static_cast<long long>(s.filter_h), static_cast<long long>(s.filter_w), static_cast<long long>(s.stride_h));
  Array x(s.batch * s.in_h * s.in_w * s.in_c, 1), filter(s.filter_h * s.filter_w * s.in_c * s.out_c, 2), dy(s.batch * s.out_h * s.out_w * s.out_c, 3);
  Array y(dy.size()), dx(x.size()), df(filter.size());
  for (Array* each : {&x, &filter, &dy}) each->fill_random();
  run_threads(y, [&](float* to) { expect_true(conv2d(s, x.data(), filter.data(), to, {}), "conv2d has no memory"); });
  run_threads(dx, [&](float* to) { expect_true(conv2d_input_gradient(s, dy.data(), filter.data(), to), "conv2d has no memory"); });
  run_threads(df, [&](float* to) { expect_true(conv2d_filter_gradient(s, x.data(), dy.data(), to), "conv2d has no memory"); });
  std::vector<double> want_y(static_cast<size_t>(y.size())), want_dx(static_cast<size_t>(x.size())), want_df(static_cast<size_t>(df.size()));
  std::vector<double> size_y(want_y.size()), size_dx(want_dx.size()), size_df(want_df.size());
  for (int64_t b = 0, o = 0; b < s.batch; b++) {
    for (int64_t i = 0; i < s.out_h; i++) {
      for (int64_t j = 0; j < s.out_w; j++, o += s.out_c) {
        for (int64_t u = 0; u < s.filter_h; u++) {
          for (int64_t v = 0; v < s.filter_w; v++) {
            const int64_t row = i * s.stride_h + u * s.dilation_h - s.pad_top, column = j * s.stride_w + v * s.dilation_w - s.pad_left;
            if (row < 0 || row >= s.in_h || column < 0 || column >= s.in_w) continue;
            const int64_t from = ((b * s.in_h + row) * s.in_w + column) * s.in_c, tap = (u * s.filter_w + v) * s.in_c * s.out_c;
            for (int64_t c = 0; c < s.in_c; c++) {
              for (int64_t d = 0; d < s.out_c; d++) {
                const size_t yi = static_cast<size_t>(o + d), xi = static_cast<size_t>(from + c), fi = static_cast<size_t>(tap + c * s.out_c + d);
                const double xv = x[from + c], fv = filter[tap + c * s.out_c + d], gv = dy[o + d];
                want_y[yi] += xv * fv;
                size_y[yi] += std::fabs(xv * fv);
                want_dx[xi] += gv * fv;
                size_dx[xi] += std::fabs(gv * fv);
                want_df[fi] += xv * gv;
                size_df[fi] += std::fabs(xv * gv);
              }
            }
          }
        }
      }
    }
  }
  for (size_t i = 0; i < want_y.size(); i++) expect(y[static_cast<int64_t>(i)], want_y[i], sum_tolerance(size_y[i] + 1), static_cast<int64_t>(i));
  for (size_t i = 0; i < want_dx.size(); i++) expect(dx[static_cast<int64_t>(i)], want_dx[i], sum_tolerance(size_dx[i] + 1), static_cast<int64_t>(i));
  for (size_t i = 0; i < want_df.size(); i++) expect(df[static_cast<int64_t>(i)], want_df[i], sum_tolerance(size_df[i] + 1), static_cast<int64_t>(i));
}

}  // namespace

void test_products(const Tables&) {
  for (int flags = 0; flags < 4; flags++) {
    for (const int64_t m : {1, 5, 13, 61}) test_product(m, 29, 43, flags & 1, flags & 2, Activation::linear);
    test_product(131, 77, 150, flags & 1, flags & 2, Activation::relu);  // on several threads
    test_product(3, 301, 515, flags & 1, flags & 2, Activation::linear);
  }
  test_product(67, 203, 601, false, false, Activation::linear);  // more than one block of depth
  test_product(3, 1030, 1101, false, false, Activation::relu);  // few rows, blocks of whole rows of B
  for (const int64_t m : {9, 16, 31}) test_product(m, 1030, 303, false, false, Activation::relu);  // strips for all threads
  test_product(2, 8300, 300, false, false, Activation::linear);  // and strips of them
  for (int flags = 0; flags < 4; flags++) {
    test_not_finite(flags & 1, flags & 2);
    test_product(200, 230, 1100, flags & 1, flags & 2, Activation::linear);  // several blocks of rows, and of depth
    for (const int64_t n : {31, 33, 47, 65}) test_product(300 + n, n, 511 + n, flags & 1, flags & 2, Activation::linear);
  }
  test_product(130, 1030, 4200, false, false, Activation::relu);  // more of B than is packed at once
  for (int transposed = 0; transposed < 4; transposed++) test_product(45, 517, 1101, transposed & 1, transposed & 2, Activation::relu);  // strips of columns
  //                batch in_h in_w in_c out_h out_w out_c window stride pad dilation
  test_convolution({2, 9, 11, 5, 9, 11, 7, 3, 3, 1, 1, 1, 1, 1, 1});
  test_convolution({1, 16, 18, 16, 16, 18, 24, 3, 3, 1, 1, 1, 1, 1, 1});
  test_convolution({1, 12, 10, 6, 6, 5, 9, 3, 3, 2, 2, 0, 0, 1, 1});  // padded after, as SAME does
  test_convolution({2, 7, 6, 13, 7, 6, 17, 1, 1, 1, 1, 0, 0, 1, 1});
  test_convolution({1, 15, 14, 3, 11, 10, 4, 3, 3, 1, 1, 0, 0, 2, 2});
}

}  // namespace test
}  // namespace easel
