#include "kernels/norm/norm.h"

#include <atomic>
#include <cmath>
#include <cstring>

#include "kernels/reduce/reduce.h"
#include "runtime/block.h"
#include "runtime/dispatch.h"
#include "runtime/integers.h"
#include "runtime/stream.h"
#include "runtime/threads.h"

namespace easel {
namespace {

constexpr int64_t grain = 16384;          // elements of one piece of work
constexpr int64_t cached_part = 16384;    // elements that stay in the first-level and second-level caches between two passes

float* scratch_floats(int slot, int64_t count) { return static_cast<float*>(scratch(slot, sizeof(float) * static_cast<size_t>(count))); }

void clear(float* x, int64_t n) { std::memset(x, 0, sizeof(float) * static_cast<size_t>(n)); }

/// How many pixels one thread takes at once: whole rows of channels.
int64_t part_pixels(const GroupNormShape& shape) { return max_of(1, cached_part / shape.channels); }

}  // namespace

void layer_norm(float* y, float* mean, float* rstd, const float* x, const float* scale, const float* bias, int64_t rows, int64_t width,
                float epsilon, bool rms) {
  const NormKernels& kernels = EASEL_KERNELS(norm);
  const bool streamed = is_streamed(rows * width);
  parallel_for(rows, max_of(1, (streamed ? 8 * grain : grain) / width), [&](int64_t begin, int64_t end) {
    kernels.layer_rows(y + begin * width, mean + begin, rstd + begin, x + begin * width, scale, bias, end - begin, width, epsilon, rms, streamed);
    if (streamed) finish_streaming();
  });
}

bool layer_norm_grad(float* dx, float* dscale, float* dbias, const float* dy, const float* x, const float* mean, const float* rstd,
                     const float* scale, int64_t rows, int64_t width, bool rms) {
  const NormKernels& kernels = EASEL_KERNELS(norm);
  // A part has a size that keeps its sums cheap beside its rows. There are at most 64 parts.
  const int64_t part_rows = max_of(max_of(1, grain / width), ceil_div(rows, 64));
  const int64_t parts = ceil_div(rows, part_rows), sums = (dscale ? 1 : 0) + (dbias ? 1 : 0);
  const bool streamed = is_streamed(rows * width);
  float* partial = sums ? scratch_floats(0, parts * sums * width) : nullptr;
  if (sums && !partial) return false;
  parallel_for(parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; part++) {
      float* mine = partial + part * sums * width;
      if (sums) clear(mine, sums * width);
      float* mine_bias = dbias ? mine + (sums - 1) * width : nullptr;
      const int64_t r = part * part_rows, here = r + part_rows < rows ? part_rows : rows - r;
      kernels.layer_grad_rows(dx + r * width, dscale ? mine : nullptr, mine_bias, dy + r * width, x + r * width, scale, mean + r, rstd + r, here, width,
                              rms, streamed);
    }
    if (streamed) finish_streaming();
  });
  const auto sum_rows = EASEL_KERNELS(reduce).sum_rows;
  if (dscale) sum_rows(dscale, partial, parts, sums * width, width, 1.0);
  if (dbias) sum_rows(dbias, partial + (sums - 1) * width, parts, sums * width, width, 1.0);
  return true;
}

bool group_norm(float* y, float* mean, float* rstd, const float* x, const float* scale, const float* bias, const GroupNormShape& shape,
                float epsilon, bool swish) {
  const NormKernels& kernels = EASEL_KERNELS(norm);
  const auto sum_rows = EASEL_KERNELS(reduce).sum_rows;
  const int64_t channels = shape.channels, groups = shape.groups, width = channels / groups;
  const int64_t pixels = part_pixels(shape), parts = ceil_div(shape.pixels, pixels);
  // Mean and sum of squared deviations are computed for each part and group, then for the whole by
  // Chan's formula.
  double* statistics = static_cast<double*>(scratch(0, sizeof(double) * static_cast<size_t>(2 * shape.batch * parts * groups)));
  float* factors = scratch_floats(1, 2 * shape.batch * channels);
  if (!statistics || !factors) return false;
  std::atomic<bool> complete{true};
  parallel_for(shape.batch * parts, 1, [&](int64_t begin, int64_t end) {
    float* sums = scratch_floats(2, 2 * channels);
    if (!sums) {
      complete = false;
      return;
    }
    float* means = sums + channels;
    for (int64_t unit = begin; unit < end; unit++) {
      const int64_t first = unit % parts * pixels, rows = first + pixels < shape.pixels ? pixels : shape.pixels - first;
      const float* from = x + (unit / parts * shape.pixels + first) * channels;
      double* mine = statistics + 2 * unit * groups;
      sum_rows(sums, from, rows, channels, channels, 1.0);
      for (int64_t g = 0; g < groups; g++) {
        double total = 0;
        for (int64_t c = g * width; c < (g + 1) * width; c++) total += sums[c];
        mine[2 * g] = static_cast<float>(total / static_cast<double>(rows * width));
        for (int64_t c = g * width; c < (g + 1) * width; c++) means[c] = static_cast<float>(mine[2 * g]);
      }
      kernels.square_deviations(sums, from, means, rows, channels);
      for (int64_t g = 0; g < groups; g++) {
        double total = 0;
        for (int64_t c = g * width; c < (g + 1) * width; c++) total += sums[c];
        mine[2 * g + 1] = total;
      }
    }
  });
  if (!complete.load()) return false;
  for (int64_t b = 0; b < shape.batch; b++) {
    // The first part's statistics become those of the whole.
    double* whole = statistics + 2 * b * parts * groups;
    double count = static_cast<double>((pixels < shape.pixels ? pixels : shape.pixels) * width);
    for (int64_t part = 1; part < parts; part++) {
      const double* other = whole + 2 * part * groups;
      const double n = static_cast<double>((part * pixels + pixels < shape.pixels ? pixels : shape.pixels - part * pixels) * width);
      const double share = n / (count + n), product = count * share;
      for (int64_t g = 0; g < groups; g++) {
        const double delta = other[2 * g] - whole[2 * g];
        whole[2 * g] += delta * share;
        whole[2 * g + 1] += other[2 * g + 1] + delta * delta * product;
      }
      count += n;
    }
    for (int64_t g = 0; g < groups; g++) {
      const float average = static_cast<float>(whole[2 * g]), r = static_cast<float>(1 / std::sqrt(whole[2 * g + 1] / count + epsilon));
      mean[b * groups + g] = average;
      rstd[b * groups + g] = r;
      for (int64_t c = g * width; c < (g + 1) * width; c++) {
        factors[2 * b * channels + c] = average;
        factors[(2 * b + 1) * channels + c] = r * scale[c];
      }
    }
  }
  const bool streamed = is_streamed(shape.batch * shape.pixels * channels);
  parallel_for(shape.batch * parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; unit++) {
      const int64_t first = unit % parts * pixels, b = unit / parts, at = (b * shape.pixels + first) * channels;
      kernels.normalize_rows(y + at, x + at, factors + 2 * b * channels, factors + (2 * b + 1) * channels, bias,
                             first + pixels < shape.pixels ? pixels : shape.pixels - first, channels, swish, streamed);
    }
    if (streamed) finish_streaming();
  });
  return true;
}

