#include "kernels/conv/conv.h"

#include <cstring>

#include "kernels/conv/few_channels.h"
#include "kernels/conv/parts.h"
#include "kernels/conv/winograd.h"
#include "runtime/block.h"
#include "runtime/dispatch.h"
#include "runtime/integers.h"
#include "runtime/threads.h"

namespace easel {
namespace {

/// Output pixels of a task: enough to pay for the rows copied above and below them.
constexpr int64_t task_pixels = 512;
/// With fewer tasks than this, the output's channels are shared out as well.
constexpr int64_t enough_tasks = 16;
/// The most segments of one tile. Longer lists are added in pieces.
constexpr int64_t most_segments = 64;
/// How many pixels one tile of the filter's gradient sums before the next tile takes the same rows.
/// Their dy stays in the first-level cache.
constexpr int64_t gradient_pixels = 192;
/// The most parts of the filter's gradient that are summed apart, and the memory that they may
/// take.
constexpr int64_t most_parts = 16;
constexpr int64_t most_part_floats = int64_t{4} << 20;

/// How windows of `taps` taps walk along one axis. Tap t of window i lies at i·step + origin +
/// t·tap_step, which may be outside of 0…extent.
struct Axis {
  int64_t extent, step, origin, taps, tap_step;

  int64_t first(int64_t window) const { return window * step + origin; }
  /// How many positions lie from the first window's first tap to the last window's last tap.
  int64_t span(int64_t windows) const { return (windows - 1) * step + (taps - 1) * tap_step + 1; }
  bool inside(int64_t window, int64_t windows) const {
    return first(window) >= 0 && first(window) + span(windows) <= extent;
  }
};

/// Copies rows and columns first… of an image [h,w,c] to out [rows,columns,c]. Outside of the image
/// it writes zeros.
void copy_padded(float* out, const float* image, int64_t h, int64_t w, int64_t c, int64_t first_row, int64_t rows, int64_t first_column, int64_t columns) {
  const int64_t left = min_of(columns, max_of(0, -first_column));
  const int64_t kept = max_of(0, min_of(columns, w - first_column) - left);
  const int64_t right = columns - left - kept;
  for (int64_t i = 0; i < rows; i++, out += columns * c) {
    const int64_t row = first_row + i;
    if (row < 0 || row >= h) {
      std::memset(out, 0, static_cast<size_t>(columns * c) * sizeof(float));
      continue;
    }
    std::memset(out, 0, static_cast<size_t>(left * c) * sizeof(float));
    std::memcpy(out + left * c, image + (row * w + first_column + left) * c, static_cast<size_t>(kept * c) * sizeof(float));
    std::memset(out + (left + kept) * c, 0, static_cast<size_t>(right * c) * sizeof(float));
  }
}

/// Rows of an image as a tile may read them: in place, or copied to scratch with their padding.
struct Window {
  const float* data;
  int64_t row;  // floats from one row to the next
};

/// The rows of one image that `windows` windows from `window` on need. Their data is null if
/// scratch memory is lacking.
Window open_window(const float* image, const Axis& v, const Axis& h, int64_t c, int64_t window, int64_t windows, int64_t columns) {
  if (v.inside(window, windows) && h.inside(0, columns)) {
    return {image + (v.first(window) * h.extent + h.first(0)) * c, h.extent * c};
  }
  const int64_t row = h.span(columns) * c;
  float* const copy = static_cast<float*>(scratch(2, static_cast<size_t>(v.span(windows) * row) * sizeof(float)));
  if (copy) copy_padded(copy, image, v.extent, h.extent, c, v.first(window), v.span(windows), h.first(0), h.span(columns));
  return {copy, row};
}

/// y[i,j,d] = Σ_{taps, c} source[windows of v and h at (i,j), c] · weights[tap, c, d], for each
/// image.
struct Correlation {
  const float* source;
  int64_t images;
  Axis v, h;
  int64_t c;
  /// Panel q holds `weight_step` floats for each tap and c: those of the output channels from
  /// q·tile_n on.
  const float* weights;
  int64_t weight_panel, weight_step;
  float* y;
  int64_t rows, columns, channels;
  int64_t y_image, y_row, y_pixel;
  Epilogue epilogue;
};

/// Computes output rows of one image from `row` on, for panels begin…end.
bool correlate_rows(const GemmKernels& kernels, const Correlation& g, int64_t image, int64_t row, int64_t rows, int64_t begin, int64_t end) {
  const float* const source = g.source + image * g.v.extent * g.h.extent * g.c;
  const Window window = open_window(source, g.v, g.h, g.c, row, rows, g.columns);
  if (!window.data) return false;

  // Taps that lie side by side make one segment.
  const bool joined = g.h.tap_step == 1 || g.h.taps == 1;
  const int64_t across = joined ? 1 : g.h.taps;
  const int64_t segments = g.v.taps * across;
  const int64_t tiles = ceil_div(g.columns, kernels.tile_m), tile_columns = ceil_div(g.columns, tiles);
  int64_t offsets[most_segments];
  GemmTile tile{};
  tile.a_row = g.h.step * g.c;
  tile.a_step = 1;
  tile.a_offsets = offsets;
  tile.depth = joined ? g.h.taps * g.c : g.c;
  tile.b_step = g.weight_step;
  tile.b_segment = tile.depth * g.weight_step;
  tile.c_row = g.y_pixel;
  for (int64_t panel = begin; panel < end; panel++) {
    const int64_t channel = panel * kernels.tile_n;
    tile.n = static_cast<int>(min_of(kernels.tile_n, g.channels - channel));
    for (int64_t first = 0; first < segments; first += most_segments) {
      tile.segments = min_of(most_segments, segments - first);
      tile.accumulate = first > 0;
      for (int64_t s = 0; s < tile.segments; s++) {
        offsets[s] = (first + s) / across * g.v.tap_step * window.row + (first + s) % across * g.h.tap_step * g.c;
      }
      tile.b = g.weights + panel * g.weight_panel + first * tile.b_segment;
      for (int64_t i = 0; i < rows; i++) {
        float* const y = g.y + image * g.y_image + (row + i) * g.y_row + channel;
        for (int64_t j = 0; j < g.columns; j += tile_columns) {
          tile.m = static_cast<int>(min_of(tile_columns, g.columns - j));
          tile.a = window.data + i * g.v.step * window.row + j * tile.a_row;
          tile.c = y + j * g.y_pixel;
          kernels.tile(tile);
        }
        if (first + tile.segments == segments) apply_epilogue(g.epilogue, y, g.y_pixel, g.columns, tile.n, channel);
      }
    }
  }
  return true;
}

bool correlate(const GemmKernels& kernels, const Correlation& g) {
  const int64_t pixels = g.images * g.rows * g.columns, panels = ceil_div(g.channels, kernels.tile_n);
  const int64_t wanted_pixels = max_of(64, min_of(task_pixels, pixels / (2 * enough_tasks)));
  const int64_t blocks_of_image = ceil_div(g.rows, ceil_div(wanted_pixels, g.columns)), rows = ceil_div(g.rows, blocks_of_image);
  const int64_t blocks = g.images * ceil_div(g.rows, rows);
  const int64_t groups = min_of(panels, ceil_div(enough_tasks, blocks)), group_panels = ceil_div(panels, groups);
  // Tiny convolutions stay on one thread.
  const int64_t work = pixels * g.v.taps * g.h.taps * g.c * g.channels;
  const int64_t grain = max_of(1, blocks * groups * (int64_t{1} << 19) / max_of(1, work));
  bool enough_memory = true;  // threads only ever set it to false
  parallel_for(blocks * groups, grain, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      const int64_t block = task / groups, group = task % groups;
      const int64_t image = block / ceil_div(g.rows, rows), row = block % ceil_div(g.rows, rows) * rows;
      const int64_t first_panel = min_of(panels, group * group_panels);
      if (!correlate_rows(kernels, g, image, row, min_of(rows, g.rows - row), first_panel, min_of(panels, first_panel + group_panels))) {
        __atomic_store_n(&enough_memory, false, __ATOMIC_RELAXED);
      }
    }
  });
  return enough_memory;
}

