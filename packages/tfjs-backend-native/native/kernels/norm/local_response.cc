#include "kernels/norm/local_response.h"

#include <cmath>
#include <cstddef>

#include "runtime/block.h"
#include "runtime/threads.h"

namespace easel {
namespace {

constexpr int64_t grain = 4096;  // floats of one piece of work

/// s^−beta. The exponents that networks use need no logarithm.
double power(double s, double beta) {
  if (beta == 0.5) return 1 / std::sqrt(s);
  if (beta == 0.75) {
    const double root = std::sqrt(s);
    return 1 / (root * std::sqrt(root));
  }
  if (beta == 1) return 1 / s;
  return std::pow(s, -beta);
}

/// out[c] = Σ value(d) over |d − c| ≤ radius.
template <typename Value>
void window_sums(double* out, const LocalResponse& norm, const Value& value) {
  for (int64_t c = 0; c < norm.channels; c++) {
    const int64_t first = c < norm.radius ? 0 : c - norm.radius;
    const int64_t last = norm.channels - 1 - c < norm.radius ? norm.channels - 1 : c + norm.radius;
    double sum = 0;
    for (int64_t d = first; d <= last; d++) sum += value(d);
    out[c] = sum;
  }
}

/// s of each channel of a pixel.
void scales(double* s, const float* x, const LocalResponse& norm) {
  window_sums(s, norm, [&](int64_t d) { return static_cast<double>(x[d]) * static_cast<double>(x[d]); });
  for (int64_t c = 0; c < norm.channels; c++) s[c] = norm.bias + norm.alpha * s[c];
}

/// Runs pixel(rows of doubles, offset) for each pixel; `rows` rows of `channels` doubles are its
/// scratch.
template <typename Pixel>
bool for_pixels(int64_t pixels, const LocalResponse& norm, int64_t rows, const Pixel& pixel) {
  bool enough_memory = true;
  parallel_for(pixels, norm.channels < grain ? grain / norm.channels : 1, [&](int64_t begin, int64_t end) {
    double* const space = static_cast<double*>(scratch(0, static_cast<size_t>(rows * norm.channels) * sizeof(double)));
    if (!space) return __atomic_store_n(&enough_memory, false, __ATOMIC_RELAXED);
    for (int64_t i = begin; i < end; i++) pixel(space, i * norm.channels);
  });
  return enough_memory;
}

}  // namespace

bool local_response(float* y, const float* x, int64_t pixels, const LocalResponse& norm) {
  return for_pixels(pixels, norm, 1, [&](double* s, int64_t at) {
    scales(s, x + at, norm);
    for (int64_t c = 0; c < norm.channels; c++) y[at + c] = static_cast<float>(x[at + c] * power(s[c], norm.beta));
  });
}

bool local_response_grad(float* dx, const float* dy, const float* x, const float* y, int64_t pixels, const LocalResponse& norm) {
  return for_pixels(pixels, norm, 2, [&](double* s, int64_t at) {
    double* const shares = s + norm.channels;
    scales(s, x + at, norm);
    window_sums(shares, norm, [&](int64_t c) { return static_cast<double>(dy[at + c]) * static_cast<double>(y[at + c]) / s[c]; });
    for (int64_t c = 0; c < norm.channels; c++) {
      dx[at + c] = static_cast<float>(dy[at + c] * power(s[c], norm.beta) - 2 * norm.alpha * norm.beta * x[at + c] * shares[c]);
    }
  });
}

}  // namespace easel
