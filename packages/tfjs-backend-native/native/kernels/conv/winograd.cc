// Cuts Winograd's convolution into tasks. The arithmetic is in the targets' transforms and in the
// tile of kernels/gemm.
//
// A task of the convolution is a block of output tiles by a group of output channels. It takes the
// input channels in blocks: it transforms its patches, multiplies the 36 pairs of matrices and adds
// up in m. At the end it transforms m back. v and m of a task stay in the second-level cache while
// u streams past.
//
// A task of the filter's gradient is a block of input channels by a block of output channels, for
// one part of the tiles. It takes the tiles in blocks and adds up u, which stays in that cache.
#include "kernels/conv/winograd.h"

#include <cstring>

#include "kernels/conv/parts.h"
#include "runtime/block.h"
#include "runtime/dispatch.h"
#include "runtime/integers.h"
#include "runtime/threads.h"

namespace easel {
namespace {

/// Output tiles of a task, input channels of a block, output channels of a task. v has at most
/// 36·48·64 floats, m twice as many.
constexpr int64_t most_tiles = 48;
constexpr int64_t most_in_channels = 64;
constexpr int64_t most_out_channels = 128;
/// Input and output channels of a task of the filter's gradient.
constexpr int64_t gradient_channels = 64;
/// How many tasks a convolution is cut into, if that leaves a task two panels of channels.
constexpr int64_t enough_tasks = 8;
/// With up to so many blocks of tiles, each task transforms its part of the filter itself. That
/// costs less than passing it through memory.
constexpr int64_t few_blocks = 2;
/// Multiply-adds that a task should have.
constexpr int64_t task_work = int64_t{1} << 19;
/// Floats between the 36 matrices beyond their size, so that the matrices do not fall on the same
/// lines of the cache.
constexpr int64_t step_slack = 16;
/// With fewer channels than these, the vectors of the transforms stay partly empty.
constexpr int64_t least_channels = 12;
constexpr int64_t least_tiles = 4;

/// The tiles that cover an output [images, h, w], counted over all images.
struct Tiles {
  int64_t h, w, rows, columns, count;

