// Clips windows to the image and cuts the work. The forward pass is cut by rows of y, dx by rows of
// dx, df by parts of the rows of dy.
#include "kernels/depthwise/depthwise.h"

#include <cstring>
#include <numeric>

#include "runtime/block.h"
#include "runtime/dispatch.h"
#include "runtime/integers.h"
#include "runtime/threads.h"

namespace easel {
namespace {

/// About how many multiply-adds a task has.
constexpr int64_t task_work = int64_t{1} << 18;
/// The most parts in which df is summed, each with a df of its own.
constexpr int64_t most_parts = 16;

/// One direction of a correlation. Tap k of output n is at position n·step + origin + k·tap_step of
/// `source` positions, and is the filter's tap first_tap + k·next_tap.
struct Axis {
  int64_t outputs, source, step, origin, taps, tap_step, first_tap, next_tap;
};

/// The axis of the forward pass: all taps, in their order.
Axis forward_axis(int64_t out, int64_t in, int64_t stride, int64_t pad, int64_t taps, int64_t dilation) {
  return {out, in, stride, -pad, taps, dilation, 0, 1};
}

/// The axis for the gradient's outputs residue, residue + stride, … of `in` positions. Tap v of
/// dy's position p falls on p·stride + v·dilation − pad. Only every so many-th tap meets this
/// residue. These taps are taken from the last to the first, so that their positions in dy ascend.
Axis gradient_axis(int64_t residue, int64_t in, int64_t out, int64_t stride, int64_t pad, int64_t taps, int64_t dilation) {
  const int64_t every = stride / std::gcd(stride, dilation), outputs = ceil_div(in - residue, stride);
  for (int64_t v = 0; v < min_of(every, taps); v++) {
    if ((residue + pad - v * dilation) % stride != 0) continue;
    const int64_t count = (taps - 1 - v) / every + 1, last = v + (count - 1) * every;
    return {outputs, out, 1, (residue + pad - last * dilation) / stride, count, dilation * every / stride, last, -every};
  }
  return {outputs, out, 1, 0, 0, 1, 0, 1};
}

/// The taps of an output that are inside, and the position of the first one.
struct Clip {
  int64_t first, count, position;
};

Clip clip(const Axis& a, int64_t n) {
  const int64_t base = n * a.step + a.origin, first = base < 0 ? ceil_div(-base, a.tap_step) : 0;
  const int64_t last = base < a.source ? min_of(a.taps - 1, (a.source - 1 - base) / a.tap_step) : -1;
  if (last < first) return {0, 0, 0};
  return {first, last - first + 1, base + first * a.tap_step};
}

/// Calls run(j, position of the first tap, first tap of the filter, windows) for runs of outputs
/// with equal clips. windows.count outputs lie side by side from j on. The caller sets in `windows`
/// what does not depend on the columns: channels and rows, and a pixel's floats as x_pixel and
/// filter_pixel.
template <typename Run>
void for_runs(const Axis& columns, DepthwiseWindows windows, Run run) {
  const int64_t pixel = windows.x_pixel, tap = windows.filter_pixel;
  windows.x_pixel = columns.tap_step * pixel;
  windows.x_step = columns.step * pixel;
  windows.filter_pixel = columns.next_tap * tap;
  for (int64_t j = 0; j < columns.outputs; j += windows.count) {
    const Clip taps = clip(columns, j);
    windows.columns = taps.count;
    windows.count = 1;
    // Whole windows follow each other as long as they end inside.
    if (columns.taps == 0) {
      windows.count = columns.outputs;
    } else if (taps.count == columns.taps) {
      windows.count = min_of(columns.outputs - j, (columns.source - 1 - taps.position - (taps.count - 1) * columns.tap_step) / columns.step + 1);
    }
    run(j, taps.position, columns.first_tap + taps.first * columns.next_tap, windows);
  }
}

/// to [pixels, channels·times] holds each value of from [pixels·channels] `times` times.
void repeat(float* to, const float* from, int64_t values, int64_t times) {
  for (int64_t i = 0; i < values; i++, to += times) {
    for (int64_t t = 0; t < times; t++) to[t] = from[i];
  }
}

/// to[i] = the sum of the i-th `times` values of from.
void sum_repeated(float* to, const float* from, int64_t values, int64_t times) {
  for (int64_t i = 0; i < values; i++, from += times) {
    float sum = from[0];
    for (int64_t t = 1; t < times; t++) sum += from[t];
    to[i] = sum;
  }
}

/// Rows of an image with the channels of the result. They are the image's own, or copies with each
/// channel repeated.
class SourceRows {
 public:
  SourceRows(const ConvShape& s, const float* x) : shape_(s), x_(x), times_(s.in_c > 0 ? s.out_c / s.in_c : 1) {}

