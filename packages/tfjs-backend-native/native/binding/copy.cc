// copyWords, copyBytes, updateRows, resizeNearest, resizeNearestGrad.
#include "kernels/copy/copy.h"

#include "binding/arguments.h"
#include "binding/families.h"

namespace easel {
namespace {

// Reads (axes): extents, steps of y, steps of x. Checks them, with the offsets, against the arrays'
// lengths.
bool read_axes(Arguments& args, size_t index, size_t y_count, int64_t y_offset, size_t x_count, int64_t x_offset, CopyAxes* axes) {
  int64_t values[3 * CopyAxes::most_axes];
  const size_t count = args.shape(index, values, 3 * CopyAxes::most_axes);
  if (!args.require(count > 0 && count % 3 == 0, "axes must hold extents and two steps an axis")) return false;
  axes->rank = static_cast<int>(count / 3);
  int64_t y_last = y_offset, x_first = x_offset, x_last = x_offset;
  bool sound = true;
  for (int i = 0; i < axes->rank; i++) {
    axes->extent[i] = values[i];
    axes->y_step[i] = values[axes->rank + i];
    axes->x_step[i] = values[2 * axes->rank + i];
    sound = sound && axes->extent[i] > 0 && axes->y_step[i] > 0;
    const int64_t reach = (axes->extent[i] - 1) * axes->x_step[i];
    (reach < 0 ? x_first : x_last) += reach;
    y_last += (axes->extent[i] - 1) * axes->y_step[i];
  }
  return args.require(sound && x_first >= 0 && static_cast<size_t>(y_last) < y_count && static_cast<size_t>(x_last) < x_count,
                      "arrays do not cover the axes");
}

/// copyWords(y, yOffset, x, xOffset, axes)
napi_value copy_words_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "copyWords", 5);
  const Span<float> y = args.floats(0), x = args.floats(2);
  const int64_t y_offset = args.size(1), x_offset = args.size(3);
  CopyAxes axes;
  if (!read_axes(args, 4, y.count, y_offset, x.count, x_offset, &axes)) return nullptr;
  copy_words(reinterpret_cast<uint32_t*>(y.data) + y_offset, reinterpret_cast<const uint32_t*>(x.data) + x_offset, axes);
  return nullptr;
}

/// copyBytes(y, yOffset, x, xOffset, axes)
napi_value copy_bytes_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "copyBytes", 5);
  const Span<uint8_t> y = args.bytes(0), x = args.bytes(2);
  const int64_t y_offset = args.size(1), x_offset = args.size(3);
  CopyAxes axes;
  if (!read_axes(args, 4, y.count, y_offset, x.count, x_offset, &axes)) return nullptr;
  copy_bytes(y.data + y_offset, x.data + x_offset, axes);
  return nullptr;
}

bool within(const Span<int32_t>& indices, int64_t extent) {
  for (size_t i = 0; i < indices.count; i++) {
    if (indices.data[i] < 0 || indices.data[i] >= extent) return false;
  }
  return true;
}

/// updateRows(cache, rows, positions | null, cacheRows | null, batch, steps, length, width,
/// position): writes cache. Without positions, `position` holds for all rows.
napi_value update_rows_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "UpdateRows", 9);
  const Span<float> cache = args.floats(0), rows = args.floats(1);
  const Span<int32_t> positions = args.optional_ints(2), cache_rows = args.optional_ints(3);
  const RowsToWrite what = {args.size(4), args.size(5), args.size(6), args.size(7), positions.data, args.size(8), cache_rows.data};
  if (!args.ok()) return nullptr;
  const size_t batch = static_cast<size_t>(what.batch), row = static_cast<size_t>(what.length * what.width);
  const bool fit = row > 0 && cache.count % row == 0 && rows.count == batch * static_cast<size_t>(what.steps * what.width) &&
                   (!positions.data || positions.count == batch) && (cache_rows.data ? cache_rows.count == batch : cache.count == batch * row);
  if (!args.require(fit, "arrays do not fit the sizes")) return nullptr;
  bool inside = positions.data || what.position + what.steps <= what.length;
  for (size_t b = 0; b < positions.count; b++) inside = inside && positions.data[b] >= 0 && positions.data[b] + what.steps <= what.length;
  if (!args.require(inside, "rows must lie within the cache's places")) return nullptr;
  if (!args.require(within(cache_rows, static_cast<int64_t>(cache.count / row)), "cacheRows must be rows of the cache")) return nullptr;
  write_rows(cache.data, rows.data, what);
  return nullptr;
}

// Reads (large, small, rowOf, columnOf, batch, xRows, xColumns, channels). large is [batch,
// rowOf.length, columnOf.length, channels].
bool read_resize(Arguments& args, const Span<float>& large, const Span<float>& small, Span<int32_t>* row_of, Span<int32_t>* column_of,
                 ResizeShape* shape) {
  *row_of = args.ints(2);
  *column_of = args.ints(3);
  *shape = {args.size(4), args.size(5), args.size(6), static_cast<int64_t>(row_of->count), static_cast<int64_t>(column_of->count), args.size(7)};
  return args.require(large.count == static_cast<size_t>(shape->batch * shape->y_rows * shape->y_columns * shape->channels) &&
                          small.count == static_cast<size_t>(shape->batch * shape->x_rows * shape->x_columns * shape->channels) &&
                          within(*row_of, shape->x_rows) && within(*column_of, shape->x_columns),
                      "arrays do not fit the shape");
}

/// resizeNearest(y, x, rowOf, columnOf, batch, xRows, xColumns, channels)
napi_value resize_nearest_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "resizeNearest", 8);
  const Span<float> y = args.floats(0), x = args.floats(1);
  Span<int32_t> row_of, column_of;
  ResizeShape shape;
  if (!read_resize(args, y, x, &row_of, &column_of, &shape)) return nullptr;
  resize_nearest(y.data, x.data, row_of.data, column_of.data, shape);
  return nullptr;
}

/// resizeNearestGrad(dy, dx, rowOf, columnOf, batch, xRows, xColumns, channels): writes dx
napi_value resize_nearest_grad_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "resizeNearestGrad", 8);
  const Span<float> dy = args.floats(0), dx = args.floats(1);
  Span<int32_t> row_of, column_of;
  ResizeShape shape;
  if (!read_resize(args, dy, dx, &row_of, &column_of, &shape)) return nullptr;
  resize_nearest_grad(dx.data, dy.data, row_of.data, column_of.data, shape);
  return nullptr;
}

}  // namespace

void register_copy(napi_env env, napi_value exports) {
  export_function(env, exports, "copyWords", copy_words_binding);
  export_function(env, exports, "copyBytes", copy_bytes_binding);
  export_function(env, exports, "updateRows", update_rows_binding);
  export_function(env, exports, "resizeNearest", resize_nearest_binding);
  export_function(env, exports, "resizeNearestGrad", resize_nearest_grad_binding);
}

}  // namespace easel
