// Reductions, softmax, normalisations and parameter updates against loops in double precision.
#include "test/check.h"

namespace easel {
namespace test {
namespace {

constexpr double epsilon32 = 0x1p-24;

double sum_of_sizes(const float* x, int64_t n, int64_t stride) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += std::fabs(x[i * stride]);
  return sum;
}

double larger(double a, double b) { return a != a ? a : b != b ? b : a > b ? a : b; }
double smaller(double a, double b) { return a != a ? a : b != b ? b : a < b ? a : b; }

void expect_reduced(const ReduceKernels& kernels, const Array& x) {
  const int64_t n = x.size();
  double sum = 0, most = x[0], least = x[0];
  for (int64_t i = 0; i < n; i++) {
    sum += x[i];
    most = larger(most, x[i]);
    least = smaller(least, x[i]);
  }
  const double size = sum_of_sizes(x.data(), n, 1);
  expect(kernels.row_sum(x.data(), n), sum, {0, 0, std::isfinite(size) ? 64 * epsilon32 * size : 0});
  expect(kernels.row_max(x.data(), n), most, {});
  expect(kernels.row_min(x.data(), n), least, {});
}

void test_reduce(const Tables& tables) {
  const ReduceKernels& kernels = tables.reduce;
  expect(kernels.row_sum(nullptr, 0), 0, {});
  std::vector<int64_t> all = lengths(tables.lanes);
  all.insert(all.end(), {4096, 4097, 10007});
  for (const int64_t n : all) {
    if (n == 0) continue;
    for (int64_t gap = 0; gap < 4; gap++) {
      describe("reduction of %lld, %lld before the end of the page", static_cast<long long>(n), static_cast<long long>(gap));
      Array x(n, gap);
      x.fill_random(2);
      expect_reduced(kernels, x);
      // One element decides, at each place: a lane or a tail might overlook it.
      if (n > 4 * tables.lanes + 1) continue;
      for (int64_t i = 0; i < n; i++) {
        const float was = x[i];
        for (const float value : {infinity, -infinity, not_a_number, 1e30f, -1e30f}) {
          x[i] = value;
          expect_reduced(kernels, x);
        }
        x[i] = was;
      }
    }
  }
  for (const int64_t rows : {1, 2, 7, 8, 9, 19}) {
    for (const int64_t width : lengths(tables.lanes)) {
      const int64_t stride = width + 3;
      describe("reduction of %lld rows of %lld", static_cast<long long>(rows), static_cast<long long>(width));
      Array x((rows - 1) * stride + width, width % 4), sums(width, 1), most(width, 2), least(width, 3);
      x.fill_random(2);
      if (width > 0) x[(rows / 2) * stride + width / 2] = not_a_number;
      if (width > 1) x[(rows - 1) * stride] = infinity;
      kernels.sum_rows(sums.data(), x.data(), rows, stride, width, 1.0);
      kernels.max_rows(most.data(), x.data(), rows, stride, width);
      kernels.min_rows(least.data(), x.data(), rows, stride, width);
      for (int64_t j = 0; j < width; j++) {
        double sum = 0, high = x[j], low = x[j];
        for (int64_t r = 0; r < rows; r++) {
          sum += x[r * stride + j];
          high = larger(high, x[r * stride + j]);
          low = smaller(low, x[r * stride + j]);
        }
        const double size = sum_of_sizes(x.data() + j, rows, stride);
        expect(sums[j], sum, {0, 0, std::isfinite(size) ? 8 * epsilon32 * size : 0}, j);
        expect(most[j], high, {}, j);
        expect(least[j], low, {}, j);
      }
    }
  }
}

void expect_softmax(const SoftmaxKernels& kernels, const Array& x, int64_t gap) {
  const int64_t n = x.size();
  double most = x[0], sum = 0;
  for (int64_t i = 0; i < n; i++) most = larger(most, x[i]);
  // exp is taken of differences in float32, so that their rounding does not count.
  const auto term = [&](int64_t i) { return std::exp(static_cast<double>(x[i] - static_cast<float>(most))); };
  for (int64_t i = 0; i < n; i++) sum += term(i);
  Array y(n, gap), z(n, gap), logs(n, (gap + 1) % 4), scaled(n, (gap + 2) % 4);
  const double lse = most + std::log(sum), size = std::isfinite(most) ? std::fabs(most) : 0;
  kernels.softmax(y.data(), x.data(), n);
  z.copy(x);
  kernels.softmax(z.data(), z.data(), n);
  kernels.log_softmax(logs.data(), x.data(), n);
  expect(kernels.log_sum_exp(x.data(), n), lse, {4, size, 8 * epsilon32});
  expect(kernels.log_sum_exp_of_large(x.data(), n), lse, {4, size, 8 * epsilon32});
  kernels.scaled_exp(scaled.data(), x.data(), n, 0.75f, -1.25f);
  Array streamed(n, (gap + 1) % 4), streamed_logs(n, gap), but_label(n, (gap + 3) % 4);
  kernels.softmax_streamed(streamed.data(), x.data(), 1, n);
  kernels.log_softmax_streamed(streamed_logs.data(), x.data(), n);
  const int64_t label = n / 2;
  kernels.scaled_exp_streamed(but_label.data(), x.data(), n, 0.75f, -1.25f, label);
  for (int64_t i = 0; i < n; i++) {
    expect(y[i], term(i) / sum, {8, 0, 1e-44}, i);
    expect(z[i], y[i], {}, i);
    // Where rows are streamed, exponents are relative to a value that may be below the maximum.
    // Each difference is then rounded in another way.
    const double below = most - x[i];
    expect(streamed[i], term(i) / sum, {8 + (std::isfinite(below) ? 2 * below : 0), 0, 1e-44}, i);
    expect(streamed_logs[i], x[i] - lse, {4, std::isfinite(x[i]) ? std::fmax(size, std::fabs(x[i])) : 0, 8 * epsilon32}, i);
    expect(but_label[i], scaled[i] - (i == label ? -1.25 : 0), {1, 1.25, 0}, i);
    expect(logs[i], x[i] - lse, {4, std::isfinite(x[i]) ? std::fmax(size, std::fabs(x[i])) : 0, 8 * epsilon32}, i);
    expect(scaled[i], -1.25 * std::exp(static_cast<double>(x[i] - 0.75f)), {3, 0, 0}, i);
  }
}

void test_softmax_gradients(const SoftmaxKernels& kernels, int64_t n) {
  describe("gradients of softmax of %lld", static_cast<long long>(n));
  Array y(n, n % 4), dy(n, (n + 1) % 4), dx(n, (n + 2) % 4), streamed(n, n % 4);
  y.fill_random();
  dy.fill_random();
  double dot = 0, total = 0, dot_sizes = 0, total_sizes = 0;
  for (int64_t i = 0; i < n; i++) {
    dot += static_cast<double>(y[i]) * dy[i];
    total += dy[i];
    dot_sizes += std::fabs(static_cast<double>(y[i]) * dy[i]);
    total_sizes += std::fabs(dy[i]);
  }
  kernels.softmax_grad(dx.data(), dy.data(), y.data(), n);
  kernels.softmax_grad_streamed(streamed.data(), dy.data(), y.data(), n);
  for (int64_t i = 0; i < n; i++) {
    const Tolerance tolerance{16, std::fabs(y[i]) * (std::fabs(dy[i]) + dot_sizes), 0};
    expect(dx[i], y[i] * (dy[i] - dot), tolerance, i);
    expect(streamed[i], y[i] * (dy[i] - dot), tolerance, i);
  }
  kernels.log_softmax_grad(dx.data(), dy.data(), y.data(), n);
  kernels.log_softmax_grad_streamed(streamed.data(), dy.data(), y.data(), n);
  for (int64_t i = 0; i < n; i++) {
    const double e = std::exp(static_cast<double>(y[i]));
    const Tolerance tolerance{16, std::fabs(dy[i]) + e * total_sizes, 0};
    expect(dx[i], dy[i] - e * total, tolerance, i);
    expect(streamed[i], dy[i] - e * total, tolerance, i);
  }
}

// Several rows. Each is written while the next one is computed.
void test_streamed_softmax(const Tables& tables, int64_t n) {
  describe("softmax of 3 rows of %lld, streamed", static_cast<long long>(n));
  const int64_t rows = 3;
  Array x(rows * n, n % 4), y(rows * n, n % 4);
  x.fill_random(4);
  if (n > 2) x[2 * n - 2] = 90;  // the second row's maximum comes late
  tables.softmax.softmax_streamed(y.data(), x.data(), rows, n);
  for (int64_t r = 0; r < rows; r++) {
    double most = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++) most = std::fmax(most, x[r * n + i]);
    const auto term = [&](int64_t i) { return std::exp(static_cast<double>(x[r * n + i] - static_cast<float>(most))); };
    for (int64_t i = 0; i < n; i++) sum += term(i);
    // Exponents are relative to a value that may be below the maximum, as in expect_softmax.
    for (int64_t i = 0; i < n; i++) expect(y[r * n + i], term(i) / sum, {8 + 2 * (most - x[r * n + i]), 0, 1e-44}, r * n + i);
  }
}

void test_softmax(const Tables& tables) {
  for (const int64_t n : lengths(tables.lanes)) {
    if (n == 0) continue;
    test_softmax_gradients(tables.softmax, n);
    test_streamed_softmax(tables, n);
    test_streamed_softmax(tables, n + 1030);  // several blocks
    for (int64_t gap = 0; gap < 4; gap++) {
      describe("softmax of %lld, %lld before the end of the page", static_cast<long long>(n), static_cast<long long>(gap));
      Array x(n, gap);
      x.fill_random(3);
      expect_softmax(tables.softmax, x, gap);
      for (int64_t i = 0; i < n; i += 1 + n / 7) {
        const float was = x[i];
        for (const float value : {infinity, -infinity, not_a_number, 80.0f, -200.0f, 1e30f}) {
          x[i] = value;
          expect_softmax(tables.softmax, x, gap);
        }
        x[i] = was;
      }
      x.fill(-infinity);
      expect_softmax(tables.softmax, x, gap);
      x.fill(-700);  // all below zero: lanes beyond the row must not count
      expect_softmax(tables.softmax, x, gap);
    }
  }
}

// Three rows. The first and the last are equal.
void test_layer_norm(const Tables& tables, int64_t width, bool rms, bool scaled, bool biased, bool streamed) {
  const float epsilon = 1e-5f;
  describe("layer norm of %lld, rms %d, scale %d, bias %d, streamed %d", static_cast<long long>(width), rms, scaled, biased, streamed);
  const int64_t gap = width % 4, rows = 3;
  Array x(rows * width, gap), scale(width, (gap + 1) % 4), bias(width, (gap + 2) % 4), y(rows * width, gap), mean(rows), rstd(rows, 1);
  for (Array* a : {&x, &scale, &bias}) a->fill_random(1);
  for (int64_t i = 0; i < rows * width; i++) x[i] = i < width ? 2 * x[i] + 3 : i < 2 * width ? x[i] - 5 : x[i - 2 * width];
  mean.fill(not_a_number);
  rstd.fill(not_a_number);
  tables.norm.layer_rows(y.data(), mean.data(), rstd.data(), x.data(), scaled ? scale.data() : nullptr, biased ? bias.data() : nullptr, rows, width,
                         epsilon, rms, streamed);
  for (int64_t row = 0; row < rows; row++) {
    const int64_t at = row * width;
    double m = 0, squares = 0;
    for (int64_t i = 0; i < width && !rms; i++) m += x[at + i] / static_cast<double>(width);
    for (int64_t i = 0; i < width; i++) squares += (x[at + i] - m) * (x[at + i] - m);
    const double r = 1 / std::sqrt(squares / static_cast<double>(width) + static_cast<double>(epsilon));
    expect(mean[row], m, {4, 4, 0}, row);
    // With one element, the variance is what rounding the mean leaves: nothing beside epsilon.
    expect(rstd[row], r, {16, 0, width == 1 ? 1e-3 * r : 0}, row);
    for (int64_t i = 0; i < width; i++) {
      const double want = (x[at + i] - m) * r * (scaled ? scale[i] : 1) + (biased ? bias[i] : 0);
      expect(y[at + i], want, {16, std::fmax(std::fabs((std::fabs(x[at + i]) + 4) * r), 1), 0}, at + i);
    }
  }
  // Where rows are streamed, the order of a sum depends on where its row begins.
  for (int64_t i = 0; i < width && !streamed; i++) expect(y[2 * width + i], y[i], {0, 0, 0}, i);
}

// Seven rows: those that vector targets take together, and others after them.
void test_layer_norm_gradient(const Tables& tables, int64_t width, bool rms, bool scaled, bool biased, bool streamed) {
  describe("gradient of layer norm of %lld, rms %d, scale %d, bias %d, streamed %d", static_cast<long long>(width), rms, scaled, biased, streamed);
  const int64_t gap = width % 4, rows = 7;
  Array x(rows * width, gap), scale(width, (gap + 1) % 4), dy(rows * width, gap), dx(rows * width, (gap + 3) % 4), mean(rows), rstd(rows, 1);
  Array dscale(width, gap), dbias(width, gap), dscale_before(width), dbias_before(width);
  for (Array* a : {&x, &scale, &dy, &mean, &rstd, &dscale, &dbias}) a->fill_random(1);
  dscale_before.copy(dscale);
  dbias_before.copy(dbias);
  tables.norm.layer_grad_rows(dx.data(), scaled ? dscale.data() : nullptr, biased ? dbias.data() : nullptr, dy.data(), x.data(),
                              scaled ? scale.data() : nullptr, mean.data(), rstd.data(), rows, width, rms, streamed);
  const double n = static_cast<double>(width);
  const size_t columns = static_cast<size_t>(width);
  std::vector<double> want_scale(columns), want_bias(columns), scale_sizes(columns), bias_sizes(columns);
  for (int64_t row = 0; row < rows; row++) {
    const auto normal = [&](int64_t i) { return (x[row * width + i] - static_cast<double>(mean[row])) * rstd[row]; };
    const auto g = [&](int64_t i) { return static_cast<double>(dy[row * width + i]) * (scaled ? scale[i] : 1); };
    double sum = 0, dot = 0, sizes = 0;
    for (int64_t i = 0; i < width; i++) {
      const size_t at = static_cast<size_t>(i);
      const double d = dy[row * width + i];
      sum += g(i);
      dot += g(i) * normal(i);
      sizes += std::fabs(g(i)) * (1 + std::fabs(normal(i)));
      want_scale[at] += d * normal(i);
      scale_sizes[at] += std::fabs(d) * (std::fabs(normal(i)) + std::fabs(static_cast<double>(mean[row]) * rstd[row]));
      want_bias[at] += d;
      bias_sizes[at] += std::fabs(d);
    }
    for (int64_t i = 0; i < width; i++) {
      const double want = rstd[row] * (g(i) - (rms ? 0 : sum / n) - normal(i) * dot / n);
      expect(dx[row * width + i], want, {16, std::fabs(rstd[row] * (std::fabs(g(i)) + sizes / n * (1 + std::fabs(normal(i))))), 0}, row * width + i);
    }
  }
  for (int64_t i = 0; i < width; i++) {
    const size_t at = static_cast<size_t>(i);
    expect(dscale[i], dscale_before[i] + (scaled ? want_scale[at] : 0), {8, scale_sizes[at] + std::fabs(dscale_before[i]), 0}, i);
    expect(dbias[i], dbias_before[i] + (biased ? want_bias[at] : 0), {8, bias_sizes[at] + std::fabs(dbias_before[i]), 0}, i);
  }
}

void test_group_norm(const Tables& tables, int64_t rows, int64_t channels, bool swish, bool streamed) {
  describe("group norm rows %lld of %lld channels, swish %d, streamed %d", static_cast<long long>(rows), static_cast<long long>(channels), swish, streamed);
  const int64_t gap = channels % 4, n = rows * channels;
  Array x(n, gap), dy(n, (gap + 1) % 4), y(n, gap), dz(n, gap), dx(n, (gap + 2) % 4);
  Array mean(channels, gap), rstd(channels, gap), scale(channels, gap), bias(channels, gap), factor(channels, gap);
  Array sum(channels, gap), sum1(channels, gap), sum2(channels, gap), a(channels, gap), b(channels, gap), c(channels, gap);
  for (Array* each : {&x, &dy, &mean, &rstd, &scale, &bias, &factor, &a, &b, &c}) each->fill_random(1);
  sum1.fill(0.5f);
  sum2.fill(-0.25f);
  tables.norm.square_deviations(sum.data(), x.data(), mean.data(), rows, channels);
  tables.norm.normalize_rows(y.data(), x.data(), mean.data(), factor.data(), bias.data(), rows, channels, swish, streamed);
  tables.norm.grad_sums(sum1.data(), sum2.data(), dz.data(), dy.data(), x.data(), mean.data(), rstd.data(), scale.data(), bias.data(), rows, channels, swish);
  tables.norm.grad_rows(dx.data(), dy.data(), x.data(), mean.data(), a.data(), b.data(), c.data(), nullptr, nullptr, nullptr, rows, channels, streamed);
  Array again(n, (gap + 3) % 4);  // with swish taken into account there, from dy
  tables.norm.grad_rows(again.data(), dy.data(), x.data(), mean.data(), a.data(), b.data(), c.data(), rstd.data(), scale.data(), bias.data(), rows, channels,
                        streamed);
  for (int64_t j = 0; j < channels; j++) {
    double squares = 0, s1 = 0.5, s2 = -0.25, size1 = 1, size2 = 1;
    for (int64_t i = j; i < n; i += channels) {
      const double d = static_cast<double>(x[i]) - mean[j], z = d * factor[j] + bias[j], normal = d * rstd[j], u = normal * scale[j] + bias[j];
      const double s = 1 / (1 + std::exp(-u)), slope = swish ? dy[i] * (s + u * s * (1 - s)) : dy[i];
      const double reach = std::fabs(d * factor[j]) + std::fabs(bias[j]) + 1, spread = std::fabs(normal * scale[j]) + std::fabs(bias[j]) + 1;
      squares += d * d;
      expect(y[i], swish ? z / (1 + std::exp(-z)) : z, {8, reach, 0}, i);
      if (swish) expect(dz[i], slope, {16, std::fabs(dy[i]) * spread, 0}, i);
      const double swished = dy[i] * (s + u * s * (1 - s));
      expect(again[i], swished * a[j] - b[j] - d * c[j],
             {16, std::fabs(dy[i] * a[j]) * spread + std::fabs(b[j]) + std::fabs(d * c[j]), 0}, i);
      s1 += slope;
      s2 += slope * normal;
      size1 += std::fabs(slope) + std::fabs(dy[i]) * spread;
      size2 += (std::fabs(slope) + std::fabs(dy[i]) * spread) * (std::fabs(normal) + 1);
      expect(dx[i], static_cast<double>(dy[i]) * a[j] - b[j] - d * c[j], {4, std::fabs(dy[i] * a[j]) + std::fabs(b[j]) + std::fabs(d * c[j]), 0}, i);
    }
    expect(sum[j], squares, {static_cast<double>(rows) + 4, 0, 0}, j);
    expect(sum1[j], s1, {8, size1, 0}, j);
    expect(sum2[j], s2, {8, size2, 0}, j);
  }
}

void test_adamw(const Tables& tables, int64_t n) {
  describe("adamw of %lld", static_cast<long long>(n));
  const AdamW s{1e-3f, 0.9f, 0.98f, 1e-8f, 0.01f, 1 / (1 - 0.9f), 1 / (1 - 0.98f), 0.75f, 1 - 0.9f, 1 - 0.98f};
  Array p(n, n % 4), m(n, (n + 1) % 4), v(n, (n + 2) % 4), g(n, (n + 3) % 4), p0(n), m0(n), v0(n);
  for (Array* a : {&p, &m, &v, &g}) a->fill_random(1);
  for (int64_t i = 0; i < n; i++) v[i] = std::fabs(v[i]);
  p0.copy(p);
  m0.copy(m);
  v0.copy(v);
  tables.optimizer.adamw(p.data(), m.data(), v.data(), g.data(), n, s);
  for (int64_t i = 0; i < n; i++) {
    const double b1 = s.beta1, b2 = s.beta2, d = static_cast<double>(g[i]) * s.gradient_scale;
    const double first = b1 * m0[i] + s.rest1 * d, second = b2 * v0[i] + s.rest2 * d * d;
    const double step = first * s.mean_factor / (std::sqrt(second * s.square_factor) + s.epsilon);
    expect(m[i], first, {4, std::fabs(m0[i]) + std::fabs(g[i]), 0}, i);
    expect(v[i], second, {4, 0, 0}, i);
    expect(p[i], p0[i] - s.learning_rate * (step + s.decay * static_cast<double>(p0[i])), {2, std::fabs(p0[i]) + 1e-2, 0}, i);
  }
}

void test_adafactor(const Tables& tables, int64_t n, bool momentum) {
  describe("adafactor of %lld, momentum %d", static_cast<long long>(n), momentum);
  const OptimizerKernels& kernels = tables.optimizer;
  const AdafactorStep step{0.125f, 0.9f, 1 - 0.9f, 0.01f};
  const Adafactor s{1e-3f, 0.8f, 1 - 0.8f, 1e-3f, 1, 1e-3f, 0.9f, 1 - 0.9f, 0.01f, 0.75f};
  Array g(n, n % 4), factors(n, (n + 1) % 4), columns(n, (n + 2) % 4), v(n, (n + 3) % 4), p(n, 1), m(n, 2), full_p(n, 3), full_m(n);
  Array columns0(n), v0(n), p0(n), m0(n);
  for (Array* a : {&g, &factors, &columns, &v, &p, &m}) a->fill_random();
  for (int64_t i = 0; i < n; i++) {
    v[i] = std::fabs(v[i]);
    columns[i] = std::fabs(columns[i]);
  }
  columns0.copy(columns);
  v0.copy(v);
  p0.copy(p);
  m0.copy(m);
  full_p.copy(p);
  full_m.copy(m);
  double squares = 0, factored = 0, norm = 0, full = 0;
  for (int64_t i = 0; i < n; i++) {
    const double d = static_cast<double>(g[i]) * s.gradient_scale, u = static_cast<double>(g[i]) * 0.5 * factors[i];
    squares += static_cast<double>(g[i]) * g[i];
    factored += d * d + s.epsilon;
    norm += u * u;
    const double square = static_cast<double>(s.rho) * v0[i] + s.rest * (d * d + s.epsilon);
    full += d * d / square;
  }
  const Tolerance sum{64, 0, 0};
  expect(kernels.sum_squares(g.data(), n), squares, sum);
  expect(kernels.factored_squares(columns.data(), g.data(), n, s.gradient_scale, s.epsilon), factored, sum);
  expect(kernels.factored_norm(g.data(), factors.data(), n, 0.5f), norm, sum);
  expect(kernels.full_squares(v.data(), g.data(), n, s), full, sum);
  kernels.factored_step(p.data(), momentum ? m.data() : nullptr, g.data(), factors.data(), n, step);
  kernels.full_step(full_p.data(), momentum ? full_m.data() : nullptr, g.data(), v.data(), n, step);
  for (int64_t i = 0; i < n; i++) {
    const double d = static_cast<double>(g[i]) * s.gradient_scale;
    expect(columns[i], columns0[i] + d * d + s.epsilon, {3, 0, 0}, i);
    expect(v[i], static_cast<double>(s.rho) * v0[i] + s.rest * (d * d + s.epsilon), {4, 0, 0}, i);
    const auto stepped = [&](double u, float after, float after_m) {
      const double size = std::fabs(u) + std::fabs(m0[i]) + std::fabs(p0[i]);
      if (momentum) {
        u = static_cast<double>(step.momentum) * m0[i] + step.momentum_rest * u;
        expect(after_m, u, {4, size, 0}, i);
      }
      expect(after, p0[i] - (u + step.decay * static_cast<double>(p0[i])), {4, size, 0}, i);
    };
    stepped(static_cast<double>(g[i]) * step.factor * factors[i], p[i], m[i]);
    stepped(static_cast<double>(g[i]) / std::sqrt(static_cast<double>(v[i])) * step.factor, full_p[i], full_m[i]);
  }
}

}  // namespace

void test_rows(const Tables& tables) {
  test_reduce(tables);
  test_softmax(tables);
  for (const int64_t width : lengths(tables.lanes)) {
    test_adamw(tables, width);
    test_adafactor(tables, width, false);
    test_adafactor(tables, width, true);
    for (int flags = 0; flags < 16 && width > 0; flags++) {
      test_layer_norm(tables, width, flags & 1, flags & 2, flags & 4, flags & 8);
      test_layer_norm_gradient(tables, width, flags & 1, flags & 2, flags & 4, flags & 8);
    }
    for (const int64_t rows : {0, 1, 2, 5}) {
      for (int flags = 0; flags < 4; flags++) test_group_norm(tables, rows, width, flags & 1, flags & 2);
    }
  }
}

}  // namespace test
}  // namespace easel
