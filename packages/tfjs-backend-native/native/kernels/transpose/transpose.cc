#include "kernels/transpose/transpose.h"

#include <cstring>

#include "runtime/dispatch.h"
#include "runtime/integers.h"
#include "runtime/threads.h"

namespace easel {
namespace {

constexpr int64_t tile_side = 64;
constexpr int64_t grain = 16384;  // elements of one piece of work

}  // namespace

void transpose(float* y, const float* x, const Permutation& axes) {
  const int last = axes.rank - 1;
  int64_t y_step[Permutation::most_axes];
  int64_t size = 1;
  for (int i = last; i >= 0; i--) {
    y_step[i] = size;
    size *= axes.extent[i];
  }
  if (size == 0) return;
  // The plane has the output's last axis (rows of a tile) and the input's (columns). They are the
  // same axis where runs can be copied.
  int plane = last;
  for (int i = 0; i <= last; i++) {
    if (axes.x_step[i] == 1 && axes.extent[i] > 1) plane = i;
  }
  const bool runs = plane == last;
  const int64_t rows = axes.extent[last], columns = runs ? 1 : axes.extent[plane];
  const int64_t row_tiles = runs ? 1 : ceil_div(rows, tile_side), column_tiles = ceil_div(columns, tile_side);
  const int64_t units = size / (rows * columns) * row_tiles * column_tiles;
  const int64_t unit_size = runs ? rows : tile_side * tile_side;
  const auto tile = EASEL_KERNELS(transpose).tile;
  // Within a piece of work the axes are counted up like the digits of a number. A division for each
  // unit would cost as much as moving it.
  int outer[Permutation::most_axes], outers = 0;
  for (int i = last - 1; i >= 0; i--) {
    if (i != plane) outer[outers++] = i;
  }
  parallel_for(units, max_of(1, grain / unit_size), [&](int64_t begin, int64_t end) {
    int64_t row_tile = begin % row_tiles, column_tile = begin / row_tiles % column_tiles;
    int64_t rest = begin / row_tiles / column_tiles, to = 0, from = 0, index[Permutation::most_axes];
    for (int k = 0; k < outers; k++) {
      const int axis = outer[k];
      index[k] = rest % axes.extent[axis];
      rest /= axes.extent[axis];
      to += index[k] * y_step[axis];
      from += index[k] * axes.x_step[axis];
    }
    for (int64_t unit = begin; unit < end; unit++) {
      if (runs) {
        std::memcpy(y + to, x + from, sizeof(float) * static_cast<size_t>(rows));
      } else {
        const int64_t row = row_tile * tile_side, column = column_tile * tile_side;
        tile(y + to + column * y_step[plane] + row, y_step[plane], x + from + row * axes.x_step[last] + column, axes.x_step[last],
             row + tile_side < rows ? tile_side : rows - row, column + tile_side < columns ? tile_side : columns - column);
        if (++row_tile < row_tiles) continue;
        row_tile = 0;
        if (++column_tile < column_tiles) continue;
        column_tile = 0;
      }
      for (int k = 0; k < outers; k++) {
        const int axis = outer[k];
        to += y_step[axis];
        from += axes.x_step[axis];
        if (++index[k] < axes.extent[axis]) break;
        to -= index[k] * y_step[axis];
        from -= index[k] * axes.x_step[axis];
        index[k] = 0;
      }
    }
  });
}

}  // namespace easel
