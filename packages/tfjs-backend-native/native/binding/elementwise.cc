// unary, binary, gatedGrad, binaryInt, compareFloat, compareInt, logical, logicalNot, plainUnary,
// plainBinary, floorDiv, isKind, selectFloat, convert, fillFloat.
#include "kernels/elementwise/elementwise.h"

#include <cstring>

#include "binding/arguments.h"
#include "binding/families.h"

namespace easel {
namespace {

// How many elements a walk along `extent` with `step` can reach, or −1 if a step is negative.
int64_t reach(int rank, const int64_t* extent, const int64_t* step) {
  int64_t last = 0;
  for (int i = 0; i < rank; i++) {
    if (step[i] < 0 || extent[i] < 0) return -1;
    if (extent[i] == 0) return 0;
    last += (extent[i] - 1) * step[i];
  }
  return last + 1;
}

// Reads (axes): [extents…, steps of a…, steps of b…], and checks them against the three arrays'
// lengths. Null means that the arrays have one length and are taken element by element.
bool read_broadcast(Arguments& args, size_t index, size_t y, size_t a, size_t b, Broadcast* shape) {
  if (args.is_absent(index)) {
    shape->rank = 1;
    shape->extent[0] = static_cast<int64_t>(y);
    shape->a_step[0] = shape->b_step[0] = 1;
    return args.require(a == y && b == y, "lengths differ");
  }
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

/// gatedGrad(gate, dgate, dup, dy, gate, up)
napi_value gated_grad_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "gatedGrad", 6);
  const int64_t f = args.size(0);
  const Span<float> dgate = args.floats(1), dup = args.floats(2), dy = args.floats(3), gate = args.floats(4), up = args.floats(5);
  const bool fits = dgate.count == dy.count && dup.count == dy.count && gate.count == dy.count && up.count == dy.count;
  if (!args.require(f < gate_count && fits, "unknown gate, or lengths differ")) return nullptr;
  gated_grad(static_cast<Gate>(f), dgate.data, dup.data, dy.data, gate.data, up.data, static_cast<int64_t>(dy.count));
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
  if (!args.require(op < compare_count, "unknown operation") || !read_broadcast(args, 4, y.count, a.count, b.count, &shape)) {
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
  if (!args.require(op < compare_count, "unknown operation") || !read_broadcast(args, 4, y.count, a.count, b.count, &shape)) {
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

/// plainUnary(op, y, x)
napi_value plain_unary_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "plainUnary", 3);
  const int64_t op = args.size(0);
  const Span<float> y = args.floats(1), x = args.floats(2);
  if (!args.require(op < plain_count && y.count == x.count, "unknown operation, or lengths differ")) return nullptr;
  plain_unary(static_cast<Plain>(op), y.data, x.data, static_cast<int64_t>(x.count));
  return nullptr;
}

/// plainBinary(op, y, a, b, axes)
napi_value plain_binary_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "plainBinary", 5);
  const int64_t op = args.size(0);
  const Span<float> y = args.floats(1), a = args.floats(2), b = args.floats(3);
  Broadcast shape;
  if (!args.require(op < pair_count, "unknown operation") || !read_broadcast(args, 4, y.count, a.count, b.count, &shape)) return nullptr;
  plain_binary(static_cast<PlainPair>(op), y.data, a.data, b.data, shape);
  return nullptr;
}

/// floorDiv(y, a, b, axes)
napi_value floor_div_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "floorDiv", 4);
  const Span<int32_t> y = args.ints(0);
  const Span<float> a = args.floats(1), b = args.floats(2);
  Broadcast shape;
  if (!args.ok() || !read_broadcast(args, 3, y.count, a.count, b.count, &shape)) return nullptr;
  floor_div(y.data, a.data, b.data, shape);
  return nullptr;
}

