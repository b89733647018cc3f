// Rounding float32 to its upper half, to the nearest and by chance, and back.
#include <cmath>

#include "test/check.h"

namespace easel {
namespace test {
namespace {

float truncated(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  bits &= 0xffff0000u;
  std::memcpy(&x, &bits, sizeof(x));
  return x;
}

/// The neighbour of a truncated value, away from 0.
float next_up(float t) {
  uint32_t bits;
  std::memcpy(&bits, &t, sizeof(bits));
  bits += 0x10000u;
  std::memcpy(&t, &bits, sizeof(t));
  return t;
}

bool is_even(float t) {
  uint32_t bits;
  std::memcpy(&bits, &t, sizeof(bits));
  return (bits >> 16 & 1) == 0;
}

/// Rounds by the distances to both neighbours, in double precision. Beyond the largest value the
/// upper neighbour counts as 2^128.
float nearest(float x) {
  if (x != x || std::isinf(x)) return x;
  const float low = truncated(x), high = next_up(low);
  const double top = std::isinf(high) ? std::copysign(std::ldexp(1.0, 128), x) : static_cast<double>(high);
  const double below = std::fabs(static_cast<double>(x) - low), above = std::fabs(top - x);
  return below < above || (below == above && is_even(low)) ? low : high;
}

void fill_specials(Array& x) {
  const float largest = std::numeric_limits<float>::max(), denormal = 1e-41f;
  const float specials[] = {0.0f, -0.0f, infinity, -infinity, not_a_number, largest, -largest, denormal, -denormal,
                            1.0f, 1.00390625f /* a tie, to even below */, 1.01171875f /* a tie, to even above */, 1.003906369f};
  x.fill_random();
  for (int64_t i = 0, step = x.size() / 13 + 1, s = 0; i < x.size() && s < 13; i += step, s++) x[i] = specials[s];
}

bool same(float a, float b) { return a != a ? b != b : std::memcmp(&a, &b, sizeof(a)) == 0; }

}  // namespace

void test_bfloat16(const Tables& tables) {
  for (const int64_t n : lengths(tables.lanes)) {
    for (int64_t gap = 0; gap < 4; gap += 3) {
      describe("%lld words", static_cast<long long>(n));
      for (const int64_t highs : {n, n - 1}) {
        if (highs < 0) continue;
        Array low(n, gap), high(highs, gap), words(n, gap), widened_low(n, gap), widened_high(highs, gap), by_chance(n, gap), reference(n, gap);
        fill_specials(low);
        fill_specials(high);
        int32_t* y = reinterpret_cast<int32_t*>(words.data());
        tables.bfloat16.narrow(y, low.data(), high.data(), n, highs);
        tables.bfloat16.widen(widened_low.data(), widened_high.data(), y, n, highs);
        for (int64_t i = 0; i < n; i++) expect_true(same(widened_low[i], nearest(low[i])), "low halves to nearest");
        for (int64_t i = 0; i < highs; i++) expect_true(same(widened_high[i], nearest(high[i])), "high halves to nearest");

        int32_t* z = reinterpret_cast<int32_t*>(by_chance.data());
        int32_t* r = reinterpret_cast<int32_t*>(reference.data());
        tables.bfloat16.narrow_by_chance(z, low.data(), high.data(), n, highs, 12345, 77);
        bfloat16_serial.narrow_by_chance(r, low.data(), high.data(), n, highs, 12345, 77);
        expect_true(n == 0 || std::memcmp(z, r, static_cast<size_t>(n) * sizeof(*z)) == 0, "by chance as the serial form");
        tables.bfloat16.widen(widened_low.data(), widened_high.data(), z, n, highs);
        for (int64_t i = 0; i < n; i++) {
          const float t = truncated(low[i]), got = widened_low[i];
          expect_true(low[i] != low[i] ? got != got : same(got, t) || (!std::isinf(low[i]) && same(got, next_up(t))), "a neighbour");
        }
      }
    }
  }
  describe("mean of what is rounded by chance");
  constexpr int64_t many = 100000;
  Array x(many), high(many), words(many), back(many), back_high(many);
  x.fill(1.001f);  // 0.128 of the way from 1 to 1.0078125
  high.fill(-3.005f);
  int32_t* y = reinterpret_cast<int32_t*>(words.data());
  tables.bfloat16.narrow_by_chance(y, x.data(), high.data(), many, many, 7, 0);
  tables.bfloat16.widen(back.data(), back_high.data(), y, many, many);
  double mean = 0, mean_high = 0;
  for (int64_t i = 0; i < many; i++) mean += back[i] / many, mean_high += back_high[i] / many;
  // Six standard deviations: 6·ulp·√(p(1 − p) / n).
  expect_true(std::fabs(mean - 1.001) < 6 * 0.0078125 * 0.334 / std::sqrt(double{many}), "mean 1.001");
  expect_true(std::fabs(mean_high + 3.005) < 6 * 0.015625 * 0.5 / std::sqrt(double{many}), "mean −3.005");

  describe("drivers");
  for (const int64_t n : {int64_t{0}, int64_t{1}, int64_t{2}, int64_t{100001}}) {
    Array values(n), halves(bfloat16_words(n)), again(n);
    values.fill_random();
    int32_t* z = reinterpret_cast<int32_t*>(halves.data());
    narrow_floats(z, values.data(), n);
    widen_floats(again.data(), z, n);
    for (int64_t i = 0; i < n; i++) expect_true(same(again[i], nearest(values[i])), "there and back");
    run_threads(halves, [&](float* y) { narrow_floats_by_chance(reinterpret_cast<int32_t*>(y), values.data(), n, 3); });
  }
}

}  // namespace test
}  // namespace easel
