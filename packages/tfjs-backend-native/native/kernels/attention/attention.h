// Multi-head attention, forward and backward: y = softmax(scale·q·kᵀ + bias)·v for each head
// (Vaswani et al. 2017, arXiv:1706.03762 §3.2).
//
// q and y are [batch, queries, heads·width], k and v are [batch, capacity, heads·width]. Heads lie
// side by side: head h is the columns from h·width on. The first `keys` rows of k and v count. bias
// is null, or any tensor of rank 4 that broadcasts to [batch, heads, queries, keys], given by its
// steps (the last one is 1). If causal, query t looks only at keys 0 … first_query + t. All arrays
// are float32 of any alignment. Outputs must not overlap inputs.
//
// In the forward pass each row of the batch may have its own numbers (AttentionRows): how many keys
// count, the first query's place, and the row of k and v that it looks at. So one call takes rows
// at different places of their caches, and rows that share a text. A row's result depends on its
// own numbers alone: neither on the rows beside it nor on how many there are.
//
// The matrix of scores is never stored (FlashAttention, arXiv:2205.14135, 2307.08691). A block of
// queries keeps a running maximum and sum while it walks blocks of keys. Blocks that the causal
// mask hides are not visited. The backward pass needs two numbers of each query, stats
// [batch, heads, 2, queries]: the maximum m of its scores, then 1 / Σ exp(score − m). They are not
// joined into one logarithm, m + log Σ: a row masked by −1e9 throughout would lose the sum to
// rounding.
//
//   p = exp(scale·q·k + bias − m) / Σ        ds = p ∘ (dy·vᵀ − dy·y)
//   dq = scale·ds·k        dk = scale·dsᵀ·q        dv += pᵀ·dy        dbias = ds
//
// A query gives NaN if its scores are all −∞ or include NaN or +∞. Sums are kept in float vectors.
// Threads take heads, or heads and blocks of queries. That depends on sizes alone, so the order of
// every sum is fixed.
#pragma once

#include <cstdint>

namespace easel {

/// Numbers of each row of the batch. Where one is null, the shape's number holds, and row b looks
/// at row b of k and v.
struct AttentionRows {
  const int32_t* keys = nullptr;         // 1 … the shape's keys
  const int32_t* first_query = nullptr;  // 0 …
  const int32_t* key_row = nullptr;      // 0 … rows of k and v − 1
};

struct AttentionShape {
  int64_t batch, queries, capacity, keys, heads, width;
  int64_t bias_batch, bias_head, bias_query;  // steps of bias
  bool causal;
  int64_t first_query;
  AttentionRows rows = {};
};

/// One head of one row of the batch. Rows of q, k, v, y and of their gradients lie `row` floats
/// apart.
struct AttentionHead {
  const float *q, *k, *v, *bias;
  int64_t row, queries, keys, width, bias_query;
  float scale;
  bool causal;
  int64_t first_query;
  const float* y;
  const float* stats;  // maxima [queries], then reciprocals of sums [queries]

  /// How many keys query t looks at.
  int64_t seen(int64_t t) const { return causal && first_query + t + 1 < keys ? first_query + t + 1 : keys; }
};

/// What the backward pass of a head writes. Any of dq, dk, dv and dbias may be null. dbias is added
/// to. `spare` rows of dk and dv follow the keys.
struct AttentionGradient {
  const float* dy;
  float *dq, *dk, *dv, *dbias;
  int64_t spare;
};

/// The number of queries, and of keys, in one block.
constexpr int64_t attention_block = 64;

/// The kernels of one CPU target. Scratch is 64-byte aligned.
struct AttentionKernels {
  /// How many floats of scratch each function needs for this head.
  int64_t (*forward_scratch)(const AttentionHead& head);
  int64_t (*backward_scratch)(const AttentionHead& head);
  /// Writes rows first … last − 1 of y, and of stats if that is given. first is a multiple of
  /// attention_block.
  void (*forward)(const AttentionHead& head, int64_t first, int64_t last, float* y, float* stats, float* scratch);
  void (*backward)(const AttentionHead& head, const AttentionGradient& gradient, float* scratch);
  /// Attends with one query for each of `heads` heads that lie side by side, over keys first … last
  /// − 1. `head` is the first of these; the bias of each next one lies bias_head further. Head h
  /// writes to records[h·record …]: the maximum m of its scores, Σ exp(score − m), and Σ exp(score
  /// − m)·v [width]. scores is scratch of heads·(last − first) floats.
  void (*one_query)(const AttentionHead& head, int64_t heads, int64_t bias_head, int64_t first, int64_t last, float* scores, float* records,
                    int64_t record);
};

extern const AttentionKernels attention_serial, attention_avx2, attention_avx512, attention_neon;

/// stats may be null. Returns false if there is no scratch memory.
bool attention(float* y, float* stats, const float* q, const float* k, const float* v, const float* bias, float scale, const AttentionShape& shape);

/// The gradients for a shape whose rows have no numbers of their own. Any of dq, dk, dv and dbias
/// may be null. dbias has bias's shape, of bias_count elements in all. Returns false if there is no
/// scratch memory.
bool attention_grad(float* dq, float* dk, float* dv, float* dbias, int64_t bias_count, const float* dy, const float* q, const float* k,
                    const float* v, const float* bias, const float* y, const float* stats, float scale, const AttentionShape& shape);

}  // namespace easel
