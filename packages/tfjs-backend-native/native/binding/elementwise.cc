// unary, binary, binaryInt, compare, selectWords.
#include "kernels/elementwise/elementwise.h"

#include "binding/arguments.h"
#include "binding/families.h"

namespace easel {
namespace {

// Elements that walking `extent` with `step` can reach, or -1 where a step is negative.
int64_t reach(int rank, const int64_t* extent, const int64_t* step) {
  int64_t last = 0;
  for (int i = 0; i < rank; i++) {
    if (step[i] < 0 || extent[i] < 0) return -1;
    if (extent[i] == 0) return 0;
    last += (extent[i] - 1) * step[i];
  }
  return last + 1;
}

// (axes): [extents…, steps of a…, steps of b…], checked against the three arrays' lengths.
bool read_broadcast(Arguments& args, size_t index, size_t y, size_t a, size_t b, Broadcast* shape) {
  int64_t axes[3 * Broadcast::most_axes];
  const size_t count = args.shape(index, axes, 3 * Broadcast::most_axes);
  if (!args.require(count > 0 && count % 3 == 0, "axes must hold extents and two steps an axis")) return false;
  shape->rank = static_cast<int>(count / 3);
  int64_t size = 1;
  for (int i = 0; i < shape->rank; i++) {
    shape->extent[i] = axes[i];
    shape->a_step[i] = axes[shape->rank + i];
    shape->b_step[i] = axes[2 * shape->rank + i];
    size *= shape->extent[i];
  }
  const int last = shape->rank - 1;
  const int64_t a_reach = reach(shape->rank, shape->extent, shape->a_step);
  const int64_t b_reach = reach(shape->rank, shape->extent, shape->b_step);
  return args.require(shape->a_step[last] <= 1 && shape->b_step[last] <= 1 && a_reach >= 0 && b_reach >= 0 && size >= 0 &&
                          static_cast<size_t>(size) <= y && static_cast<size_t>(a_reach) <= a && static_cast<size_t>(b_reach) <= b,
                      "arrays do not cover the axes");
}

/// unary(op, y, x, p, q)
napi_value unary_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "unary", 5);
  const int64_t op = args.size(0);
  const Span<float> y = args.floats(1), x = args.floats(2);
  const float p = static_cast<float>(args.number(3)), q = static_cast<float>(args.number(4));
  if (!args.require(op < unary_count && y.count == x.count, "unknown operation, or lengths differ")) return nullptr;
  unary(static_cast<Unary>(op), y.data, x.data, static_cast<int64_t>(x.count), p, q);
  return nullptr;
}

/// binary(op, y, a, b, axes)
napi_value binary_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "binary", 5);
  const int64_t op = args.size(0);
  const Span<float> y = args.floats(1), a = args.floats(2), b = args.floats(3);
  Broadcast shape;
  if (!args.require(op < binary_count, "unknown operation") || !read_broadcast(args, 4, y.count, a.count, b.count, &shape)) return nullptr;
  binary(static_cast<Binary>(op), y.data, a.data, b.data, shape);
  return nullptr;
}

/// binaryInt(op, y, a, b, axes)
napi_value binary_int_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "binaryInt", 5);
  const int64_t op = args.size(0);
  const Span<int32_t> y = args.ints(1), a = args.ints(2), b = args.ints(3);
  Broadcast shape;
  if (!args.require(op < int_binary_count, "unknown operation") || !read_broadcast(args, 4, y.count, a.count, b.count, &shape)) {
    return nullptr;
  }
  binary_int(static_cast<IntBinary>(op), y.data, a.data, b.data, shape);
  return nullptr;
}

/// compareFloat(op, y, a, b, axes)
napi_value compare_float_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "compareFloat", 5);
  const int64_t op = args.size(0);
  const Span<uint8_t> y = args.bytes(1);
  const Span<float> a = args.floats(2), b = args.floats(3);
  Broadcast shape;
  if (!args.require(op < comparison_count, "unknown operation") || !read_broadcast(args, 4, y.count, a.count, b.count, &shape)) {
    return nullptr;
  }
  compare(static_cast<Comparison>(op), y.data, a.data, b.data, shape);
  return nullptr;
}

/// compareInt(op, y, a, b, axes)
napi_value compare_int_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "compareInt", 5);
  const int64_t op = args.size(0);
  const Span<uint8_t> y = args.bytes(1);
  const Span<int32_t> a = args.ints(2), b = args.ints(3);
  Broadcast shape;
  if (!args.require(op < comparison_count, "unknown operation") || !read_broadcast(args, 4, y.count, a.count, b.count, &shape)) {
    return nullptr;
  }
  compare(static_cast<Comparison>(op), y.data, a.data, b.data, shape);
  return nullptr;
}

/// selectFloat(y, condition, a, b)
napi_value select_float_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "selectFloat", 4);
  const Span<float> y = args.floats(0);
  const Span<uint8_t> condition = args.bytes(1);
  const Span<float> a = args.floats(2), b = args.floats(3);
  if (!args.require(y.count == condition.count && y.count == a.count && y.count == b.count, "lengths differ")) return nullptr;
  select_words(reinterpret_cast<uint32_t*>(y.data), condition.data, reinterpret_cast<const uint32_t*>(a.data),
               reinterpret_cast<const uint32_t*>(b.data), static_cast<int64_t>(y.count));
  return nullptr;
}

}  // namespace

void register_elementwise(napi_env env, napi_value exports) {
  export_function(env, exports, "unary", unary_binding);
  export_function(env, exports, "binary", binary_binding);
  export_function(env, exports, "binaryInt", binary_int_binding);
  export_function(env, exports, "compareFloat", compare_float_binding);
  export_function(env, exports, "compareInt", compare_int_binding);
  export_function(env, exports, "selectFloat", select_float_binding);
}

}  // namespace easel