bool is_product(const ConvShape& s) {
  return s.filter_h == 1 && s.filter_w == 1 && s.stride_h == 1 && s.stride_w == 1 && s.pad_top == 0 && s.pad_left == 0 &&
         s.in_h == s.out_h && s.in_w == s.out_w;
}

/// Whether Winograd's algorithm can and should compute this convolution.
bool is_winograd(const ConvShape& s, int64_t out_h, int64_t out_w) {
  return s.filter_h == 3 && s.filter_w == 3 && s.stride_h == 1 && s.stride_w == 1 && s.dilation_h == 1 && s.dilation_w == 1 &&
         winograd_pays(s.batch, out_h, out_w, s.in_c, s.out_c);
}

/// The residue class of one axis of dx: positions residue, residue + stride, …, and the filter's
/// taps that reach them.
struct Residue {
  int64_t positions;
  Axis axis;            // how windows of dy walk
  int64_t last_tap;     // the filter's tap that the window takes first
  int64_t tap_stride;   // subtracted from tap to tap of the window
};

int64_t greatest_common_divisor(int64_t a, int64_t b) { return b == 0 ? a : greatest_common_divisor(b, a % b); }

/// dx[p] = Σ dy[q]·f[u] over q·stride + u·dilation − pad = p. If a tap u fits, so do all taps at
/// distances of stride/gcd(stride, dilation). dy's position falls as u grows, so the window runs
/// over u backwards.
Residue residue_of(int64_t residue, int64_t in, int64_t out, int64_t taps, int64_t stride, int64_t pad, int64_t dilation) {
  Residue r{};
  r.positions = residue < in ? ceil_div(in - residue, stride) : 0;
  const int64_t every = stride / greatest_common_divisor(stride, dilation);
  int64_t first = 0;
  while (first < every && first < taps && (residue + pad - first * dilation) % stride != 0) first++;
  const int64_t count = first < every && first < taps ? (taps - 1 - first) / every + 1 : 0;
  r.last_tap = first + (count - 1) * every;
  r.tap_stride = every;
  r.axis = {out, 1, count ? (residue + pad - r.last_tap * dilation) / stride : 0, count, every * dilation / stride};
  return r;
}

}  // namespace

