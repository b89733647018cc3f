// reduce.
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

}  // namespace

void register_reduce(napi_env env, napi_value exports) {
  export_function(env, exports, "reduce", reduce_binding);
}

}  // namespace easel
