// Clips windows to the image and cuts the work. The forward pass is cut by rows of y, gradients by
// blocks of rows of dx. Each such block sees every window that reaches into it.
#include "kernels/pool/pool.h"

#include <cstring>

#include "runtime/dispatch.h"
#include "runtime/integers.h"
#include "runtime/threads.h"

namespace easel {
namespace {

/// Floats of x that a task should read.
constexpr int64_t task_floats = 32768;

/// The part of window i along an axis that lies inside.
struct Clip {
  int64_t first, count;
};

Clip clip(int64_t i, int64_t stride, int64_t pad, int64_t window, int64_t extent) {
  const int64_t begin = i * stride - pad, first = max_of(0, begin);
  return {first, max_of(0, min_of(extent, begin + window) - first)};
}

/// Calls run(j, first column, windows) for runs of windows of row i with equal clips. windows.count
/// windows lie side by side from j on.
template <typename Run>
void for_runs(const PoolShape& s, int64_t rows, Run run) {
  PoolWindows windows{};
  windows.x_row = s.in_w * s.channels;
  windows.x_pixel = s.channels;
  windows.x_step = s.stride_w * s.channels;
  windows.rows = rows;
  windows.channels = s.channels;
  for (int64_t j = 0; j < s.out_w; j += windows.count) {
    const Clip columns = clip(j, s.stride_w, s.pad_left, s.window_w, s.in_w);
    windows.columns = columns.count;
    windows.count = 1;
    // Whole windows follow each other as long as they end inside.
    if (columns.count == s.window_w) windows.count = min_of(s.out_w - j, (s.in_w - s.window_w - columns.first) / s.stride_w + 1);
    // A window beyond the border has no pixel, but its address must still be valid.
    run(j, columns.count > 0 ? columns.first : 0, windows);
  }
}

template <typename Kernel>
void forward(const PoolShape& s, float* y, const float* x, Kernel kernel) {
  const int64_t row_floats = s.out_w * s.window_h * s.window_w * s.channels;
  parallel_for(s.batch * s.out_h, max_of(1, task_floats / max_of(1, row_floats)), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const Clip rows = clip(row % s.out_h, s.stride_h, s.pad_top, s.window_h, s.in_h);
      const float* const x_row = x + (row / s.out_h * s.in_h + (rows.count > 0 ? rows.first : 0)) * s.in_w * s.channels;
      float* const y_row = y + row * s.out_w * s.channels;
      for_runs(s, rows.count, [&](int64_t j, int64_t column, const PoolWindows& windows) { kernel(y_row + j * s.channels, x_row + column * s.channels, windows); });
    }
  });
}

/// Zeroes dx and calls kernel(offset in x and dx, offset in dy, the window's first row and one past
/// its last row inside of the block, windows) for all windows that reach into the block.
template <typename Kernel>
void backward(const PoolShape& s, float* dx, Kernel kernel) {
  const int64_t x_row = s.in_w * s.channels;
  const int64_t block = max_of(2 * s.window_h, task_floats / max_of(1, x_row)), blocks = ceil_div(s.in_h, block);
  parallel_for(s.batch * blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      const int64_t image = task / blocks, top = task % blocks * block, bottom = min_of(s.in_h, top + block);
      std::memset(dx + (image * s.in_h + top) * x_row, 0, static_cast<size_t>((bottom - top) * x_row) * sizeof(float));
      // The first window that ends below top.
      const int64_t above = top + s.pad_top - s.window_h + 1;
      for (int64_t i = above > 0 ? ceil_div(above, s.stride_h) : 0; i < s.out_h && i * s.stride_h - s.pad_top < bottom; i++) {
        const Clip rows = clip(i, s.stride_h, s.pad_top, s.window_h, s.in_h);
        const int64_t first_row = max_of(0, top - rows.first), last_row = min_of(rows.count, bottom - rows.first);
        if (first_row >= last_row) continue;
        for_runs(s, rows.count, [&](int64_t j, int64_t column, const PoolWindows& windows) {
          const int64_t x_offset = (image * s.in_h + rows.first) * x_row + column * s.channels;
          kernel(x_offset, ((image * s.out_h + i) * s.out_w + j) * s.channels, first_row, last_row, windows);
        });
      }
    }
  });
}

}  // namespace

void max_pool(float* y, const float* x, const PoolShape& shape) { forward(shape, y, x, EASEL_KERNELS(pool).largest); }

void average_pool(float* y, const float* x, const PoolShape& shape) { forward(shape, y, x, EASEL_KERNELS(pool).average); }

void max_pool_gradient(float* dx, const float* dy, const float* x, const PoolShape& shape) {
  const PoolKernels& kernels = EASEL_KERNELS(pool);
  backward(shape, dx, [&](int64_t x_offset, int64_t dy_offset, int64_t first_row, int64_t last_row, const PoolWindows& windows) {
    kernels.largest_gradient(dx + x_offset, dy + dy_offset, x + x_offset, first_row, last_row, windows);
  });
}

void average_pool_gradient(float* dx, const float* dy, const PoolShape& shape) {
  const PoolKernels& kernels = EASEL_KERNELS(pool);
  backward(shape, dx, [&](int64_t x_offset, int64_t dy_offset, int64_t first_row, int64_t last_row, const PoolWindows& windows) {
    const float scale = 1 / static_cast<float>(max_of(1, windows.rows * windows.columns));
    PoolWindows part = windows;
    part.rows = last_row - first_row;
    kernels.average_gradient(dx + x_offset + first_row * windows.x_row, dy + dy_offset, scale, part);
  });
}

}  // namespace easel