bool conv2d(const ConvShape& s, const float* x, const float* filter, float* y, const Epilogue& epilogue) {
  const GemmKernels& kernels = EASEL_KERNELS(gemm);
  if (s.batch * s.out_h * s.out_w * s.out_c == 0) return true;
  if (is_product(s) || s.in_c == 0) {
    GemmProblem g{};
    g.m = s.batch * s.out_h * s.out_w;
    g.n = s.out_c;
    g.k = s.in_c;
    g.a = x;
    g.b = filter;
    g.c = y;
    g.epilogue = epilogue;
    return gemm(g);
  }
  if (is_winograd(s, s.out_h, s.out_w)) {
    return winograd({s.batch, s.in_h, s.in_w, s.in_c, s.out_h, s.out_w, s.out_c, s.pad_top, s.pad_left, x, filter, false, y, epilogue});
  }
  // With stride 1, every pixel of x is under every tap.
  if (s.out_c <= few_channels && s.in_c >= deep_channels && s.stride_h == 1 && s.stride_w == 1) {
    const SpreadAxis rows{s.in_h, s.out_h, s.filter_h, 1, s.pad_top, -s.dilation_h}, columns{s.in_w, s.out_w, s.filter_w, 1, s.pad_left, -s.dilation_w};
    return spread({s.batch, rows, columns, s.in_c, s.out_c, x, filter, false, y, epilogue});
  }
  Correlation g{};
  g.source = x;
  g.images = s.batch;
  g.v = {s.in_h, s.stride_h, -s.pad_top, s.filter_h, s.dilation_h};
  g.h = {s.in_w, s.stride_w, -s.pad_left, s.filter_w, s.dilation_w};
  g.c = s.in_c;
  g.y = y;
  g.rows = s.out_h;
  g.columns = s.out_w;
  g.channels = s.out_c;
  g.y_pixel = s.out_c;
  g.y_row = s.out_w * s.out_c;
  g.y_image = s.out_h * g.y_row;
  g.epilogue = epilogue;
  g.weights = filter;
  g.weight_step = s.out_c;
  const int64_t depth = s.filter_h * s.filter_w * s.in_c, panels = ceil_div(s.out_c, kernels.tile_n);
  if (panels > 1) {
    g.weight_step = kernels.tile_n;
    g.weight_panel = depth * kernels.tile_n;
    float* const packed = static_cast<float*>(scratch(1, static_cast<size_t>(panels * g.weight_panel) * sizeof(float)));
    if (!packed) return false;
    parallel_for(depth, max_of(64, 131072 / s.out_c), [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; p++) {
        for (int64_t panel = 0; panel < panels; panel++) {
          const int64_t channel = panel * kernels.tile_n;
          std::memcpy(packed + panel * g.weight_panel + p * kernels.tile_n, filter + p * s.out_c + channel,
                      static_cast<size_t>(min_of(kernels.tile_n, s.out_c - channel)) * sizeof(float));
        }
      }
    });
    g.weights = packed;
  }
  return correlate(kernels, g);
}

