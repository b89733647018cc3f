// Depthwise convolution and its gradients, as the binding calls them, against plain loops in double
// precision.
#include "kernels/depthwise/depthwise.h"
#include "test/check.h"

namespace easel {
namespace test {
namespace {

int64_t outputs(int64_t in, int64_t filter, int64_t stride, int64_t pad, int64_t dilation) { return (in + 2 * pad - (filter - 1) * dilation - 1) / stride + 1; }

/// What each result should be, and the sum of its terms' magnitudes.
struct Reference {
  explicit Reference(int64_t size) : sums(static_cast<size_t>(size)), magnitudes(static_cast<size_t>(size)) {}
  void add(int64_t at, double term) {
    sums[static_cast<size_t>(at)] += term;
    magnitudes[static_cast<size_t>(at)] += std::fabs(term);
  }
  void compare(const Array& got, int64_t terms) const {
    for (int64_t i = 0; i < got.size(); i++) {
      const size_t at = static_cast<size_t>(i);
      expect(got[i], sums[at], {0, 0, static_cast<double>(terms + 1) * 0x1p-24 * magnitudes[at]}, i);
    }
  }
  std::vector<double> sums, magnitudes;
};

void test_depthwise(int64_t channels, int64_t times, int64_t filter_h, int64_t filter_w, int64_t stride, int64_t pad, int64_t dilation) {
  describe("depthwise %lldx%lld on %lld channels, %lld filters each, stride %lld, pad %lld, dilation %lld", static_cast<long long>(filter_h),
           static_cast<long long>(filter_w), static_cast<long long>(channels), static_cast<long long>(times), static_cast<long long>(stride),
           static_cast<long long>(pad), static_cast<long long>(dilation));
  ConvShape s{2, 9, 14, channels, 0, 0, channels * times, filter_h, filter_w, stride, stride + 1, pad, pad + 1, dilation, dilation};
  s.out_h = outputs(s.in_h, s.filter_h, s.stride_h, s.pad_top, s.dilation_h);
  s.out_w = outputs(s.in_w, s.filter_w, s.stride_w, s.pad_left, s.dilation_w);
  const int64_t in = s.batch * s.in_h * s.in_w * s.in_c, out = s.batch * s.out_h * s.out_w * s.out_c, taps = s.filter_h * s.filter_w * s.out_c;
  Array x(in, 1), filter(taps, 2), bias(s.out_c, 3), dy(out, 2), y(out, channels % 4), dx(in, 3), df(taps, 1);
  x.fill_random();
  filter.fill_random();
  bias.fill_random();
  dy.fill_random();
  run_threads(y, [&](float* to) { expect_true(depthwise(s, x.data(), filter.data(), to, {bias.data()}), "memory"); });
  run_threads(dx, [&](float* to) { expect_true(depthwise_input_gradient(s, dy.data(), filter.data(), to), "memory"); });
  run_threads(df, [&](float* to) { expect_true(depthwise_filter_gradient(s, x.data(), dy.data(), to), "memory"); });

  Reference want_y(out), want_dx(in), want_df(taps);
  for (int64_t o = 0; o < out; o++) {
    const int64_t d = o % s.out_c, j = o / s.out_c % s.out_w, i = o / s.out_c / s.out_w % s.out_h, b = o / s.out_c / s.out_w / s.out_h;
    want_y.add(o, bias[d]);
    for (int64_t u = 0; u < s.filter_h; u++) {
      for (int64_t v = 0; v < s.filter_w; v++) {
        const int64_t row = i * s.stride_h + u * s.dilation_h - s.pad_top, column = j * s.stride_w + v * s.dilation_w - s.pad_left;
        if (row < 0 || row >= s.in_h || column < 0 || column >= s.in_w) continue;
        const int64_t from = ((b * s.in_h + row) * s.in_w + column) * s.in_c + d / times, tap = (u * s.filter_w + v) * s.out_c + d;
        want_y.add(o, static_cast<double>(x[from]) * filter[tap]);
        want_dx.add(from, static_cast<double>(dy[o]) * filter[tap]);
        want_df.add(tap, static_cast<double>(dy[o]) * x[from]);
      }
    }
  }
  want_y.compare(y, s.filter_h * s.filter_w);
  want_dx.compare(dx, s.filter_h * s.filter_w * times);
  want_df.compare(df, s.batch * s.out_h * s.out_w);
}

}  // namespace

void test_depthwise(const Tables& tables) {
  for (const int64_t channels : lengths(tables.lanes)) {
    if (channels > 0) test_depthwise(channels, 1, 3, 3, 1, 1, 1);
  }
  for (const int64_t channels : {int64_t{1}, tables.lanes - 1, tables.lanes, tables.lanes + 1}) {
    //                      times filter stride pad dilation
    test_depthwise(channels, 1, 3, 3, 2, 0, 1);
    test_depthwise(channels, 1, 5, 4, 1, 2, 1);  // more taps than are summed at once
    test_depthwise(channels, 1, 3, 2, 1, 3, 2);  // windows that lie beyond the border
    test_depthwise(channels, 1, 2, 2, 3, 0, 2);  // pixels that no window reads
    test_depthwise(channels, 3, 3, 3, 1, 1, 1);
    test_depthwise(channels, 2, 4, 3, 2, 1, 1);
    test_depthwise(channels, 1, 1, 1, 1, 0, 1);
  }
}

}  // namespace test
}  // namespace easel
