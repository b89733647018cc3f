// attention.
#include "kernels/attention/attention.h"

#include "binding/arguments.h"
#include "binding/families.h"

namespace easel {
namespace {

/// attention(y, q, k, v, bias | null, scale, sizes): sizes are batch, queries, capacity, keys, heads, width, then bias's three steps
napi_value attention_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "Attention", 7);
  const Span<float> y = args.floats(0), q = args.floats(1), k = args.floats(2), v = args.floats(3), bias = args.optional_floats(4);
  const float scale = static_cast<float>(args.number(5));
  int64_t s[9];
  if (!args.require(args.shape(6, s, 9) == 9, "sizes must hold nine integers")) return nullptr;
  bool positive = true;
  for (int i = 0; i < 9; i++) positive = positive && (i < 6 ? s[i] > 0 : s[i] >= 0);
  const AttentionShape shape = {s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8]};
  const int64_t row = shape.heads * shape.width;
  const int64_t bias_reach = (shape.batch - 1) * s[6] + (shape.heads - 1) * s[7] + (shape.queries - 1) * s[8] + shape.keys;
  if (!args.require(positive && shape.keys <= shape.capacity && q.count == static_cast<size_t>(shape.batch * shape.queries * row) &&
                        y.count == q.count && k.count == static_cast<size_t>(shape.batch * shape.capacity * row) && v.count == k.count &&
                        (!bias.data || static_cast<size_t>(bias_reach) <= bias.count),
                    "arrays do not fit the sizes")) {
    return nullptr;
  }
  args.require(attention(y.data, q.data, k.data, v.data, bias.data, scale, shape), "out of memory");
  return nullptr;
}

}  // namespace

void register_attention(napi_env env, napi_value exports) { export_function(env, exports, "attention", attention_binding); }

}  // namespace easel