bool conv2d_input_gradient(const ConvShape& s, const float* dy, const float* filter, float* dx) {
  const GemmKernels& kernels = EASEL_KERNELS(gemm);
  if (s.batch * s.in_h * s.in_w * s.in_c == 0) return true;
  if (is_product(s)) {
    GemmProblem g{};
    g.m = s.batch * s.in_h * s.in_w;
    g.n = s.in_c;
    g.k = s.out_c;
    g.a = dy;
    g.b = filter;
    g.transpose_b = true;
    g.c = dx;
    return gemm(g);
  }
  if (is_winograd(s, s.in_h, s.in_w)) {
    return winograd({s.batch, s.out_h, s.out_w, s.out_c, s.in_h, s.in_w, s.in_c, 2 - s.pad_top, 2 - s.pad_left, dy, filter, true, dx, {}});
  }
  if (s.in_c <= few_channels && s.out_c >= deep_channels) {
    const SpreadAxis rows{s.out_h, s.in_h, s.filter_h, s.stride_h, -s.pad_top, s.dilation_h}, columns{s.out_w, s.in_w, s.filter_w, s.stride_w, -s.pad_left, s.dilation_w};
    return spread({s.batch, rows, columns, s.out_c, s.in_c, dy, filter, true, dx, {}});
  }
  const int64_t panels = ceil_div(s.in_c, kernels.tile_n);
  const int64_t most_depth = s.filter_h * s.filter_w * s.out_c;
  const int64_t panel_floats = most_depth * kernels.tile_n;
  float* const packed = static_cast<float*>(scratch(1, static_cast<size_t>(panels * panel_floats) * sizeof(float)));
  if (!packed) return false;
  for (int64_t ri = 0; ri < min_of(s.stride_h, s.in_h); ri++) {
    const Residue v = residue_of(ri, s.in_h, s.out_h, s.filter_h, s.stride_h, s.pad_top, s.dilation_h);
    for (int64_t rj = 0; rj < min_of(s.stride_w, s.in_w); rj++) {
      const Residue h = residue_of(rj, s.in_w, s.out_w, s.filter_w, s.stride_w, s.pad_left, s.dilation_w);
      Correlation g{};
      g.source = dy;
      g.images = s.batch;
      g.v = v.axis;
      g.h = h.axis;
      g.c = s.out_c;
      g.weights = packed;
      g.weight_panel = panel_floats;
      g.weight_step = kernels.tile_n;
      g.rows = v.positions;
      g.columns = h.positions;
      g.channels = s.in_c;
      g.y_pixel = s.stride_w * s.in_c;
      g.y_row = s.stride_h * s.in_w * s.in_c;
      g.y_image = s.in_h * s.in_w * s.in_c;
      g.y = dx + (ri * s.in_w + rj) * s.in_c;
      if (v.axis.taps == 0 || h.axis.taps == 0 || s.out_c == 0 || s.out_h * s.out_w == 0) {
        // No output pixel looks at these positions.
        for (int64_t image = 0; image < s.batch; image++) {
          for (int64_t i = 0; i < g.rows; i++) {
            for (int64_t j = 0; j < g.columns; j++) {
              std::memset(g.y + image * g.y_image + i * g.y_row + j * g.y_pixel, 0, static_cast<size_t>(s.in_c) * sizeof(float));
            }
          }
        }
        continue;
      }
      const int64_t taps = v.axis.taps * h.axis.taps;
      parallel_for(panels * taps, max_of(1, 65536 / (s.out_c * kernels.tile_n)), [&](int64_t begin, int64_t end) {
        for (int64_t item = begin; item < end; item++) {
          // A panel's width is whole vectors, so packing one tap leaves the next one unharmed.
          const int64_t panel = item / taps, tap = item % taps, channel = panel * kernels.tile_n;
          const int64_t u = v.last_tap - tap / h.axis.taps * v.tap_stride, w = h.last_tap - tap % h.axis.taps * h.tap_stride;
          kernels.pack_rows(packed + panel * panel_floats + tap * s.out_c * kernels.tile_n, kernels.tile_n,
                            filter + ((u * s.filter_w + w) * s.in_c + channel) * s.out_c, s.out_c,
                            min_of(kernels.tile_n, s.in_c - channel), s.out_c);
        }
      });
      if (!correlate(kernels, g)) return false;
    }
  }
  return true;
}

