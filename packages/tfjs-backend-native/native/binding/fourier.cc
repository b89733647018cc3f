// fourier: see src/addon-kernels.ts.
#include "kernels/fourier/fourier.h"

#include "binding/arguments.h"
#include "binding/families.h"

namespace easel {
namespace {

napi_value fourier_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "fourier", 6);
  const Span<float> y_real = args.floats(0), y_imaginary = args.floats(1), x_real = args.floats(2), x_imaginary = args.floats(3);
  const int64_t length = args.size(4);
  const bool inverse = args.boolean(5);
  if (!args.ok()) return nullptr;
  const size_t count = x_real.count;
  args.require(y_real.count == count && y_imaginary.count == count && x_imaginary.count == count, "all parts must have one length");
  args.require(count == 0 || (length > 0 && static_cast<int64_t>(count) % length == 0), "the parts must hold whole rows of length");
  if (!args.ok() || count == 0) return nullptr;
  args.require(fourier(y_real.data, y_imaginary.data, x_real.data, x_imaginary.data, static_cast<int64_t>(count) / length, length, inverse), "out of memory");
  return nullptr;
}

}  // namespace

void register_fourier(napi_env env, napi_value exports) { export_function(env, exports, "fourier", fourier_binding); }

}  // namespace easel
