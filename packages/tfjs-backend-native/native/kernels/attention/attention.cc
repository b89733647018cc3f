#include "kernels/attention/attention.h"

#include <atomic>
#include <cmath>

#include "runtime/block.h"
#include "runtime/dispatch.h"
#include "runtime/integers.h"
#include "runtime/threads.h"

namespace easel {
namespace {

constexpr int64_t grain = 500000;      // multiplications in one piece of work
constexpr int64_t enough_pieces = 16;  // heads are cut further until there are so many pieces of work

/// For one query: the most parts that a row's keys are cut into, and the fewest keys of a part.
constexpr int64_t most_parts = 8, fewest_keys = 32;

float* scratch_floats(int slot, int64_t count) { return static_cast<float*>(scratch(slot, sizeof(float) * static_cast<size_t>(count))); }

/// How many units of `cost` multiplications make a piece of work.
int64_t units_of_piece(int64_t cost) { return grain / (cost + 1) + 1; }

struct Operands {
  const float *q, *k, *v, *bias, *y, *stats;
  float scale;
};

/// Head h of row b of the batch.
AttentionHead head_of(const Operands& o, const AttentionShape& shape, int64_t b, int64_t h) {
  const int64_t row = shape.heads * shape.width, at = h * shape.width;
  const AttentionRows& rows = shape.rows;
  const int64_t key_row = rows.key_row ? rows.key_row[b] : b;
  AttentionHead head;
  head.q = o.q + b * shape.queries * row + at;
  head.k = o.k + key_row * shape.capacity * row + at;
  head.v = o.v + key_row * shape.capacity * row + at;
  head.bias = o.bias ? o.bias + b * shape.bias_batch + h * shape.bias_head : nullptr;
  head.row = row;
  head.queries = shape.queries;
  head.keys = rows.keys ? rows.keys[b] : shape.keys;
  head.width = shape.width;
  head.bias_query = shape.bias_query;
  head.scale = o.scale;
  head.causal = shape.causal;
  head.first_query = rows.first_query ? rows.first_query[b] : shape.first_query;
  head.y = o.y ? o.y + b * shape.queries * row + at : nullptr;
  head.stats = o.stats ? o.stats + (b * shape.heads + h) * 2 * shape.queries : nullptr;
  return head;
}

/// A head that sees all keys of the shape. Scratch memory is made for it.
AttentionHead largest_head(const Operands& o, const AttentionShape& shape) {
  AttentionHead head = head_of(o, shape, 0, 0);
  head.keys = shape.keys;
  return head;
}

/// How many keys a part of one row has. It depends on the row's own number of keys alone, and so
/// does the order of its sums.
int64_t keys_of_part(int64_t keys) {
  return round_up_to(ceil_div(keys, min_of(most_parts, ceil_div(keys, fewest_keys))), 16);
}

/// Joins the parts of row b's keys in order: their maxima, totals and sums of values.
void join_parts(float* y, float* stats, const float* records, int64_t record, int64_t parts, const AttentionShape& shape, int64_t b) {
  const int64_t heads = shape.heads, width = shape.width, next = heads * record;
  for (int64_t h = 0; h < heads; h++) {
    const float* const mine = records + h * record;
    float m = mine[0], total = 0;
    for (int64_t p = 1; p < parts; p++) m = mine[p * next] > m ? mine[p * next] : m;
    float* const to = y + (b * heads + h) * width;
    for (int64_t i = 0; i < width; i++) to[i] = 0;
    for (int64_t p = 0; p < parts; p++) {
      const float* from = mine + p * next;
      const float weight = m == from[0] ? 1 : std::exp(from[0] - m);
      total += weight * from[1];
      for (int64_t i = 0; i < width; i++) to[i] += weight * from[2 + i];
    }
    const float factor = 1 / total;
    for (int64_t i = 0; i < width; i++) to[i] *= factor;
    if (stats) {
      stats[2 * (b * heads + h)] = m;
      stats[2 * (b * heads + h) + 1] = factor;
    }
  }
}

/// Attention with one query a head, as in decoding. Keys and values are read once, row by row, in
/// parts that threads share. The parts are then joined.
bool attend_one_query(float* y, float* stats, const Operands& o, const AttentionShape& shape) {
  const AttentionKernels& kernels = EASEL_KERNELS(attention);
  const int64_t heads = shape.heads, width = shape.width;
  int64_t parts = 1, part = 1;  // the most of any row
  for (int64_t b = 0; b < shape.batch; b++) {
    const int64_t keys = head_of(o, shape, b, 0).seen(0);
    part = max_of(part, keys_of_part(keys));
    parts = max_of(parts, ceil_div(keys, keys_of_part(keys)));
  }
  // Each row of the batch, part and head has a record: maximum, total, and sum of values.
  const int64_t record = round_up_to(width + 2, 16);
  float* records = scratch_floats(2, shape.batch * parts * heads * record);
  if (!records) return false;
  std::atomic<bool> complete{true};
  parallel_for(shape.batch * parts, units_of_piece(16 * part * heads * width), [&](int64_t begin, int64_t end) {
    float* scores = scratch_floats(3, heads * part);
    if (!scores) {
      complete = false;
      return;
    }
    for (int64_t unit = begin; unit < end; unit++) {
      const AttentionHead head = head_of(o, shape, unit / parts, 0);
      const int64_t own = keys_of_part(head.seen(0)), first = unit % parts * own, last = min_of(first + own, head.seen(0));
      if (first < last) kernels.one_query(head, heads, shape.bias_head, first, last, scores, records + unit * heads * record, record);
    }
  });
  if (!complete) return false;
  parallel_for(shape.batch, units_of_piece(4 * parts * heads * width), [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; b++) {
      const int64_t keys = head_of(o, shape, b, 0).seen(0);
      join_parts(y, stats, records + b * parts * heads * record, record, ceil_div(keys, keys_of_part(keys)), shape, b);
    }
  });
  return true;
}

}  // namespace