bool group_norm_grad(float* dx, float* dscale, float* dbias, const float* dy, const float* x, const float* mean, const float* rstd,
                     const float* scale, const float* bias, const GroupNormShape& shape, bool swish) {
  const NormKernels& kernels = EASEL_KERNELS(norm);
  const int64_t channels = shape.channels, groups = shape.groups, width = channels / groups;
  const int64_t pixels = part_pixels(shape), parts = ceil_div(shape.pixels, pixels);
  float* partial = scratch_floats(0, 2 * shape.batch * parts * channels);
  const bool streamed = is_streamed(shape.batch * shape.pixels * channels);
  // For each picture: a channel's mean, rstd, and the factors a, b, c of grad_rows.
  float* factors = scratch_floats(1, 5 * shape.batch * channels);
  double* totals = static_cast<double*>(scratch(2, sizeof(double) * static_cast<size_t>(2 * channels)));
  if (!partial || !factors || !totals) return false;
  for (int64_t b = 0; b < shape.batch; b++) {
    float* mine = factors + 5 * b * channels;
    for (int64_t c = 0; c < channels; c++) {
      mine[c] = mean[b * groups + c / width];
      mine[channels + c] = rstd[b * groups + c / width];
    }
  }
  parallel_for(shape.batch * parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; unit++) {
      const int64_t first = unit % parts * pixels, b = unit / parts, at = (b * shape.pixels + first) * channels;
      const float* mine = factors + 5 * b * channels;
      float* sums = partial + 2 * unit * channels;
      clear(sums, 2 * channels);
      kernels.grad_sums(sums, sums + channels, streamed ? nullptr : dx + at, dy + at, x + at, mine, mine + channels, scale, bias,
                        first + pixels < shape.pixels ? pixels : shape.pixels - first, channels, swish);
    }
  });
  clear(dscale, channels);
  clear(dbias, channels);
  const double count = static_cast<double>(shape.pixels * width);
  for (int64_t b = 0; b < shape.batch; b++) {
    float* mine = factors + 5 * b * channels;
    for (int64_t c = 0; c < 2 * channels; c++) totals[c] = 0;
    for (int64_t part = 0; part < parts; part++) {
      const float* sums = partial + 2 * (b * parts + part) * channels;
      for (int64_t c = 0; c < 2 * channels; c++) totals[c] += sums[c];
    }
    for (int64_t g = 0; g < groups; g++) {
      double average = 0, along = 0;
      for (int64_t c = g * width; c < (g + 1) * width; c++) {
        const double sum1 = totals[c], sum2 = totals[channels + c];
        dbias[c] += static_cast<float>(sum1);
        dscale[c] += static_cast<float>(sum2);
        average += scale[c] * sum1 / count;
        along += scale[c] * sum2 / count;
      }
      const double r = rstd[b * groups + g];
      for (int64_t c = g * width; c < (g + 1) * width; c++) {
        mine[2 * channels + c] = static_cast<float>(r * scale[c]);
        mine[3 * channels + c] = static_cast<float>(r * average);
        mine[4 * channels + c] = static_cast<float>(r * r * along);
      }
    }
  }
  // Where the dz of the sums would go out to memory and come back, it is computed again.
  const bool again = streamed && swish;
  const float* dz = swish && !again ? dx : dy;
  parallel_for(shape.batch * parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; unit++) {
      const int64_t first = unit % parts * pixels, b = unit / parts, at = (b * shape.pixels + first) * channels;
      const float* mine = factors + 5 * b * channels;
      kernels.grad_rows(dx + at, dz + at, x + at, mine, mine + 2 * channels, mine + 3 * channels, mine + 4 * channels,
                        again ? mine + channels : nullptr, scale, bias,
                        first + pixels < shape.pixels ? pixels : shape.pixels - first, channels, streamed);
    }
    if (streamed) finish_streaming();
  });
  return true;
}

}  // namespace easel