  /// Provides the rows that the windows of rows begin…end − 1 of y (all of one image) read. Returns
  /// false if memory is lacking.
  bool fetch(int64_t image, int64_t begin, int64_t end) {
    const float* const rows = x_ + image * shape_.in_h * shape_.in_w * shape_.in_c;
    if (times_ == 1) {
      rows_ = rows;
      return true;
    }
    const int64_t top = begin * shape_.stride_h - shape_.pad_top, first = min_of(shape_.in_h, max_of(0, top));
    const int64_t bottom = (end - 1) * shape_.stride_h - shape_.pad_top + (shape_.filter_h - 1) * shape_.dilation_h;
    const int64_t count = max_of(0, min_of(shape_.in_h - 1, bottom) - first + 1), row = shape_.in_w * shape_.out_c;
    float* const copies = static_cast<float*>(scratch(2, static_cast<size_t>(max_of(1, count * row)) * sizeof(float)));
    if (!copies) return false;
    repeat(copies, rows + first * shape_.in_w * shape_.in_c, count * shape_.in_w * shape_.in_c, times_);
    rows_ = copies;
    first_ = first;
    return true;
  }

  const float* at(int64_t row, int64_t column) const { return rows_ + ((row - first_) * shape_.in_w + column) * shape_.out_c; }

