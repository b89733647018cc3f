#include "kernels/pool/pool.h"

#include <cstring>

#include "runtime/dispatch.h"
#include "runtime/threads.h"

namespace easel {
namespace {

constexpr int64_t grain = 16384;  // pixels' channels that a piece of work reads
/// A gradient's pieces are pictures; where there are few, pictures and so many channels: a cache line.
constexpr int64_t fewest_pictures = 8, channel_part = 16;

int64_t at_least_one(int64_t n) { return n < 1 ? 1 : n; }

/// What of window (row, column) lies inside a picture: sets the window's rows and columns, returns the offset of its first pixel.
int64_t place(const PoolShape& s, int64_t row, int64_t column, PoolWindow* window) {
  const int64_t top = row * s.stride_height - s.pad_top, left = column * s.stride_width - s.pad_left;
  const int64_t first_row = top < 0 ? 0 : top, first_column = left < 0 ? 0 : left;
  const int64_t last_row = top + s.filter_height < s.in_height ? top + s.filter_height : s.in_height;
  const int64_t last_column = left + s.filter_width < s.in_width ? left + s.filter_width : s.in_width;
  window->rows = last_row > first_row ? last_row - first_row : 0;
  window->columns = last_column > first_column ? last_column - first_column : 0;
  return (first_row * s.in_width + first_column) * s.channels;
}

PoolWindow whole_window(const PoolShape& s) { return {0, 0, s.in_width * s.channels, s.channels, s.channels}; }

/// Calls f(y offset, x offset, window) for each pixel of the result, on all threads.
template <typename F>
void each_window(const PoolShape& s, F f) {
  const int64_t work = s.out_width * s.channels * s.filter_height * s.filter_width;
  parallel_for(s.batch * s.out_height, at_least_one(grain / at_least_one(work)), [&](int64_t begin, int64_t end) {
    PoolWindow window = whole_window(s);
    for (int64_t unit = begin; unit < end; unit++) {
      const int64_t picture = unit / s.out_height * s.in_height * s.in_width * s.channels;
      for (int64_t column = 0; column < s.out_width; column++) {
        const int64_t from = picture + place(s, unit % s.out_height, column, &window);
        f((unit * s.out_width + column) * s.channels, from, window);
      }
    }
  });
}

/// Sets dx to 0 and calls f(y offset, x offset, window) for each pixel of the result and part of its channels, on all threads; no two threads
/// have the same part of a picture.
template <typename F>
void each_gradient_window(float* dx, const PoolShape& s, F f) {
  const int64_t part = s.batch < fewest_pictures && s.channels > channel_part ? channel_part : at_least_one(s.channels);
  const int64_t parts = (s.channels + part - 1) / part, pixels = s.in_height * s.in_width;
  const int64_t work = s.out_height * s.out_width * part * s.filter_height * s.filter_width;
  parallel_for(s.batch * parts, at_least_one(grain / at_least_one(work)), [&](int64_t begin, int64_t end) {
    PoolWindow window = whole_window(s);
    for (int64_t unit = begin; unit < end; unit++) {
      const int64_t picture = unit / parts, first = unit % parts * part;
      window.channels = first + part < s.channels ? part : s.channels - first;
      float* out = dx + picture * pixels * s.channels + first;
      for (int64_t i = 0; i < pixels; i++) std::memset(out + i * s.channels, 0, sizeof(float) * static_cast<size_t>(window.channels));
      for (int64_t row = 0; row < s.out_height; row++) {
        for (int64_t column = 0; column < s.out_width; column++) {
          const int64_t to = picture * pixels * s.channels + place(s, row, column, &window) + first;
          f(((picture * s.out_height + row) * s.out_width + column) * s.channels + first, to, window);
        }
      }
    }
  });
}

}  // namespace

void max_pool(float* y, const float* x, const PoolShape& shape) {
  const PoolKernels& kernels = EASEL_KERNELS(pool);
  each_window(shape, [&](int64_t to, int64_t from, const PoolWindow& window) { kernels.max(y + to, x + from, window); });
}

void average_pool(float* y, const float* x, const PoolShape& shape) {
  const PoolKernels& kernels = EASEL_KERNELS(pool);
  each_window(shape, [&](int64_t to, int64_t from, const PoolWindow& window) {
    kernels.sum(y + to, x + from, window, 1.0f / static_cast<float>(window.rows * window.columns));
  });
}

void max_pool_gradient(float* dx, const float* dy, const float* x, const PoolShape& shape) {
  const PoolKernels& kernels = EASEL_KERNELS(pool);
  each_gradient_window(dx, shape,
                       [&](int64_t from, int64_t to, const PoolWindow& window) { kernels.max_gradient(dx + to, x + to, dy + from, window); });
}

void average_pool_gradient(float* dx, const float* dy, const PoolShape& shape) {
  const PoolKernels& kernels = EASEL_KERNELS(pool);
  const float scale = 1.0f / static_cast<float>(shape.filter_height * shape.filter_width);
  each_gradient_window(dx, shape,
                       [&](int64_t from, int64_t to, const PoolWindow& window) { kernels.sum_gradient(dx + to, dy + from, window, scale); });
}

}  // namespace easel
