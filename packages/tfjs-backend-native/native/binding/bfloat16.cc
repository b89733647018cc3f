// narrowFloats, widenFloats.
#include "kernels/bfloat16/bfloat16.h"

#include "binding/arguments.h"
#include "binding/families.h"

namespace easel {
namespace {

/// narrowFloats(y, x, seed | null): y [⌈x.length / 2⌉] in words. Values are rounded to nearest, or
/// by chance if there is a seed.
napi_value narrow_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "narrowFloats", 3);
  const Span<int32_t> y = args.ints(0);
  const Span<float> x = args.floats(1);
  const int64_t n = static_cast<int64_t>(x.count), words = bfloat16_words(n);
  if (!args.require(static_cast<int64_t>(y.count) == words, "expected a word for two values")) return nullptr;
  if (args.is_absent(2)) {
    narrow_floats(y.data, x.data, n);
  } else {
    const int64_t seed = args.integer(2);
    if (args.ok()) narrow_floats_by_chance(y.data, x.data, n, static_cast<uint32_t>(seed));
  }
  return nullptr;
}

/// widenFloats(y, x): y [n] of words x [⌈n / 2⌉]
napi_value widen_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "widenFloats", 2);
  const Span<float> y = args.floats(0);
  const Span<int32_t> x = args.ints(1);
  const int64_t n = static_cast<int64_t>(y.count), words = bfloat16_words(n);
  if (!args.require(static_cast<int64_t>(x.count) == words, "expected a word for two values")) return nullptr;
  widen_floats(y.data, x.data, n);
  return nullptr;
}

}  // namespace

void register_bfloat16(napi_env env, napi_value exports) {
  export_function(env, exports, "narrowFloats", narrow_binding);
  export_function(env, exports, "widenFloats", widen_binding);
}

}  // namespace easel
