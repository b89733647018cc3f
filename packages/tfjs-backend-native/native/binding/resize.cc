// resizeBilinear, resizeBilinearGrad, cropAndResize and rotate: see src/addon-kernels.ts.
#include "kernels/resize/resize.h"

#include "binding/arguments.h"
#include "binding/families.h"
#include "kernels/resize/sample.h"

namespace easel {
namespace {

/// Reads (first, second, fraction) of the lines of y. Returns false unless the three have one
/// length and all lines are inside.
bool read_axis(Arguments& args, size_t index, int64_t from, BilinearAxis* axis) {
  const Span<int32_t> first = args.ints(index), second = args.ints(index + 1);
  const Span<float> fraction = args.floats(index + 2);
  if (!args.require(first.count == second.count && first.count == fraction.count, "lines and fractions must be of one length")) return false;
  bool inside = true;
  for (size_t i = 0; i < first.count; i++) {
    inside = inside && first.data[i] >= 0 && first.data[i] < from && second.data[i] >= 0 && second.data[i] < from;
  }
  *axis = {from, static_cast<int64_t>(first.count), first.data, second.data, fraction.data};
  return args.require(inside, "lines must be inside of the image");
}

/// Takes (output, input, three arrays of the rows, three of the columns, batch, x's rows, x's
/// columns, channels) and makes y from x, or dx from dy if `gradient`.
napi_value bilinear(napi_env env, napi_callback_info info, const char* name, bool gradient) {
  Arguments args(env, info, name, 12);
  const Span<float> output = args.floats(0), input = args.floats(1), x = gradient ? output : input, y = gradient ? input : output;
  const int64_t batch = args.size(8), x_rows = args.size(9), x_columns = args.size(10), channels = args.size(11);
  BilinearAxis rows{}, columns{};
  if (!args.ok() || !read_axis(args, 2, x_rows, &rows) || !read_axis(args, 5, x_columns, &columns)) return nullptr;
  if (!args.require(x.count == static_cast<size_t>(batch * x_rows * x_columns * channels) && y.count == static_cast<size_t>(batch * rows.to * columns.to * channels),
                    "arrays do not fit the shape")) {
    return nullptr;
  }
  if (gradient) {
    resize_bilinear_gradient(x.data, y.data, batch, rows, columns, channels);
  } else {
    resize_bilinear(y.data, x.data, batch, rows, columns, channels);
  }
  return nullptr;
}

napi_value bilinear_binding(napi_env env, napi_callback_info info) { return bilinear(env, info, "resizeBilinear", false); }

napi_value bilinear_gradient_binding(napi_env env, napi_callback_info info) { return bilinear(env, info, "resizeBilinearGrad", true); }

size_t pixels_of(const ImageSize& size) { return static_cast<size_t>(size.batch * size.rows * size.columns * size.channels); }

ImageSize read_image_size(Arguments& args, size_t index) { return {args.size(index), args.size(index + 1), args.size(index + 2), args.size(index + 3)}; }

/// cropAndResize(y, x, boxes, images, nearest, outside, rows, columns, batch, xRows, xColumns, channels)
napi_value crop_and_resize_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "cropAndResize", 12);
  const Span<float> y = args.floats(0), x = args.floats(1), corners = args.floats(2);
  const Span<int32_t> images = args.ints(3);
  const bool nearest = args.boolean(4);
  const float outside = static_cast<float>(args.number(5));
  const int64_t rows = args.size(6), columns = args.size(7);
  const ImageSize from = read_image_size(args, 8);
  if (!args.require(x.count == pixels_of(from) && corners.count == 4 * images.count &&
                        y.count == images.count * static_cast<size_t>(rows * columns * from.channels),
                    "arrays do not fit the shape")) {
    return nullptr;
  }
  crop_and_resize(y.data, x.data, from, {static_cast<int64_t>(images.count), corners.data, images.data}, rows, columns, nearest, outside);
  return nullptr;
}

/// rotate(y, x, fill, radians, centreX, centreY, batch, rows, columns, channels)
napi_value rotate_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "rotate", 10);
  const Span<float> y = args.floats(0), x = args.floats(1), fill = args.floats(2);
  const double radians = args.number(3), centre_x = args.number(4), centre_y = args.number(5);
  const ImageSize size = read_image_size(args, 6);
  if (!args.require(x.count == pixels_of(size) && y.count == x.count && fill.count == static_cast<size_t>(size.channels), "arrays do not fit the shape")) {
    return nullptr;
  }
  rotate(reinterpret_cast<uint32_t*>(y.data), reinterpret_cast<const uint32_t*>(x.data), size, reinterpret_cast<const uint32_t*>(fill.data), radians,
         centre_x, centre_y);
  return nullptr;
}

}  // namespace

void register_resize(napi_env env, napi_value exports) {
  export_function(env, exports, "resizeBilinear", bilinear_binding);
  export_function(env, exports, "resizeBilinearGrad", bilinear_gradient_binding);
  export_function(env, exports, "cropAndResize", crop_and_resize_binding);
  export_function(env, exports, "rotate", rotate_binding);
}

}  // namespace easel