 private:
  const ConvShape& shape_;
  const float* const x_;
  const int64_t times_;
  const float* rows_ = nullptr;
  int64_t first_ = 0;
};

/// Calls run(image, begin, end) for each image that has rows in the range. An image has `rows_each`
/// rows; begin…end are those in the range.
template <typename Run>
void for_images(int64_t begin, int64_t end, int64_t rows_each, Run run) {
  while (begin < end) {
    const int64_t image = begin / rows_each, first = begin % rows_each, count = min_of(end - begin, rows_each - first);
    run(image, first, first + count);
    begin += count;
  }
}

/// How many rows a task takes, if each takes row_work multiply-adds.
int64_t rows_of_work(int64_t row_work) { return max_of(1, task_work / max_of(1, row_work)); }

}  // namespace

bool depthwise(const ConvShape& s, const float* x, const float* filter, float* y, const Epilogue& epilogue) {
  const DepthwiseKernels& kernels = EASEL_KERNELS(depthwise);
  const Axis rows = forward_axis(s.out_h, s.in_h, s.stride_h, s.pad_top, s.filter_h, s.dilation_h);
  const Axis columns = forward_axis(s.out_w, s.in_w, s.stride_w, s.pad_left, s.filter_w, s.dilation_w);
  const int64_t filter_row = s.filter_w * s.out_c, y_row = s.out_w * s.out_c;
  bool enough_memory = true;  // threads only ever set it to false
  parallel_for(s.batch * s.out_h, rows_of_work(y_row * s.filter_h * s.filter_w), [&](int64_t begin, int64_t end) {
    SourceRows source(s, x);
    for_images(begin, end, s.out_h, [&](int64_t image, int64_t first, int64_t last) {
      if (!source.fetch(image, first, last)) return __atomic_store_n(&enough_memory, false, __ATOMIC_RELAXED);
      for (int64_t i = first; i < last; i++) {
        const Clip taps = clip(rows, i);
        float* const to = y + (image * s.out_h + i) * y_row;
        const DepthwiseWindows windows{s.dilation_h * s.in_w * s.out_c, s.out_c, 0, filter_row, s.out_c, s.out_c, taps.count, 0, 0, s.out_c};
        for_runs(columns, windows, [&](int64_t j, int64_t column, int64_t tap, const DepthwiseWindows& w) {
          // A window without a tap inside reads nothing.
          const float* const from = w.rows * w.columns > 0 ? source.at(taps.position, column) : x;
          kernels.sums(to + j * s.out_c, from, filter + taps.first * filter_row + tap * s.out_c, w);
        });
        apply_epilogue(epilogue, to, s.out_c, s.out_w, s.out_c, 0);
      }
    });
  });
  return enough_memory;
}

bool depthwise_input_gradient(const ConvShape& s, const float* dy, const float* filter, float* dx) {
  const DepthwiseKernels& kernels = EASEL_KERNELS(depthwise);
  const int64_t times = s.in_c > 0 ? s.out_c / s.in_c : 1, dx_row = s.in_w * s.in_c, dy_row = s.out_w * s.out_c, filter_row = s.filter_w * s.out_c;
  if (times == 0) {
    std::memset(dx, 0, static_cast<size_t>(s.batch * s.in_h * dx_row) * sizeof(float));
    return true;
  }
  const int64_t row_work = s.in_w * s.out_c * ceil_div(s.filter_h * s.filter_w, s.stride_h * s.stride_w);
  bool enough_memory = true;  // threads only ever set it to false
  parallel_for(s.batch * s.in_h, rows_of_work(row_work), [&](int64_t begin, int64_t end) {
    // With several filters a channel, a row of dx is first made for each of them.
    float* const repeated = times == 1 ? nullptr : static_cast<float*>(scratch(2, static_cast<size_t>(s.in_w * s.out_c) * sizeof(float)));
    if (times > 1 && !repeated) return __atomic_store_n(&enough_memory, false, __ATOMIC_RELAXED);
    for (int64_t row = begin; row < end; row++) {
      const int64_t image = row / s.in_h, r = row % s.in_h, down = r % s.stride_h;
      const Axis rows = gradient_axis(down, s.in_h, s.out_h, s.stride_h, s.pad_top, s.filter_h, s.dilation_h);
      const Clip taps = clip(rows, r / s.stride_h);
      const float* const from_row = dy + (image * s.out_h + taps.position) * dy_row;
      const float* const filter_from = filter + (rows.first_tap + taps.first * rows.next_tap) * filter_row;
      float* const to = times == 1 ? dx + row * dx_row : repeated;
      for (int64_t across = 0; across < min_of(s.stride_w, s.in_w); across++) {
        const Axis columns = gradient_axis(across, s.in_w, s.out_w, s.stride_w, s.pad_left, s.filter_w, s.dilation_w);
        const DepthwiseWindows windows{rows.tap_step * dy_row, s.out_c, 0, rows.next_tap * filter_row, s.out_c, s.stride_w * s.out_c, taps.count, 0, 0, s.out_c};
        for_runs(columns, windows, [&](int64_t j, int64_t column, int64_t tap, const DepthwiseWindows& w) {
          kernels.sums(to + (across + j * s.stride_w) * s.out_c, from_row + column * s.out_c, filter_from + tap * s.out_c, w);
        });
      }
      if (times > 1) sum_repeated(dx + row * dx_row, repeated, dx_row, times);
    }
  });
  return enough_memory;
}

bool depthwise_filter_gradient(const ConvShape& s, const float* x, const float* dy, float* df) {
  const DepthwiseKernels& kernels = EASEL_KERNELS(depthwise);
  const int64_t filter_row = s.filter_w * s.out_c, size = s.filter_h * filter_row, dy_row = s.out_w * s.out_c, all_rows = s.batch * s.out_h;
  const Axis rows = forward_axis(s.out_h, s.in_h, s.stride_h, s.pad_top, s.filter_h, s.dilation_h);
  const Axis columns = forward_axis(s.out_w, s.in_w, s.stride_w, s.pad_left, s.filter_w, s.dilation_w);
  const int64_t part_rows = max_of(rows_of_work(dy_row * s.filter_h * s.filter_w), ceil_div(all_rows, most_parts)), parts = max_of(1, ceil_div(all_rows, part_rows));
  float* const sums = parts > 1 ? static_cast<float*>(scratch(1, static_cast<size_t>(parts * size) * sizeof(float))) : df;
  if (!sums) return false;
  std::memset(sums, 0, static_cast<size_t>(parts * size) * sizeof(float));
  bool enough_memory = true;  // threads only ever set it to false
  parallel_for(all_rows, part_rows, [&](int64_t begin, int64_t end) {
    SourceRows source(s, x);
    float* const sum = sums + begin / part_rows * size;
    for_images(begin, end, s.out_h, [&](int64_t image, int64_t first, int64_t last) {
      // A piece has few rows, so that repeated channels stay in the cache.
      const int64_t piece = max_of(8, 2 * s.filter_h);
      for (int64_t from = first; from < last; from += piece) {
        const int64_t to = min_of(last, from + piece);
        if (!source.fetch(image, from, to)) return __atomic_store_n(&enough_memory, false, __ATOMIC_RELAXED);
        for (int64_t i = from; i < to; i++) {
          const Clip taps = clip(rows, i);
          const float* const dy_from = dy + (image * s.out_h + i) * dy_row;
          const DepthwiseWindows windows{s.dilation_h * s.in_w * s.out_c, s.out_c, 0, filter_row, s.out_c, s.out_c, taps.count, 0, 0, s.out_c};
          for_runs(columns, windows, [&](int64_t j, int64_t column, int64_t tap, const DepthwiseWindows& w) {
            if (w.rows * w.columns == 0) return;
            kernels.filter_sums(sum + taps.first * filter_row + tap * s.out_c, source.at(taps.position, column), dy_from + j * s.out_c, w);
          });
        }
      }
    });
  });
  if (parts > 1) std::memcpy(df, sums, static_cast<size_t>(size) * sizeof(float));
  for (int64_t part = 1; part < parts; part++) {
    const float* const sum = sums + part * size;
    for (int64_t i = 0; i < size; i++) df[i] += sum[i];
  }
  return enough_memory;
}

}  // namespace easel
