// Multi-head attention, forward: y = softmax(scale·q·kᵀ + bias)·v for each head (Vaswani et al. 2017, arXiv:1706.03762 §3.2).
//
// q and y [batch, queries, heads·width], k and v [batch, capacity, heads·width] with heads side by side (head h is columns h·width …), of which
// the first `keys` rows of k and v count. bias is any tensor of rank 4 that broadcasts to [batch, heads, queries, keys], given by its steps (the
// last one is 1), or null. float32. y must not overlap the inputs.
//
// Nothing is transposed or stored in full: a thread takes a head and up to 64 of its queries and keeps their scores in its cache. Few queries
// (decoding) use dot products in place; more use register tiles on packed keys. Plain C++ over the tables of gemm, softmax and elementwise.
#pragma once

#include <cstdint>

namespace easel {

struct AttentionShape {
  int64_t batch, queries, capacity, keys, heads, width;
  int64_t bias_batch, bias_head, bias_query;  // steps of bias
};

/// False if there is no scratch memory.
bool attention(float* y, const float* q, const float* k, const float* v, const float* bias, float scale, const AttentionShape& shape);

}  // namespace easel
