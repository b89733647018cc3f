// maxPool, averagePool and their gradients.
#include "kernels/pool/pool.h"

#include "binding/arguments.h"
#include "binding/families.h"

namespace easel {
namespace {

/// Reads the twelve sizes and checks them against the lengths of the pictures and the results.
bool read_shape(Arguments& args, size_t index, size_t in_count, size_t out_count, PoolShape* shape) {
  const Span<int32_t> sizes = args.ints(index);
  if (!args.require(sizes.count == 12, "sizes must be 12 integers")) return false;
  int64_t s[12];
  for (int i = 0; i < 12; i++) s[i] = sizes.data[i];
  *shape = {s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10], s[11]};
  for (int i = 0; i < 6; i++) {
    if (!args.require(s[i] >= 0, "sizes must not be negative")) return false;
  }
  return args.require(s[6] > 0 && s[7] > 0 && s[8] > 0 && s[9] > 0, "filter and strides must be positive") &&
         args.require(s[6] * s[7] <= int64_t{1} << 24, "a window must have at most 2^24 pixels, which are counted in float32") &&
         args.require(static_cast<size_t>(s[0] * s[1] * s[2] * s[3]) == in_count && static_cast<size_t>(s[0] * s[4] * s[5] * s[3]) == out_count,
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

}  // namespace

void register_pool(napi_env env, napi_value exports) {
  export_function(env, exports, "maxPool", pool_binding<max_pool>);
  export_function(env, exports, "averagePool", pool_binding<average_pool>);
  export_function(env, exports, "maxPoolGradient", max_pool_gradient_binding);
  export_function(env, exports, "averagePoolGradient", average_pool_gradient_binding);
}

}  // namespace easel
