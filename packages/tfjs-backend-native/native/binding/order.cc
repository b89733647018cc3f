// argMax, argMin, topK.
#include "kernels/order/order.h"

#include "binding/arguments.h"
#include "binding/families.h"

namespace easel {
namespace {

using Search = void (*)(int32_t* y, const float* x, int64_t rows, int64_t width);

napi_value search_binding(napi_env env, napi_callback_info info, const char* name, Search search) {
  Arguments args(env, info, name, 3);
  const Span<int32_t> y = args.ints(0);
  const Span<float> x = args.floats(1);
  const int64_t width = args.size(2);
  if (!args.require(width > 0 && x.count == y.count * static_cast<size_t>(width), "lengths do not fit the width")) return nullptr;
  search(y.data, x.data, static_cast<int64_t>(y.count), width);
  return nullptr;
}

/// argMax(y, x, width)
napi_value arg_max_binding(napi_env env, napi_callback_info info) { return search_binding(env, info, "argMax", arg_max); }

/// argMin(y, x, width)
napi_value arg_min_binding(napi_env env, napi_callback_info info) { return search_binding(env, info, "argMin", arg_min); }

/// topK(values, indices, x, width, k)
napi_value top_k_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "topK", 5);
  const Span<float> values = args.floats(0), x = args.floats(2);
  const Span<int32_t> indices = args.ints(1);
  const int64_t width = args.size(3), k = args.size(4);
  if (!args.require(width > 0 && k <= width && x.count % static_cast<size_t>(width) == 0 && values.count == indices.count &&
                        values.count == x.count / static_cast<size_t>(width) * static_cast<size_t>(k),
                    "lengths do not fit width and k")) {
    return nullptr;
  }
  top_k(values.data, indices.data, x.data, static_cast<int64_t>(x.count) / width, width, k);
  return nullptr;
}

}  // namespace

void register_order(napi_env env, napi_value exports) {
  export_function(env, exports, "argMax", arg_max_binding);
  export_function(env, exports, "argMin", arg_min_binding);
  export_function(env, exports, "topK", top_k_binding);
}

}  // namespace easel
