// transpose.
#include "kernels/transpose/transpose.h"

#include "binding/arguments.h"
#include "binding/families.h"

namespace easel {
namespace {

/// transpose(y, x, axes): axes hold the output's extents, then x's step along each of them
napi_value transpose_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "transpose", 3);
  const Span<float> y = args.floats(0), x = args.floats(1);
  int64_t axes[2 * Permutation::most_axes];
  const size_t count = args.shape(2, axes, 2 * Permutation::most_axes);
  if (!args.require(count > 0 && count % 2 == 0, "axes must hold extents and steps")) return nullptr;
  Permutation permutation;
  permutation.rank = static_cast<int>(count / 2);
  int64_t size = 1, last = 0;
  bool positive = true;
  for (int i = 0; i < permutation.rank; i++) {
    permutation.extent[i] = axes[i];
    permutation.x_step[i] = axes[permutation.rank + i];
    positive = positive && axes[i] > 0 && permutation.x_step[i] > 0;
    size *= axes[i];
    last += (axes[i] - 1) * permutation.x_step[i];
  }
  if (!args.require(positive && static_cast<size_t>(size) == y.count && static_cast<size_t>(last) < x.count, "arrays do not cover the axes")) {
    return nullptr;
  }
  transpose(y.data, x.data, permutation);
  return nullptr;
}

}  // namespace

void register_transpose(napi_env env, napi_value exports) {
  export_function(env, exports, "transpose", transpose_binding);
}

}  // namespace easel
