// Pooling, bilinear resizing and their gradients, as the binding calls them, against plain loops.
#include "kernels/pool/pool.h"
#include "kernels/resize/resize.h"
#include "test/check.h"

namespace easel {
namespace test {
namespace {

void test_pool(const PoolShape& s) {
  describe("pooling of %lld×%lld×%lld by %lld×%lld, stride %lld", static_cast<long long>(s.in_h), static_cast<long long>(s.in_w),
           static_cast<long long>(s.channels), static_cast<long long>(s.window_h), static_cast<long long>(s.window_w), static_cast<long long>(s.stride_h));
  const int64_t in = s.batch * s.in_h * s.in_w * s.channels, out = s.batch * s.out_h * s.out_w * s.channels;
  Array x(in, 1), dy(out, 2), largest(out, 3), average(out), dx_largest(in, 1), dx_average(in, 2);
  x.fill_random();
  dy.fill_random();
  for (int64_t i = 3; i < in; i += 11) x[i] = x[i - 3];  // the first of equals gets the gradient
  for (int64_t i = 5; i < in; i += 41) x[i] = -infinity;
  run_threads(largest, [&](float* to) { max_pool(to, x.data(), s); });
  run_threads(dx_largest, [&](float* to) { max_pool_gradient(to, dy.data(), x.data(), s); });
  run_threads(dx_average, [&](float* to) { average_pool_gradient(to, dy.data(), s); });
  for (int64_t i = 0; i < in; i++) {
    if (std::isinf(x[i])) x[i] = 0;
  }
  run_threads(average, [&](float* to) { average_pool(to, x.data(), s); });
  for (int64_t i = 5; i < in; i += 41) x[i] = -infinity;
  std::vector<double> want_largest(static_cast<size_t>(in)), want_average(static_cast<size_t>(in)), sizes(static_cast<size_t>(in));
  for (int64_t o = 0; o < out; o++) {
    const int64_t c = o % s.channels, j = o / s.channels % s.out_w, i = o / s.channels / s.out_w % s.out_h, b = o / s.channels / s.out_w / s.out_h;
    double most = -INFINITY, sum = 0, sum_sizes = 0;
    int64_t count = 0, at = -1;
    for (int64_t u = 0; u < s.window_h; u++) {
      for (int64_t v = 0; v < s.window_w; v++) {
        const int64_t row = i * s.stride_h + u - s.pad_top, column = j * s.stride_w + v - s.pad_left;
        if (row < 0 || row >= s.in_h || column < 0 || column >= s.in_w) continue;
        const int64_t from = ((b * s.in_h + row) * s.in_w + column) * s.channels + c;
        if (x[from] > most) {
          most = x[from];
          at = from;
        }
        const double value = std::isinf(x[from]) ? 0 : x[from];
        sum += value;
        sum_sizes += std::fabs(value);
        count++;
        sizes[static_cast<size_t>(from)] += std::fabs(dy[o]);
      }
    }
    for (int64_t u = 0; u < s.window_h; u++) {
      for (int64_t v = 0; v < s.window_w; v++) {
        const int64_t row = i * s.stride_h + u - s.pad_top, column = j * s.stride_w + v - s.pad_left;
        if (row < 0 || row >= s.in_h || column < 0 || column >= s.in_w) continue;
        const int64_t from = ((b * s.in_h + row) * s.in_w + column) * s.channels + c;
        want_average[static_cast<size_t>(from)] += static_cast<double>(dy[o]) / static_cast<double>(count);
      }
    }
    expect(largest[o], most, {}, o);
    expect(average[o], sum / static_cast<double>(count), {0, 0, 16 * 0x1p-24 * sum_sizes}, o);
    if (at >= 0) want_largest[static_cast<size_t>(at)] += dy[o];
  }
  for (int64_t i = 0; i < in; i++) {
    const Tolerance tolerance{0, 0, 16 * 0x1p-24 * sizes[static_cast<size_t>(i)]};
    expect(dx_largest[i], want_largest[static_cast<size_t>(i)], tolerance, i);
    expect(dx_average[i], want_average[static_cast<size_t>(i)], tolerance, i);
  }
}

void test_resize(int64_t channels) {
  describe("bilinear resizing of %lld channels", static_cast<long long>(channels));
  const int64_t batch = 2, from_h = 5, from_w = 4, to_h = 7, to_w = 9;
  std::vector<int32_t> top, bottom, left, right;
  std::vector<float> down, across;
  const auto lines = [](int64_t from, int64_t to, std::vector<int32_t>& first, std::vector<int32_t>& second, std::vector<float>& fraction) {
    for (int64_t i = 0; i < to; i++) {
      const float at = static_cast<float>(i * (from - 1)) / static_cast<float>(to - 1);
      first.push_back(static_cast<int32_t>(at));
      second.push_back(static_cast<int32_t>(std::fmin(at + 1, static_cast<float>(from - 1))));
      fraction.push_back(at - static_cast<float>(first.back()));
    }
  };
  lines(from_h, to_h, top, bottom, down);
  lines(from_w, to_w, left, right, across);
  Array x(batch * from_h * from_w * channels, channels % 4), y(batch * to_h * to_w * channels, (channels + 1) % 4);
  x.fill_random();
  const BilinearAxis rows{from_h, to_h, top.data(), bottom.data(), down.data()}, columns{from_w, to_w, left.data(), right.data(), across.data()};
  run_threads(y, [&](float* to) { resize_bilinear(to, x.data(), batch, rows, columns, channels); });
  for (int64_t o = 0; o < y.size(); o++) {
    const int64_t c = o % channels, b = o / channels / to_w / to_h;
    const size_t j = static_cast<size_t>(o / channels % to_w), i = static_cast<size_t>(o / channels / to_w % to_h);
    const auto at = [&](int64_t row, int64_t column) { return static_cast<double>(x[((b * from_h + row) * from_w + column) * channels + c]); };
    const double above = at(top[i], left[j]) + (at(top[i], right[j]) - at(top[i], left[j])) * across[j];
    const double below = at(bottom[i], left[j]) + (at(bottom[i], right[j]) - at(bottom[i], left[j])) * across[j];
    expect(y[o], above + (below - above) * down[i], {8, 4, 0}, o);
  }

  Array dy(y.size(), (channels + 2) % 4), dx(x.size(), (channels + 3) % 4);
  dy.fill_random();
  run_threads(dx, [&](float* to) { resize_bilinear_gradient(to, dy.data(), batch, rows, columns, channels); });
  std::vector<double> want(static_cast<size_t>(dx.size())), sizes(static_cast<size_t>(dx.size()));
  for (int64_t o = 0; o < dy.size(); o++) {
    const int64_t c = o % channels, b = o / channels / to_w / to_h;
    const size_t j = static_cast<size_t>(o / channels % to_w), i = static_cast<size_t>(o / channels / to_w % to_h);
    const auto give = [&](int64_t row, int64_t column, double weight) {
      const size_t at = static_cast<size_t>(((b * from_h + row) * from_w + column) * channels + c);
      want[at] += weight * dy[o];
      sizes[at] += std::fabs(weight * dy[o]);
    };
    give(top[i], left[j], (1.0 - down[i]) * (1.0 - across[j]));
    give(top[i], right[j], (1.0 - down[i]) * across[j]);
    give(bottom[i], left[j], down[i] * (1.0 - across[j]));
    give(bottom[i], right[j], static_cast<double>(down[i]) * across[j]);
  }
  for (int64_t i = 0; i < dx.size(); i++) expect(dx[i], want[static_cast<size_t>(i)], {0, 0, 16 * 0x1p-24 * (sizes[static_cast<size_t>(i)] + 1e-3)}, i);
}

}  // namespace

void test_images(const Tables& tables) {
  for (const int64_t channels : lengths(tables.lanes)) {
    if (channels == 0) continue;
    test_resize(channels);
    //         batch in_h in_w channels out_h out_w window stride pad
    test_pool({2, 5, 6, channels, 4, 5, 2, 2, 1, 1, 0, 0});
    test_pool({1, 7, 6, channels, 4, 3, 3, 3, 2, 2, 1, 1});
  }
}

}  // namespace test
}  // namespace easel