/// isKind(kind, y, x)
napi_value is_kind_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "isKind", 3);
  const int64_t kind = args.size(0);
  const Span<uint8_t> y = args.bytes(1);
  const Span<float> x = args.floats(2);
  if (!args.require(kind < kind_count && y.count == x.count, "unknown kind, or lengths differ")) return nullptr;
  is_kind(static_cast<Kind>(kind), y.data, x.data, static_cast<int64_t>(x.count));
  return nullptr;
}

/// logical(op, y, a, b, axes)
napi_value logical_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "logical", 5);
  const int64_t op = args.size(0);
  const Span<uint8_t> y = args.bytes(1), a = args.bytes(2), b = args.bytes(3);
  Broadcast shape;
  if (!args.require(op < logical_count, "unknown operation") || !read_broadcast(args, 4, y.count, a.count, b.count, &shape)) return nullptr;
  logical(static_cast<Logical>(op), y.data, a.data, b.data, shape);
  return nullptr;
}

/// logicalNot(y, x)
napi_value logical_not_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "logicalNot", 2);
  const Span<uint8_t> y = args.bytes(0), x = args.bytes(1);
  if (!args.require(y.count == x.count, "lengths differ")) return nullptr;
  logical_not(y.data, x.data, static_cast<int64_t>(x.count));
  return nullptr;
}

template <typename Y, typename X>
void convert_spans(Arguments& args, const Span<Y>& y, const Span<X>& x, void (*run)(Y*, const X*, int64_t)) {
  if (args.require(y.count == x.count, "lengths differ")) run(y.data, x.data, static_cast<int64_t>(x.count));
}

/// convert(y, x): arrays of two different types among Float32Array, Int32Array, Uint8Array (bool)
napi_value convert_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "convert", 2);
  if (!args.ok()) return nullptr;
  const napi_typedarray_type to = args.element_type(0), from = args.element_type(1);
  if (to == napi_float32_array) {
    if (from == napi_uint8_array) {
      convert_spans<float, uint8_t>(args, args.floats(0), args.bytes(1), to_float);
    } else {
      convert_spans<float, int32_t>(args, args.floats(0), args.ints(1), to_float);
    }
  } else if (to == napi_int32_array) {
    if (from == napi_uint8_array) {
      convert_spans<int32_t, uint8_t>(args, args.ints(0), args.bytes(1), to_int);
    } else {
      convert_spans<int32_t, float>(args, args.ints(0), args.floats(1), to_int);
    }
  } else if (from == napi_int32_array) {
    convert_spans<uint8_t, int32_t>(args, args.bytes(0), args.ints(1), to_bool);
  } else {
    convert_spans<uint8_t, float>(args, args.bytes(0), args.floats(1), to_bool);
  }
  return nullptr;
}

/// fillFloat(y, value)
napi_value fill_float_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "fillFloat", 2);
  const Span<float> y = args.floats(0);
  const float value = static_cast<float>(args.number(1));
  if (!args.ok()) return nullptr;
  uint32_t word;
  std::memcpy(&word, &value, sizeof(word));
  fill_words(reinterpret_cast<uint32_t*>(y.data), word, static_cast<int64_t>(y.count));
  return nullptr;
}

}  // namespace

void register_elementwise(napi_env env, napi_value exports) {
  export_function(env, exports, "unary", unary_binding);
  export_function(env, exports, "binary", binary_binding);
  export_function(env, exports, "gatedGrad", gated_grad_binding);
  export_function(env, exports, "binaryInt", binary_int_binding);
  export_function(env, exports, "compareFloat", compare_float_binding);
  export_function(env, exports, "compareInt", compare_int_binding);
  export_function(env, exports, "selectFloat", select_float_binding);
  export_function(env, exports, "plainUnary", plain_unary_binding);
  export_function(env, exports, "plainBinary", plain_binary_binding);
  export_function(env, exports, "floorDiv", floor_div_binding);
  export_function(env, exports, "isKind", is_kind_binding);
  export_function(env, exports, "logical", logical_binding);
  export_function(env, exports, "logicalNot", logical_not_binding);
  export_function(env, exports, "convert", convert_binding);
  export_function(env, exports, "fillFloat", fill_float_binding);
}

}  // namespace easel