namespace {

/// df of a convolution of stride 1 with few output channels. x and dy are exchanged, so that the
/// tile's columns are x's channels. That result has its taps in reverse and its channels
/// transposed.
bool exchanged_filter_gradient(const ConvShape& s, const float* x, const float* dy, float* df) {
  ConvShape e = s;
  e.in_h = s.out_h;
  e.in_w = s.out_w;
  e.in_c = s.out_c;
  e.out_h = s.in_h;
  e.out_w = s.in_w;
  e.out_c = s.in_c;
  e.pad_top = (s.filter_h - 1) * s.dilation_h - s.pad_top;
  e.pad_left = (s.filter_w - 1) * s.dilation_w - s.pad_left;
  const int64_t taps = s.filter_h * s.filter_w;
  float* const exchanged = static_cast<float*>(scratch(3, static_cast<size_t>(taps * s.in_c * s.out_c) * sizeof(float)));
  if (!exchanged || !conv2d_filter_gradient(e, dy, x, exchanged)) return false;
  for (int64_t t = 0; t < taps; t++) {
    for (int64_t c = 0; c < s.in_c; c++) {
      for (int64_t d = 0; d < s.out_c; d++) df[(t * s.in_c + c) * s.out_c + d] = exchanged[((taps - 1 - t) * s.out_c + d) * s.in_c + c];
    }
  }
  return true;
}

}  // namespace