bool attention(float* y, float* stats, const float* q, const float* k, const float* v, const float* bias, float scale, const AttentionShape& shape) {
  const Operands o = {q, k, v, bias, nullptr, nullptr, scale};
  if (shape.queries == 1) return attend_one_query(y, stats, o, shape);
  const AttentionKernels& kernels = EASEL_KERNELS(attention);
  const int64_t heads = shape.batch * shape.heads, blocks = ceil_div(shape.queries, attention_block);
  const int64_t part = ceil_div(blocks, ceil_div(enough_pieces, heads)), parts = ceil_div(blocks, part);
  std::atomic<bool> complete{true};
  parallel_for(heads * parts, units_of_piece(part * attention_block * shape.keys * shape.width), [&](int64_t begin, int64_t end) {
    float* work = scratch_floats(2, kernels.forward_scratch(largest_head(o, shape)));
    if (!work) {
      complete = false;
      return;
    }
    for (int64_t unit = begin; unit < end; unit++) {
      const int64_t index = unit / parts, b = index / shape.heads, h = index % shape.heads, first = unit % parts * part * attention_block;
      kernels.forward(head_of(o, shape, b, h), first, min_of(first + part * attention_block, shape.queries),
                      y + b * shape.queries * shape.heads * shape.width + h * shape.width, stats ? stats + index * 2 * shape.queries : nullptr, work);
    }
  });
  return complete.load();
}

bool attention_grad(float* dq, float* dk, float* dv, float* dbias, int64_t bias_count, const float* dy, const float* q, const float* k,
                    const float* v, const float* bias, const float* y, const float* stats, float scale, const AttentionShape& shape) {
  const Operands o = {q, k, v, bias, y, stats, scale};
  const AttentionKernels& kernels = EASEL_KERNELS(attention);
  const int64_t row = shape.heads * shape.width;
  // Heads that share a slice of dbias add to it one after the other. Where that leaves too few
  // pieces of work, they add in parts, each with a sum of its own.
  const int64_t batches = dbias && shape.bias_batch == 0 ? shape.batch : 1, alike = dbias && shape.bias_head == 0 ? shape.heads : 1;
  const int64_t members = batches * alike, slices = shape.batch * shape.heads / members;
  const int64_t part = ceil_div(members, ceil_div(enough_pieces, slices)), parts = ceil_div(members, part);
  const int64_t slice = dbias ? bias_count / slices : 0, others = (parts - 1) * bias_count;
  float* sums = others ? static_cast<float*>(allocate_block(sizeof(float) * static_cast<size_t>(others))) : nullptr;
  if (others && !sums) return false;
  for (int64_t i = 0; dbias && i < bias_count; i++) dbias[i] = 0;
  for (int64_t i = 0; i < others; i++) sums[i] = 0;
  std::atomic<bool> complete{true};
  parallel_for(slices * parts, units_of_piece(5 * part * shape.queries * shape.keys * shape.width), [&](int64_t begin, int64_t end) {
    float* work = scratch_floats(2, kernels.backward_scratch(head_of(o, shape, 0, 0)));
    if (!work) {
      complete = false;
      return;
    }
    for (int64_t unit = begin; unit < end; unit++) {
      const int64_t group = unit / parts, p = unit % parts;
      for (int64_t member = p * part; member < min_of((p + 1) * part, members); member++) {
        // Slices run over the axes that bias has, members over those it lacks.
        const int64_t b = batches > 1 ? member / alike : group / (shape.heads / alike);
        const int64_t h = alike > 1 ? member % alike : group % shape.heads;
        const AttentionHead head = head_of(o, shape, b, h);
        const int64_t rows = b * shape.queries * row + h * shape.width, keys = b * shape.capacity * row + h * shape.width;
        float* sum = !dbias ? nullptr : p == 0 ? dbias + group * slice : sums + (p - 1) * bias_count + group * slice;
        kernels.backward(head, {dy + rows, dq ? dq + rows : nullptr, dk ? dk + keys : nullptr, dv ? dv + keys : nullptr, sum,
                                shape.capacity - shape.keys},
                         work);
      }
    }
  });
  for (int64_t p = 1; p < parts && others; p++) {
    for (int64_t i = 0; i < bias_count; i++) dbias[i] += sums[(p - 1) * bias_count + i];
  }
  free_block(sums);
  return complete.load();
}

}  // namespace easel
