// reduce, reducePlain, scan.
#include "kernels/reduce/reduce.h"

#include "binding/arguments.h"
#include "binding/families.h"

namespace easel {
namespace {

/// reduce(op, y [outer, inner], x [outer, red, inner], red, inner, scale)
napi_value reduce_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "reduce", 6);
  const int64_t op = args.size(0);
  const Span<float> y = args.floats(1), x = args.floats(2);
  const int64_t red = args.size(3), inner = args.size(4);
  const double scale = args.number(5);
  if (!args.require(op < reduction_count && red > 0 && inner > 0 && y.count % static_cast<size_t>(inner) == 0 &&
                        y.count * static_cast<size_t>(red) == x.count,
                    "unknown operation, or y is not x without the middle axis")) {
    return nullptr;
  }
  args.require(reduce(static_cast<Reduction>(op), scale, y.data, x.data, static_cast<int64_t>(y.count) / inner, red, inner), "out of memory");
  return nullptr;
}

template <typename T>
void reduce_spans(Arguments& args, const Span<T>& y, const Span<T>& x) {
  const int64_t op = args.size(0), red = args.size(3), inner = args.size(4);
  if (!args.require(op < plain_reduction_count && red > 0 && inner > 0 && y.count % static_cast<size_t>(inner) == 0 &&
                        y.count * static_cast<size_t>(red) == x.count,
                    "unknown operation, or y is not x without the middle axis")) {
    return;
  }
  const bool done = reduce_plain(static_cast<PlainReduction>(op), y.data, x.data, static_cast<int64_t>(y.count) / inner, red, inner);
  args.require(done, "no such operation on these elements");
}

/// reducePlain(op, y [outer, inner], x [outer, red, inner], red, inner), of floats, integers or bytes
napi_value reduce_plain_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "reducePlain", 5);
  if (!args.ok()) return nullptr;
  const napi_typedarray_type type = args.element_type(1);
  if (type == napi_int32_array) {
    reduce_spans(args, args.ints(1), args.ints(2));
  } else if (type == napi_uint8_array) {
    reduce_spans(args, args.bytes(1), args.bytes(2));
  } else {
    reduce_spans(args, args.floats(1), args.floats(2));
  }
  return nullptr;
}

template <typename T>
void scan_spans(Arguments& args, const Span<T>& y, const Span<T>& x) {
  const int64_t op = args.size(0), extent = args.size(3), inner = args.size(4);
  const bool exclusive = args.boolean(5), reverse = args.boolean(6);
  if (!args.require(op < scan_count && y.count == x.count && extent > 0 && inner > 0 && x.count % static_cast<size_t>(extent * inner) == 0,
                    "unknown operation, or lengths do not fit")) {
    return;
  }
  scan(static_cast<Scan>(op), y.data, x.data, static_cast<int64_t>(x.count) / (extent * inner), extent, inner, exclusive, reverse);
}

/// scan(op, y [outer, extent, inner], x, extent, inner, exclusive, reverse), of floats or of integers
napi_value scan_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "scan", 7);
  if (!args.ok()) return nullptr;
  if (args.element_type(1) == napi_int32_array) {
    scan_spans(args, args.ints(1), args.ints(2));
  } else {
    scan_spans(args, args.floats(1), args.floats(2));
  }
  return nullptr;
}

}  // namespace

void register_reduce(napi_env env, napi_value exports) {
  export_function(env, exports, "reduce", reduce_binding);
  export_function(env, exports, "reducePlain", reduce_plain_binding);
  export_function(env, exports, "scan", scan_binding);
}

}  // namespace easel