  Tiles(int64_t images, int64_t h_, int64_t w_) : h(h_), w(w_), rows(ceil_div(h_, winograd_tile)), columns(ceil_div(w_, winograd_tile)), count(images * rows * columns) {}
};

/// Where a tile's first pixel lies.
struct Place {
  int64_t image, row, column;
};

Place place_of(const Tiles& tiles, int64_t tile) {
  const int64_t of_image = tiles.rows * tiles.columns, rest = tile % of_image;
  return {tile / of_image, rest / tiles.columns * winograd_tile, rest % tiles.columns * winograd_tile};
}

/// Pictures [images, h, w, c] from which tiles are read, in patches of `side` pixels that begin
/// `pad` pixels before the tile.
struct Patches {
  const float* data;
  int64_t h, w, c, side, pad_top, pad_left;
};

/// Copies the channels from c on of a patch that reaches over the picture's border, with zeros
/// outside.
void copy_patch(float* copy, const Patches& p, const float* picture, int64_t row, int64_t column, int64_t c, int64_t channels) {
  for (int64_t i = row; i < row + p.side; i++) {
    for (int64_t j = column; j < column + p.side; j++, copy += channels) {
      if (i >= 0 && i < p.h && j >= 0 && j < p.w) {
        std::memcpy(copy, picture + (i * p.w + j) * p.c + c, static_cast<size_t>(channels) * sizeof(float));
      } else {
        std::memset(copy, 0, static_cast<size_t>(channels) * sizeof(float));
      }
    }
  }
}

/// Transforms the channels from c on of the patches of the tiles from `first` on. `copy` has room
/// for side² · channels floats.
void transform_patches(void (*transform)(float*, int64_t, const float*, int64_t, int64_t, int64_t), const Patches& p, const Tiles& tiles, int64_t first, int64_t count, int64_t c,
                       int64_t channels, float* out, int64_t out_row, int64_t out_step, float* copy) {
  for (int64_t i = 0; i < count; i++) {
    const Place place = place_of(tiles, first + i);
    const int64_t row = place.row - p.pad_top, column = place.column - p.pad_left;
    const float* const picture = p.data + place.image * p.h * p.w * p.c;
    if (row >= 0 && column >= 0 && row + p.side <= p.h && column + p.side <= p.w) {
      transform(out + i * out_row, out_step, picture + (row * p.w + column) * p.c + c, p.w * p.c, p.c, channels);
    } else {
      copy_patch(copy, p, picture, row, column, c, channels);
      transform(out + i * out_row, out_step, copy, p.side * channels, channels, channels);
    }
  }
}

struct Sizes {
  int64_t block_tiles, blocks;
  int64_t in_channels, in_blocks;          // input channels of a block, but for the last
  int64_t panels, group_panels, groups;
  int64_t v_row, v_step, m_row, m_step;
  int64_t u_panel, u_step;                 // of a whole transformed filter, or of a task's own part
  bool own_filter;
};

Sizes sizes_of(const WinogradProblem& p, const Tiles& tiles, const GemmKernels& kernels) {
  Sizes s{};
  const int64_t unit = kernels.tile_m;
  s.blocks = ceil_div(tiles.count, most_tiles / unit * unit);
  s.block_tiles = round_up_to(ceil_div(tiles.count, s.blocks), unit);
  s.blocks = ceil_div(tiles.count, s.block_tiles);
  s.in_blocks = ceil_div(p.in_c, most_in_channels);
  s.in_channels = round_up_to(ceil_div(p.in_c, s.in_blocks), winograd_lanes);
  s.in_blocks = ceil_div(p.in_c, s.in_channels);
  s.panels = ceil_div(p.out_c, kernels.tile_n);
  s.group_panels = min_of(s.panels, most_out_channels / kernels.tile_n);
  while (s.group_panels > 2 && s.blocks * ceil_div(s.panels, s.group_panels) < enough_tasks) s.group_panels = ceil_div(s.group_panels, 2);
  s.groups = ceil_div(s.panels, s.group_panels);
  s.group_panels = ceil_div(s.panels, s.groups);
  s.v_row = s.in_channels;
  s.v_step = s.block_tiles * s.v_row + step_slack;
  s.m_row = round_up_to(s.group_panels * kernels.tile_n, winograd_lanes);
  s.m_step = s.block_tiles * s.m_row + step_slack;
  s.own_filter = s.blocks <= few_blocks;
  s.u_panel = s.in_channels * kernels.tile_n;
  s.u_step = (s.own_filter ? s.group_panels : s.panels) * s.u_panel + step_slack;
  return s;
}

/// Transforms the filter for one block of input channels and one panel of output channels. Returns
/// false if scratch memory is lacking.
bool transform_filter(const WinogradProblem& p, const Sizes& s, const GemmKernels& kernels, const WinogradKernels& transforms, int64_t in_block, int64_t panel, float* u) {
  const int64_t c = in_block * s.in_channels, d = panel * kernels.tile_n;
  const int64_t rows = min_of(s.in_channels, p.in_c - c), columns = min_of(kernels.tile_n, p.out_c - d);
  if (!p.transposed) {
    transforms.filter(u, s.u_step, kernels.tile_n, p.filter + c * p.out_c + d, p.in_c * p.out_c, p.out_c, rows, columns);
    return true;
  }
  const int64_t tap = rows * kernels.tile_n;
  float* const packed = static_cast<float*>(scratch(3, static_cast<size_t>(9 * tap + pack_slack) * sizeof(float)));
  if (!packed) return false;
  for (int64_t t = 0; t < 9; t++) {
    // Packing one tap may write over the start of the next one, which is packed later.
    kernels.pack_rows(packed + t * tap, kernels.tile_n, p.filter + ((8 - t) * p.out_c + d) * p.in_c + c, p.in_c, columns, rows);
  }
  transforms.filter(u, s.u_step, kernels.tile_n, packed, tap, kernels.tile_n, rows, columns);
  return true;
}

void transform_output(const WinogradProblem& p, const Sizes& s, const Tiles& tiles, const WinogradKernels& transforms, int64_t first, int64_t count, int64_t d, int64_t channels, const float* m) {
  const Epilogue& epilogue = p.epilogue;
  const bool relu = epilogue.activation == Activation::relu;
  const Epilogue rest{nullptr, relu ? Activation::linear : epilogue.activation, epilogue.leak};
  for (int64_t i = 0; i < count; i++) {
    const Place place = place_of(tiles, first + i);
    const int64_t rows = min_of(winograd_tile, p.out_h - place.row), columns = min_of(winograd_tile, p.out_w - place.column);
    float* const y = p.y + ((place.image * p.out_h + place.row) * p.out_w + place.column) * p.out_c + d;
    transforms.output(y, p.out_w * p.out_c, p.out_c, static_cast<int>(rows), static_cast<int>(columns), m + i * s.m_row, s.m_step, channels,
                      epilogue.bias ? epilogue.bias + d : nullptr, relu);
    if (rest.empty()) continue;
    for (int64_t row = 0; row < rows; row++) apply_epilogue(rest, y + row * p.out_w * p.out_c, p.out_c, columns, channels, d);
  }
}

}  // namespace

bool winograd_pays(int64_t images, int64_t out_h, int64_t out_w, int64_t in_c, int64_t out_c) {
  const int64_t tiles = Tiles(images, out_h, out_w).count;
  // The last tiles of rows and columns may reach over the border. No more than half of the work may
  // be lost to that.
  return in_c >= least_channels && out_c >= least_channels && tiles >= least_tiles && tiles * 16 <= 2 * images * out_h * out_w;
}

bool winograd(const WinogradProblem& p) {
  const GemmKernels& kernels = EASEL_KERNELS(gemm);
  const WinogradKernels& transforms = EASEL_KERNELS(winograd);
  const Tiles tiles(p.images, p.out_h, p.out_w);
  const Sizes s = sizes_of(p, tiles, kernels);
  const Patches patches{p.x, p.in_h, p.in_w, p.in_c, winograd_patch, p.pad_top, p.pad_left};
  bool enough_memory = true;  // threads only ever set it to false
  const auto out_of_memory = [&] { __atomic_store_n(&enough_memory, false, __ATOMIC_RELAXED); };

  float* whole_u = nullptr;
  const int64_t u_block = winograd_products * s.u_step;
  if (!s.own_filter) {
    whole_u = static_cast<float*>(scratch(1, static_cast<size_t>(s.in_blocks * u_block) * sizeof(float)));
    if (!whole_u) return false;
    parallel_for(s.in_blocks * s.panels, max_of(1, 4096 / s.u_panel), [&](int64_t begin, int64_t end) {
      for (int64_t item = begin; item < end; item++) {
        const int64_t in_block = item / s.panels, panel = item % s.panels;
        if (!transform_filter(p, s, kernels, transforms, in_block, panel, whole_u + in_block * u_block + panel * s.u_panel)) out_of_memory();
      }
    });
    if (!enough_memory) return false;
  }

  const int64_t patch_floats = winograd_patch * winograd_patch * s.in_channels, v_floats = winograd_products * s.v_step, m_floats = winograd_products * s.m_step;
  const int64_t tasks = s.blocks * s.groups;
  const int64_t work = winograd_products * s.block_tiles * p.in_c * s.group_panels * kernels.tile_n;
  parallel_for(tasks, max_of(1, task_work / work), [&](int64_t begin, int64_t end) {
    const int64_t floats = patch_floats + v_floats + m_floats + (s.own_filter ? u_block : 0);
    float* const memory = static_cast<float*>(scratch(2, static_cast<size_t>(floats) * sizeof(float)));
    if (!memory) return out_of_memory();
    float* const patch = memory;
    float* const v = patch + patch_floats;
    float* const m = v + v_floats;
    float* const own_u = m + m_floats;
    GemmTile tile = one_segment_tile(s.v_row, 1, kernels.tile_n, s.m_row);
    for (int64_t task = begin; task < end; task++) {
      // Neighbouring tasks take the same channels, so that their part of u is still in a cache.
      const int64_t group = task / s.blocks, first = task % s.blocks * s.block_tiles;
      const int64_t count = min_of(s.block_tiles, tiles.count - first), rows_each = ceil_div(count, ceil_div(count, kernels.tile_m));
      const int64_t first_panel = group * s.group_panels, panels = min_of(s.group_panels, s.panels - first_panel);
      const int64_t d = first_panel * kernels.tile_n, channels = min_of(panels * kernels.tile_n, p.out_c - d);
      for (int64_t in_block = 0; in_block < s.in_blocks; in_block++) {
        const int64_t c = in_block * s.in_channels;
        tile.depth = min_of(s.in_channels, p.in_c - c);
        tile.accumulate = in_block > 0;
        transform_patches(transforms.input, patches, tiles, first, count, c, tile.depth, v, s.v_row, s.v_step, patch);
        const float* u = whole_u + in_block * u_block + first_panel * s.u_panel;
        if (s.own_filter) {
          for (int64_t panel = 0; panel < panels; panel++) {
            if (!transform_filter(p, s, kernels, transforms, in_block, first_panel + panel, own_u + panel * s.u_panel)) return out_of_memory();
          }
          u = own_u;
        }
        for (int64_t k = 0; k < winograd_products; k++) {
          for (int64_t panel = 0; panel < panels; panel++) {
            const int64_t column = panel * kernels.tile_n;
            tile.b = u + k * s.u_step + panel * s.u_panel;
            tile.n = static_cast<int>(min_of(kernels.tile_n, channels - column));
            for (int64_t row = 0; row < count; row += rows_each) {
              tile.m = static_cast<int>(min_of(rows_each, count - row));
              tile.a = v + k * s.v_step + row * s.v_row;
              tile.c = m + k * s.m_step + row * s.m_row + column;
              kernels.tile(tile);
            }
          }
        }
      }
      transform_output(p, s, tiles, transforms, first, count, d, channels, m);
    }
  });
  return enough_memory;
}

bool winograd_filter_gradient(const WinogradGradient& p) {
  const GemmKernels& kernels = EASEL_KERNELS(gemm);
  const WinogradKernels& transforms = EASEL_KERNELS(winograd);
  const Tiles tiles(p.images, p.out_h, p.out_w);
  const Patches x_patches{p.x, p.in_h, p.in_w, p.in_c, winograd_patch, p.pad_top, p.pad_left};
  const Patches dy_patches{p.dy, p.out_h, p.out_w, p.out_c, winograd_tile, 0, 0};

  const int64_t in_channels = round_up_to(ceil_div(p.in_c, ceil_div(p.in_c, gradient_channels)), winograd_lanes), in_blocks = ceil_div(p.in_c, in_channels);
  const int64_t out_channels = round_up_to(ceil_div(p.out_c, ceil_div(p.out_c, gradient_channels)), winograd_lanes), out_blocks = ceil_div(p.out_c, out_channels);
  const int64_t blocks = in_blocks * out_blocks, size = 9 * p.in_c * p.out_c;
  const int64_t parts_wanted = max_of(1, min_of(ceil_div(enough_tasks, blocks), tiles.count / most_tiles));
  const int64_t part_tiles = ceil_div(tiles.count, parts_wanted), parts = ceil_div(tiles.count, part_tiles);
  float* const sums = parts > 1 ? static_cast<float*>(scratch(1, static_cast<size_t>(parts * size) * sizeof(float))) : p.df;
  if (!sums) return false;

  const int64_t block_tiles = min_of(most_tiles, part_tiles);
  const int64_t v_step = block_tiles * in_channels + step_slack, w_step = block_tiles * out_channels + step_slack, u_step = in_channels * out_channels + step_slack;
  const int64_t copy_floats = winograd_patch * winograd_patch * max_of(in_channels, out_channels);
  bool enough_memory = true;  // threads only ever set it to false
  const int64_t work = winograd_products * part_tiles * in_channels * out_channels;
  parallel_for(parts * blocks, max_of(1, task_work / work), [&](int64_t begin, int64_t end) {
    float* const copy = static_cast<float*>(scratch(2, static_cast<size_t>(copy_floats + winograd_products * (v_step + w_step + u_step)) * sizeof(float)));
    if (!copy) {
      __atomic_store_n(&enough_memory, false, __ATOMIC_RELAXED);
      return;
    }
    float* const v = copy + copy_floats;
    float* const w = v + winograd_products * v_step;
    float* const u = w + winograd_products * w_step;
    GemmTile tile = one_segment_tile(1, in_channels, out_channels, out_channels);
    for (int64_t task = begin; task < end; task++) {
      const int64_t part = task / blocks, c = task % blocks / out_blocks * in_channels, d = task % out_blocks * out_channels;
      const int64_t rows = min_of(in_channels, p.in_c - c), columns = min_of(out_channels, p.out_c - d);
      const int64_t rows_each = ceil_div(rows, ceil_div(rows, kernels.tile_m));
      const int64_t part_begin = part * part_tiles, part_end = min_of(tiles.count, part_begin + part_tiles);
      for (int64_t first = part_begin; first < part_end; first += block_tiles) {
        tile.depth = min_of(block_tiles, part_end - first);
        tile.accumulate = first > part_begin;
        transform_patches(transforms.input, x_patches, tiles, first, tile.depth, c, rows, v, in_channels, v_step, copy);
        transform_patches(transforms.output_adjoint, dy_patches, tiles, first, tile.depth, d, columns, w, out_channels, w_step, copy);
        for (int64_t k = 0; k < winograd_products; k++) {
          for (int64_t j = 0; j < columns; j += kernels.tile_n) {
            tile.n = static_cast<int>(min_of(kernels.tile_n, columns - j));
            tile.b = w + k * w_step + j;
            for (int64_t i = 0; i < rows; i += rows_each) {
              tile.m = static_cast<int>(min_of(rows_each, rows - i));
              tile.a = v + k * v_step + i;
              tile.c = u + k * u_step + i * out_channels + j;
              kernels.tile(tile);
            }
          }
        }
      }
      transforms.filter_adjoint(sums + part * size + c * p.out_c + d, p.in_c * p.out_c, p.out_c, u, u_step, out_channels, rows, columns);
    }
  });
  if (!enough_memory) return false;
  if (parts > 1) add_parts(p.df, sums, parts, size);
  return true;
}

}  // namespace easel
