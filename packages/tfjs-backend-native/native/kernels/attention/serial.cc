// Plain C++, one query at a time. It is the reference of the vector targets' tests, and the only
// code on other processors.
#include <cmath>

#include "kernels/attention/attention.h"

namespace easel {
namespace {

float dot(const float* a, const float* b, int64_t n) {
  float sum = 0;
  for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

float score(const AttentionHead& head, int64_t t, int64_t key) {
  const float product = head.scale * dot(head.q + t * head.row, head.k + key * head.row, head.width);
  return head.bias ? product + head.bias[t * head.bias_query + key] : product;
}

/// The maximum m of query t's scores of keys first … last − 1, Σ exp(score − m), and sum[width] = Σ
/// exp(score − m)·v.
void attend(const AttentionHead& head, int64_t t, int64_t first, int64_t last, float* scores, float* maximum, float* total, float* sum) {
  float m = -INFINITY, all = 0;
  for (int64_t key = first; key < last; key++) {
    const float s = scores[key - first] = score(head, t, key);
    m = s > m ? s : m;
  }
  const float shift = m == -INFINITY ? 0 : m;
  for (int64_t i = 0; i < head.width; i++) sum[i] = 0;
  for (int64_t key = first; key < last; key++) {
    const float p = std::exp(scores[key - first] - shift);
    all += p;
    for (int64_t i = 0; i < head.width; i++) sum[i] += p * head.v[key * head.row + i];
  }
  *maximum = m;
  *total = all;
}

void one_query(const AttentionHead& head, int64_t heads, int64_t bias_head, int64_t first, int64_t last, float* scores, float* records,
               int64_t record) {
  AttentionHead mine = head;
  for (int64_t h = 0; h < heads; h++) {
    float* to = records + h * record;
    attend(mine, 0, first, last, scores, to, to + 1, to + 2);
    mine.q += head.width;
    mine.k += head.width;
    mine.v += head.width;
    if (mine.bias) mine.bias += bias_head;
  }
}

int64_t forward_scratch(const AttentionHead& head) { return head.keys; }
int64_t backward_scratch(const AttentionHead&) { return 0; }

void forward(const AttentionHead& head, int64_t first, int64_t last, float* y, float* stats, float* scores) {
  for (int64_t t = first; t < last; t++) {
    float m, total;
    float* to = y + t * head.row;
    attend(head, t, 0, head.seen(t), scores, &m, &total, to);
    for (int64_t i = 0; i < head.width; i++) to[i] *= 1 / total;
    if (stats) {
      stats[t] = m;
      stats[head.queries + t] = 1 / total;
    }
  }
}

void backward(const AttentionHead& head, const AttentionGradient& gradient, float*) {
  const int64_t row = head.row, width = head.width;
  const auto clear = [&](float* x, int64_t rows) {
    for (int64_t r = 0; x && r < rows; r++) {
      for (int64_t i = 0; i < width; i++) x[r * row + i] = 0;
    }
  };
  clear(gradient.dq, head.queries);
  clear(gradient.dk, head.keys + gradient.spare);
  clear(gradient.dv, head.keys + gradient.spare);
  for (int64_t t = 0; t < head.queries; t++) {
    const float *q = head.q + t * row, *dy = gradient.dy + t * row;
    const float mean = dot(dy, head.y + t * row, width), m = head.stats[t], part = head.stats[head.queries + t];
    for (int64_t key = 0; key < head.seen(t); key++) {
      const float *k = head.k + key * row, *v = head.v + key * row;
      const float p = std::exp(score(head, t, key) - m) * part;
      const float ds = p * (dot(dy, v, width) - mean);
      if (gradient.dbias) gradient.dbias[t * head.bias_query + key] += ds;
      for (int64_t i = 0; i < width; i++) {
        if (gradient.dq) gradient.dq[t * row + i] += head.scale * ds * k[i];
        if (gradient.dk) gradient.dk[key * row + i] += head.scale * ds * q[i];
        if (gradient.dv) gradient.dv[key * row + i] += p * dy[i];
      }
    }
  }
}

}  // namespace

const AttentionKernels attention_serial = {forward_scratch, backward_scratch, forward, backward, one_query};

}  // namespace easel
