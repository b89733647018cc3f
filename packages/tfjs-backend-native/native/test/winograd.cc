// The transforms of Winograd's convolution against products of the matrices in double precision.
// The interpolation points give the matrices.
#include "test/check.h"

namespace easel {
namespace test {
namespace {

constexpr int patch = winograd_patch, tile = winograd_tile, taps = 3;

/// Aᵀ [4,6], G [6,3] and Bᵀ [6,6] of F(4, 3) at 0, ±a, ±b and infinity. The rows of Aᵀ are powers
/// of the points. Those of G are powers over the product of differences. Those of Bᵀ are the
/// coefficients of the products of the other points' factors.
struct Matrices {
  double at[tile][patch] = {}, g[patch][taps] = {}, bt[patch][patch] = {};

  Matrices() {
    const double points[5] = {0, winograd_a, -winograd_a, winograd_b, -winograd_b};
    for (int k = 0; k < 5; k++) {
      double differences = 1;
      double coefficients[patch] = {1};
      int degree = 0;
      for (int other = 0; other < 5; other++) {
        if (other == k) continue;
        differences *= points[k] - points[other];
        for (int i = ++degree; i >= 0; i--) coefficients[i] = (i > 0 ? coefficients[i - 1] : 0) - points[other] * coefficients[i];
      }
      for (int i = 0; i < patch; i++) bt[k][i] = coefficients[i];
      for (int i = 0; i < tile; i++) at[i][k] = std::pow(points[k], i);
      for (int i = 0; i < taps; i++) g[k][i] = std::pow(points[k], i) / differences;
    }
    at[tile - 1][5] = 1;
    g[5][taps - 1] = 1;
    double all[patch] = {1};
    for (int other = 0, degree = 0; other < 5; other++) {
      for (int i = ++degree; i >= 0; i--) all[i] = (i > 0 ? all[i - 1] : 0) - points[other] * all[i];
    }
    for (int i = 0; i < patch; i++) bt[5][i] = all[i];
  }
};

/// out[i,j] = Σ left[i,p]·in[p,q]·left[j,q], with Σ of magnitudes beside it. left is [rows, n], or
/// transposed [n, rows].
template <int rows, int n, typename Left, typename In>
void transform(double out[rows][rows], double sizes[rows][rows], const Left& left, const In& in) {
  for (int i = 0; i < rows; i++) {
    for (int j = 0; j < rows; j++) {
      out[i][j] = sizes[i][j] = 0;
      for (int p = 0; p < n; p++) {
        for (int q = 0; q < n; q++) {
          const double term = left(i, p) * in(p, q) * left(j, q);
          out[i][j] += term;
          sizes[i][j] += std::fabs(term);
        }
      }
    }
  }
}

Tolerance rounding(double sizes) { return {0, 0, 32 * 0x1p-24 * sizes}; }

void test_channels(const WinogradKernels& kernels, int64_t channels) {
  static const Matrices m;
  const int64_t padded = (channels + winograd_lanes - 1) / winograd_lanes * winograd_lanes, step = padded;
  describe("Winograd's transforms of %lld channels", static_cast<long long>(channels));
  double out[patch][patch], sizes[patch][patch], small[tile][tile], small_sizes[tile][tile], tap[taps][taps], tap_sizes[taps][taps];
  const int64_t pixel = channels + 1, row = 6 * pixel + 2;

  Array x(5 * row + 5 * pixel + channels, channels % 4), v(winograd_products * step);
  x.fill_random();
  kernels.input(v.data(), step, x.data(), row, pixel, channels);
  for (int64_t c = 0; c < channels; c++) {
    transform<patch, patch>(out, sizes, [](int i, int p) { return m.bt[i][p]; }, [&](int p, int q) { return x[p * row + q * pixel + c]; });
    for (int k = 0; k < winograd_products; k++) expect(v[k * step + c], out[k / patch][k % patch], rounding(sizes[k / patch][k % patch]), k);
  }

  const int64_t rows = 3, f_row = channels, f_tap = rows * f_row + 1, u_row = padded, u_step = rows * padded;
  Array f(8 * f_tap + (rows - 1) * f_row + channels, channels % 4), u(winograd_products * u_step), df(f.size(), 1);
  f.fill_random();
  kernels.filter(u.data(), u_step, u_row, f.data(), f_tap, f_row, rows, channels);
  for (int64_t i = 0; i < rows * channels; i++) {
    const int64_t from = i / channels * f_row + i % channels, to = i / channels * u_row + i % channels;
    transform<patch, taps>(out, sizes, [](int k, int p) { return m.g[k][p]; }, [&](int p, int q) { return f[(p * 3 + q) * f_tap + from]; });
    for (int k = 0; k < winograd_products; k++) expect(u[k * u_step + to], out[k / patch][k % patch], rounding(sizes[k / patch][k % patch]), k);
  }
  u.fill_random();
  df.fill(7);
  kernels.filter_adjoint(df.data(), f_tap, f_row, u.data(), u_step, u_row, rows, channels);
  for (int64_t i = 0; i < rows * channels; i++) {
    const int64_t to = i / channels * f_row + i % channels, from = i / channels * u_row + i % channels;
    transform<taps, patch>(tap, tap_sizes, [](int k, int p) { return m.g[p][k]; }, [&](int p, int q) { return u[(p * 6 + q) * u_step + from]; });
    for (int t = 0; t < 9; t++) expect(df[t * f_tap + to], tap[t / 3][t % 3], rounding(tap_sizes[t / 3][t % 3]), t);
  }
  for (int64_t t = 0; t < 8; t++) expect(df[t * f_tap + rows * f_row], 7, {});  // between the taps

  Array products(winograd_products * step), bias(channels, channels % 4);
  products.fill_random();
  bias.fill_random();
  for (int64_t c = channels; c < padded; c++) {
    for (int k = 0; k < winograd_products; k++) products[k * step + c] = not_a_number;
  }
  for (int flags = 0; flags < 4; flags++) {
    const int height = flags == 3 ? 3 : 4, width = flags == 2 ? 1 : 4;
    Array y((height - 1) * row + (width - 1) * pixel + channels, channels % 4);
    y.fill(7);
    kernels.output(y.data(), row, pixel, height, width, products.data(), step, channels, flags & 1 ? bias.data() : nullptr, flags & 2);
    for (int64_t c = 0; c < channels; c++) {
      transform<tile, patch>(small, small_sizes, [](int k, int p) { return m.at[k][p]; }, [&](int p, int q) { return products[(p * 6 + q) * step + c]; });
      for (int i = 0; i < height; i++) {
        for (int j = 0; j < width; j++) {
          const double sum = small[i][j] + (flags & 1 ? bias[c] : 0);
          expect(y[i * row + j * pixel + c], flags & 2 && sum < 0 ? 0 : sum, rounding(small_sizes[i][j] + std::fabs(bias[c])), c);
        }
      }
    }
    for (int64_t i = 0; i < height && width == 4; i++) {
      for (int64_t j = 0; j < 3; j++) expect(y[i * row + j * pixel + channels], 7, {});
    }
  }

  Array dy(3 * row + 3 * pixel + channels, channels % 4), w(winograd_products * step);
  dy.fill_random();
  kernels.output_adjoint(w.data(), step, dy.data(), row, pixel, channels);
  for (int64_t c = 0; c < channels; c++) {
    transform<patch, tile>(out, sizes, [](int k, int p) { return m.at[p][k]; }, [&](int p, int q) { return dy[p * row + q * pixel + c]; });
    for (int k = 0; k < winograd_products; k++) expect(w[k * step + c], out[k / patch][k % patch], rounding(sizes[k / patch][k % patch]), k);
  }
}

}  // namespace

void test_winograd(const Tables& tables) {
  for (const int64_t channels : lengths(tables.lanes)) {
    if (channels > 0) test_channels(tables.winograd, channels);
  }
}

}  // namespace test
}  // namespace easel
