// attention, attentionGrad.
#include "kernels/attention/attention.h"

#include <initializer_list>

#include "binding/arguments.h"
#include "binding/families.h"
#include "binding/layouts.h"

namespace easel {
namespace {

/// Reads the sizes in the order of layouts.h, AttentionSize.
bool read_shape(Arguments& args, size_t index, AttentionShape* shape, int64_t* key_rows) {
  const Span<int32_t> sizes = args.ints(index);
  if (!args.require(sizes.count == attention_count, "sizes must be those of layouts.h, AttentionSize")) return false;
  const int32_t* const s = sizes.data;
  shape->batch = s[attention_batch];
  shape->queries = s[attention_queries];
  shape->capacity = s[attention_capacity];
  shape->keys = s[attention_keys];
  shape->heads = s[attention_heads];
  shape->width = s[attention_width];
  shape->bias_batch = s[attention_bias_batch];
  shape->bias_head = s[attention_bias_head];
  shape->bias_query = s[attention_bias_query];
  shape->causal = s[attention_causal] != 0;
  shape->first_query = s[attention_first_query];
  *key_rows = s[attention_key_rows];
  bool in_range = shape->keys <= shape->capacity;
  for (const int place : {attention_batch, attention_queries, attention_capacity, attention_keys, attention_heads, attention_width, attention_key_rows}) {
    in_range = in_range && s[place] > 0;
  }
  for (const int place : {attention_bias_batch, attention_bias_head, attention_bias_query, attention_first_query}) in_range = in_range && s[place] >= 0;
  return args.require(in_range, "sizes are out of range");
}

/// Reads one integer for each row of the batch, from `least` to `most`, or null for none.
bool read_rows(Arguments& args, size_t index, int64_t batch, int64_t least, int64_t most, const char* message, const int32_t** rows) {
  const Span<int32_t> given = args.optional_ints(index);
  if (!args.ok()) return false;
  if (!given.data) return true;
  bool sound = given.count == static_cast<size_t>(batch);
  for (size_t b = 0; sound && b < given.count; b++) sound = given.data[b] >= least && given.data[b] <= most;
  *rows = given.data;
  return args.require(sound, message);
}

bool fits(const Span<float>& x, int64_t count) { return !x.data || x.count == static_cast<size_t>(count); }

int64_t query_floats(const AttentionShape& shape) { return shape.batch * shape.queries * shape.heads * shape.width; }
int64_t key_floats(const AttentionShape& shape, int64_t key_rows) { return key_rows * shape.capacity * shape.heads * shape.width; }
int64_t stats_floats(const AttentionShape& shape) { return shape.batch * shape.heads * 2 * shape.queries; }

bool inputs_fit(Arguments& args, const AttentionShape& shape, int64_t key_rows, const Span<float>& q, const Span<float>& k, const Span<float>& v, const Span<float>& bias) {
  const int64_t reach = (shape.batch - 1) * shape.bias_batch + (shape.heads - 1) * shape.bias_head + (shape.queries - 1) * shape.bias_query + shape.keys;
  return args.require(q.count == static_cast<size_t>(query_floats(shape)) && k.count == static_cast<size_t>(key_floats(shape, key_rows)) &&
                          v.count == k.count && (!bias.data || static_cast<size_t>(reach) <= bias.count),
                      "arrays do not fit the sizes");
}

/// attention(y, stats | null, q, k, v, bias | null, keyLengths | null, firstQueries | null, keyRows
/// | null, scale, sizes)
napi_value attention_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "Attention", 11);
  const Span<float> y = args.floats(0), stats = args.optional_floats(1), q = args.floats(2), k = args.floats(3), v = args.floats(4);
  const Span<float> bias = args.optional_floats(5);
  const float scale = static_cast<float>(args.number(9));
  AttentionShape shape;
  int64_t key_rows;
  if (!read_shape(args, 10, &shape, &key_rows) || !inputs_fit(args, shape, key_rows, q, k, v, bias)) return nullptr;
  if (!read_rows(args, 6, shape.batch, 1, shape.keys, "keyLengths must be one of 1 to S for each row", &shape.rows.keys)) return nullptr;
  if (!read_rows(args, 7, shape.batch, 0, INT32_MAX, "firstQueries must be one from 0 for each row", &shape.rows.first_query)) return nullptr;
  if (!read_rows(args, 8, shape.batch, 0, key_rows - 1, "keyRows must be a row of k and v for each row", &shape.rows.key_row)) return nullptr;
  if (!args.require(shape.rows.key_row || key_rows == shape.batch, "k and v must have q's rows")) return nullptr;
  if (!args.require(y.count == q.count && fits(stats, stats_floats(shape)), "outputs do not fit the sizes")) return nullptr;
  args.require(attention(y.data, stats.data, q.data, k.data, v.data, bias.data, scale, shape), "out of memory");
  return nullptr;
}

/// attentionGrad(dq | null, dk | null, dv | null, dbias | null, dy, q, k, v, bias | null, y, stats,
/// scale, sizes)
napi_value attention_grad_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "AttentionGrad", 13);
  const Span<float> dq = args.optional_floats(0), dk = args.optional_floats(1), dv = args.optional_floats(2), dbias = args.optional_floats(3);
  const Span<float> dy = args.floats(4), q = args.floats(5), k = args.floats(6), v = args.floats(7), bias = args.optional_floats(8);
  const Span<float> y = args.floats(9), stats = args.floats(10);
  const float scale = static_cast<float>(args.number(11));
  AttentionShape shape;
  int64_t key_rows;
  if (!read_shape(args, 12, &shape, &key_rows) || !inputs_fit(args, shape, key_rows, q, k, v, bias)) return nullptr;
  const int64_t queries = query_floats(shape), keys = key_floats(shape, key_rows);
  const bool held = key_rows == shape.batch && dy.count == q.count && y.count == q.count && stats.count == static_cast<size_t>(stats_floats(shape)) && fits(dq, queries) &&
                    fits(dk, keys) && fits(dv, keys) && (!dbias.data || (bias.data && dbias.count == bias.count));
  if (!args.require(held, "arrays do not fit the sizes")) return nullptr;
  args.require(attention_grad(dq.data, dk.data, dv.data, dbias.data, static_cast<int64_t>(dbias.count), dy.data, q.data, k.data, v.data, bias.data,
                              y.data, stats.data, scale, shape),
               "out of memory");
  return nullptr;
}

}  // namespace

void register_attention(napi_env env, napi_value exports) {
  export_function(env, exports, "attention", attention_binding);
  export_function(env, exports, "attentionGrad", attention_grad_binding);
}

}  // namespace easel