bool conv2d_filter_gradient(const ConvShape& s, const float* x, const float* dy, float* df) {
  const GemmKernels& kernels = EASEL_KERNELS(gemm);
  const int64_t size = s.filter_h * s.filter_w * s.in_c * s.out_c;
  const int64_t all_rows = s.batch * s.out_h;  // rows of dy
  if (size == 0) return true;
  if (all_rows * s.out_w == 0) {
    std::memset(df, 0, static_cast<size_t>(size) * sizeof(float));
    return true;
  }
  if (is_winograd(s, s.out_h, s.out_w)) {
    return winograd_filter_gradient({s.batch, s.in_h, s.in_w, s.in_c, s.out_h, s.out_w, s.out_c, s.pad_top, s.pad_left, x, dy, df});
  }
  if (s.out_c <= few_channels && s.in_c >= deep_channels && s.stride_h == 1 && s.stride_w == 1 && s.batch * s.in_h * s.in_w > 0) {
    return exchanged_filter_gradient(s, x, dy, df);
  }
  const Axis v{s.in_h, s.stride_h, -s.pad_top, s.filter_h, s.dilation_h}, h{s.in_w, s.stride_w, -s.pad_left, s.filter_w, s.dilation_w};

  const int64_t parts_wanted = max_of(1, min_of(min_of(most_parts, max_of(4, most_part_floats / size)), all_rows * s.out_w / gradient_pixels));
  const int64_t part_rows = ceil_div(all_rows, parts_wanted), parts = ceil_div(all_rows, part_rows);
  float* const sums = parts > 1 ? static_cast<float*>(scratch(1, static_cast<size_t>(parts * size) * sizeof(float))) : df;
  if (!sums) return false;

  // A piece of a part. Its rows of x are copied with padding, if they need it. Then every tile sums
  // them.
  const int64_t piece_rows = min_of(most_segments, max_of(1, gradient_pixels / s.out_w));
  const bool joined = s.dilation_w == 1 || s.filter_w == 1;
  const int64_t across = joined ? 1 : s.filter_w;
  const int64_t tile_rows = joined ? s.filter_w * s.in_c : s.in_c;  // rows of df that lie side by side in x
  const bool in_place = h.inside(0, s.out_w) && v.inside(0, s.out_h);
  bool enough_memory = true;                                        // threads only ever set it to false
  parallel_for(parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; part++) {
      float* const sum = sums + part * size;
      const int64_t part_end = min_of(all_rows, (part + 1) * part_rows);
      for (int64_t row = part * part_rows; row < part_end; row += piece_rows) {
        const int64_t rows = min_of(piece_rows, part_end - row);
        int64_t offsets[most_segments];
        const float* base = x;
        int64_t x_row = s.in_w * s.in_c;
        if (in_place) {
          for (int64_t i = 0; i < rows; i++) {
            const int64_t image = (row + i) / s.out_h, y = (row + i) % s.out_h;
            offsets[i] = (image * s.in_h + v.first(y)) * x_row + h.first(0) * s.in_c;
          }
        } else {
          x_row = h.span(s.out_w) * s.in_c;
          float* const copy = static_cast<float*>(scratch(2, static_cast<size_t>(rows * (v.span(1) + s.stride_h) * x_row) * sizeof(float)));
          if (!copy) {
            __atomic_store_n(&enough_memory, false, __ATOMIC_RELAXED);
            return;
          }
          int64_t used = 0;
          for (int64_t i = 0; i < rows;) {
            const int64_t image = (row + i) / s.out_h, y = (row + i) % s.out_h, here = min_of(rows - i, s.out_h - y);
            copy_padded(copy + used, x + image * s.in_h * s.in_w * s.in_c, s.in_h, s.in_w, s.in_c, v.first(y), v.span(here), h.first(0), h.span(s.out_w));
            for (int64_t r = 0; r < here; r++) offsets[i + r] = used + r * s.stride_h * x_row;
            used += v.span(here) * x_row;
            i += here;
          }
          base = copy;
        }
        GemmTile tile{};
        tile.a_row = 1;
        tile.a_step = s.stride_w * s.in_c;
        tile.a_offsets = offsets;
        tile.segments = rows;
        tile.b_segment = s.out_w * s.out_c;
        tile.b_step = s.out_c;
        tile.depth = s.out_w;
        tile.c_row = s.out_c;
        tile.accumulate = row > part * part_rows;
        const int64_t tiles = ceil_div(tile_rows, kernels.tile_m), rows_each = ceil_div(tile_rows, tiles);
        for (int64_t channel = 0; channel < s.out_c; channel += kernels.tile_n) {
          tile.n = static_cast<int>(min_of(kernels.tile_n, s.out_c - channel));
          tile.b = dy + row * s.out_w * s.out_c + channel;
          for (int64_t tap = 0; tap < s.filter_h * across; tap++) {
            const int64_t u = tap / across, w = tap % across;
            const float* const a = base + u * s.dilation_h * x_row + w * s.dilation_w * s.in_c;
            float* const c = sum + tap * tile_rows * s.out_c + channel;
            for (int64_t i = 0; i < tile_rows; i += rows_each) {
              tile.m = static_cast<int>(min_of(rows_each, tile_rows - i));
              tile.a = a + i;
              tile.c = c + i * s.out_c;
              kernels.tile(tile);
            }
          }
        }
      }
    }
  });
  if (!enough_memory) return false;
  if (parts > 1) add_parts(df, sums, parts, size);
  return true;
}

}  // namespace easel
