// Copies between strided views: concat, slice, pad, tile, reverse and strided slices are such
// copies with different steps. Writing of rows into a cache. Nearest-neighbour resizing of
// pictures. All of it is plain C++ for any target.
#pragma once

#include <cstdint>

namespace easel {

/// Extents that both views have, and their steps in elements. Steps of x may be 0 or negative.
struct CopyAxes {
  static constexpr int most_axes = 12;
  int rank;
  int64_t extent[most_axes], y_step[most_axes], x_step[most_axes];
};

/// y seen with y_step = x seen with x_step. y and x point at the views' first elements.
void copy_words(uint32_t* y, const uint32_t* x, const CopyAxes& axes);
void copy_bytes(uint8_t* y, const uint8_t* x, const CopyAxes& axes);

/// Writes rows [batch, steps, width] into cache [.., length, width]. Row b goes to the places from
/// positions[b] on (`position` where positions is null) of the cache's row cache_rows[b] (b where
/// cache_rows is null).
struct RowsToWrite {
  int64_t batch, steps, length, width;
  const int32_t* positions;
  int64_t position;
  const int32_t* cache_rows;
};
void write_rows(float* cache, const float* rows, const RowsToWrite& what);

/// Pixel (i, j) of y [batch, y_rows, y_columns, channels] is pixel (row_of[i], column_of[j]) of x
/// [batch, x_rows, x_columns, channels].
struct ResizeShape {
  int64_t batch, x_rows, x_columns, y_rows, y_columns, channels;
};
void resize_nearest(float* y, const float* x, const int32_t* row_of, const int32_t* column_of, const ResizeShape& shape);
/// dx: the sum of dy over the pixels that were made from each pixel of x. row_of and column_of must
/// not decrease.
void resize_nearest_grad(float* dx, const float* dy, const int32_t* row_of, const int32_t* column_of, const ResizeShape& shape);

}  // namespace easel
