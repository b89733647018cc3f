// maxPool, averagePool and their gradients; dilation.
#include "kernels/pool/pool.h"

#include "binding/arguments.h"
#include "binding/families.h"
#include "binding/layouts.h"
#include "kernels/pool/dilation.h"

namespace easel {
namespace {

/// Reads the sizes and checks them against the lengths of the pictures and the results.
bool read_shape(Arguments& args, size_t index, size_t in_count, size_t out_count, PoolShape* shape) {
  const Span<int32_t> sizes = args.ints(index);
  if (!args.require(sizes.count == pool_count, "sizes must be those of layouts.h, PoolSize")) return false;
  PoolShape& s = *shape;
  s.batch = sizes.data[pool_batch];
  s.in_h = sizes.data[pool_in_height];
  s.in_w = sizes.data[pool_in_width];
  s.channels = sizes.data[pool_channels];
  s.out_h = sizes.data[pool_out_height];
  s.out_w = sizes.data[pool_out_width];
  s.window_h = sizes.data[pool_filter_height];
  s.window_w = sizes.data[pool_filter_width];
  s.stride_h = sizes.data[pool_stride_height];
  s.stride_w = sizes.data[pool_stride_width];
  s.pad_top = sizes.data[pool_pad_top];
  s.pad_left = sizes.data[pool_pad_left];
  const bool held = s.batch >= 0 && s.in_h >= 0 && s.in_w >= 0 && s.channels >= 0 && s.out_h >= 0 && s.out_w >= 0;
  return args.require(held, "sizes must not be negative") &&
         args.require(s.window_h > 0 && s.window_w > 0 && s.stride_h > 0 && s.stride_w > 0, "filter and strides must be positive") &&
         args.require(s.window_h * s.window_w <= int64_t{1} << 24, "a window must have at most 2^24 pixels, which are counted in float32") &&
         args.require(static_cast<size_t>(s.batch * s.in_h * s.in_w * s.channels) == in_count &&
                          static_cast<size_t>(s.batch * s.out_h * s.out_w * s.channels) == out_count,
                      "lengths do not fit the sizes");
}

/// maxPool(y, x, sizes), averagePool(y, x, sizes)
template <void (*pool)(float*, const float*, const PoolShape&)>
napi_value pool_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "pool", 3);
  const Span<float> y = args.floats(0), x = args.floats(1);
  PoolShape shape;
  if (read_shape(args, 2, x.count, y.count, &shape)) pool(y.data, x.data, shape);
  return nullptr;
}

/// maxPoolGradient(dx, dy, x, sizes)
napi_value max_pool_gradient_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "maxPoolGradient", 4);
  const Span<float> dx = args.floats(0), dy = args.floats(1), x = args.floats(2);
  PoolShape shape;
  if (read_shape(args, 3, dx.count, dy.count, &shape) && args.require(x.count == dx.count, "x and dx differ in length")) {
    max_pool_gradient(dx.data, dy.data, x.data, shape);
  }
  return nullptr;
}

/// averagePoolGradient(dx, dy, sizes)
napi_value average_pool_gradient_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "averagePoolGradient", 3);
  const Span<float> dx = args.floats(0), dy = args.floats(1);
  PoolShape shape;
  if (read_shape(args, 2, dx.count, dy.count, &shape)) average_pool_gradient(dx.data, dy.data, shape);
  return nullptr;
}

/// dilation(y, x, filter, sizes, dilationHeight, dilationWidth)
napi_value dilation_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "dilation", 6);
  const Span<float> y = args.floats(0), x = args.floats(1), filter = args.floats(2);
  const int64_t dilation_h = args.size(4), dilation_w = args.size(5);
  PoolShape shape;
  if (!read_shape(args, 3, x.count, y.count, &shape)) return nullptr;
  if (args.require(filter.count == static_cast<size_t>(shape.window_h * shape.window_w * shape.channels), "the filter does not fit the sizes")) {
    dilation(y.data, x.data, filter.data, shape, dilation_h, dilation_w);
  }
  return nullptr;
}

}  // namespace

void register_pool(napi_env env, napi_value exports) {
  export_function(env, exports, "maxPool", pool_binding<max_pool>);
  export_function(env, exports, "averagePool", pool_binding<average_pool>);
  export_function(env, exports, "maxPoolGradient", max_pool_gradient_binding);
  export_function(env, exports, "averagePoolGradient", average_pool_gradient_binding);
  export_function(env, exports, "dilation", dilation_binding);
}

}  // namespace easel
