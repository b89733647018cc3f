// Attention and its gradients, as the binding calls them, against the formula with all scores
// stored.
#include "kernels/attention/attention.h"

#include "test/check.h"

namespace easel {
namespace test {
namespace {

/// What a product's terms sum to, and the sum of their magnitudes.
struct Sum {
  double value = 0, sizes = 0;
  void add(double term) {
    value += term;
    sizes += std::fabs(term);
  }
};

Tolerance rounding(double sizes) { return {0, 0, 128 * 0x1p-24 * sizes}; }

void test_shape(const AttentionShape& s, bool biased, float masked) {
  describe("attention of %lld queries, %lld keys, width %lld, heads %lld, causal %d, bias %d", static_cast<long long>(s.queries),
           static_cast<long long>(s.keys), static_cast<long long>(s.width), static_cast<long long>(s.heads), s.causal, biased);
  const int64_t row = s.heads * s.width, q_size = s.batch * s.queries * row, k_size = s.batch * s.capacity * row;
  const int64_t bias_size = biased ? s.batch * s.queries * s.keys : 0;
  Array q(q_size, 1), k(k_size, 2), v(k_size, 3), dy(q_size, 1), bias(bias_size, 2);
  Array y(q_size), stats(s.batch * s.heads * 2 * s.queries), dq(q_size), dk(k_size), dv(k_size), dbias(bias_size, 1);
  for (Array* each : {&q, &k, &v, &dy, &bias}) each->fill_random();
  for (int64_t i = 2; i < bias_size; i += 5) bias[i] = masked;
  for (int64_t i = 0; i < bias_size; i += s.keys) bias[i] = 0;  // one key at least is open to each query
  const float scale = 0.3f;
  const float* const used = biased ? bias.data() : nullptr;
  run_threads(y, [&](float* to) { expect_true(attention(to, stats.data(), q.data(), k.data(), v.data(), used, scale, s), "attention has no memory"); });
  run_threads(dq, [&](float* to) {
    expect_true(attention_grad(to, dk.data(), dv.data(), biased ? dbias.data() : nullptr, bias_size, dy.data(), q.data(), k.data(), v.data(), used, y.data(),
                               stats.data(), scale, s),
                "attention_grad has no memory");
  });
  std::vector<Sum> want_dk(static_cast<size_t>(k_size)), want_dv(want_dk.size()), want_dbias(static_cast<size_t>(bias_size));
  std::vector<double> p(static_cast<size_t>(s.keys));
  for (int64_t b = 0; b < s.batch; b++) {
    for (int64_t h = 0; h < s.heads; h++) {
      for (int64_t t = 0; t < s.queries; t++) {
        const int64_t seen = s.causal && s.first_query + t + 1 < s.keys ? s.first_query + t + 1 : s.keys, from = (b * s.queries + t) * row + h * s.width;
        const int64_t bias_row = b * s.bias_batch + t * s.bias_query;
        const auto key = [&](int64_t j) { return (b * s.capacity + j) * row + h * s.width; };
        double most = -INFINITY, total = 0, reach = 1, mean = 0;
        for (int64_t j = 0; j < seen; j++) {
          Sum score;
          for (int64_t c = 0; c < s.width; c++) score.add(static_cast<double>(scale) * q[from + c] * k[key(j) + c]);
          p[static_cast<size_t>(j)] = score.value + (biased ? bias[bias_row + j] : 0);
          most = std::fmax(most, p[static_cast<size_t>(j)]);
          reach = std::fmax(reach, score.sizes);  // scores are off by their sizes' rounding, and so are the parts
        }
        for (int64_t j = 0; j < seen; j++) total += p[static_cast<size_t>(j)] = std::exp(p[static_cast<size_t>(j)] - most);
        for (int64_t c = 0; c < s.width; c++) {
          Sum sum;
          for (int64_t j = 0; j < seen; j++) sum.add(p[static_cast<size_t>(j)] / total * v[key(j) + c]);
          expect(y[from + c], sum.value, rounding(sum.sizes * reach), c);
          mean += sum.value * dy[from + c];
        }
        std::vector<Sum> want_dq(static_cast<size_t>(s.width));
        for (int64_t j = 0; j < seen; j++) {
          Sum dp;
          for (int64_t c = 0; c < s.width; c++) dp.add(static_cast<double>(dy[from + c]) * v[key(j) + c]);
          const double part = p[static_cast<size_t>(j)] / total, ds = part * (dp.value - mean), size = part * (dp.sizes + std::fabs(mean) + 1) * reach;
          if (biased) {
            want_dbias[static_cast<size_t>(bias_row + j)].value += ds;
            want_dbias[static_cast<size_t>(bias_row + j)].sizes += size;
          }
          for (int64_t c = 0; c < s.width; c++) {
            Sum &to_q = want_dq[static_cast<size_t>(c)], &to_k = want_dk[static_cast<size_t>(key(j) + c)], &to_v = want_dv[static_cast<size_t>(key(j) + c)];
            to_q.value += scale * ds * k[key(j) + c];
            to_q.sizes += std::fabs(scale * size * k[key(j) + c]);
            to_k.value += scale * ds * q[from + c];
            to_k.sizes += std::fabs(scale * size * q[from + c]);
            to_v.value += part * dy[from + c];
            to_v.sizes += std::fabs(part * dy[from + c]) * reach;
          }
        }
        for (int64_t c = 0; c < s.width; c++) {
          const Sum& sum = want_dq[static_cast<size_t>(c)];
          expect(dq[from + c], sum.value, rounding(sum.sizes), c);
        }
      }
    }
  }
  // Rows beyond the keys have gradient 0.
  for (int64_t i = 0; i < k_size; i++) {
    const size_t at = static_cast<size_t>(i);
    expect(dk[i], want_dk[at].value, rounding(want_dk[at].sizes), i);
    expect(dv[i], want_dv[at].value, rounding(want_dv[at].sizes), i);
  }
  for (int64_t i = 0; i < bias_size; i++) expect(dbias[i], want_dbias[static_cast<size_t>(i)].value, rounding(want_dbias[static_cast<size_t>(i)].sizes), i);
}

/// Each row with numbers of its own gives what it gives alone, to the last bit. It reads no key
/// beyond its own.
void test_rows(int64_t queries, int64_t width) {
  constexpr int64_t batch = 5, heads = 2, capacity = 75, texts = 3;
  describe("attention of %lld queries, width %lld, numbers of rows", static_cast<long long>(queries), static_cast<long long>(width));
  const int32_t keys[batch] = {75, 1, 33, 64, 40}, first_query[batch] = {70, 0, 50, 3, 74}, key_row[batch] = {2, 0, 1, 1, 2};
  const int64_t row = heads * width, q_size = batch * queries * row, k_size = texts * capacity * row;
  Array q(q_size, 1), k(k_size, 2), v(k_size, 3), y(q_size), alone(queries * row);
  for (Array* each : {&q, &k, &v}) each->fill_random();
  const float scale = 0.3f;
  AttentionShape shape = {batch, queries, capacity, capacity, heads, width, 0, 0, 0, true, 0};
  shape.rows = {keys, first_query, key_row};
  run_threads(y, [&](float* to) {
    expect_true(attention(to, nullptr, q.data(), k.data(), v.data(), nullptr, scale, shape), "attention has no memory");
  });
  for (int64_t b = 0; b < batch; b++) {
    const AttentionShape one = {1, queries, capacity, keys[b], heads, width, 0, 0, 0, true, first_query[b]};
    const int64_t text = key_row[b] * capacity * row;
    Array own_k(capacity * row), own_v(capacity * row);
    for (int64_t i = 0; i < capacity * row; i++) {
      own_k[i] = i < keys[b] * row ? k[text + i] : NAN;
      own_v[i] = i < keys[b] * row ? v[text + i] : NAN;
    }
    expect_true(attention(alone.data(), nullptr, q.data() + b * queries * row, own_k.data(), own_v.data(), nullptr, scale, one), "attention has no memory");
    for (int64_t i = 0; i < queries * row; i++) expect(y[b * queries * row + i], alone[i], {0, 0, 0}, i);
  }
}

}  // namespace

void test_attention(const Tables& tables) {
  for (const int64_t width : {int64_t{1}, tables.lanes - 1, tables.lanes, 2 * tables.lanes + 3, int64_t{64}}) {
    for (const int64_t queries : {1, 5, 64, 71}) {
      const int64_t keys = queries == 1 ? 2 * tables.lanes + 3 : queries == 5 ? 67 : queries + 2;
      //         batch queries capacity  keys  heads width bias_batch bias_head bias_query causal first_query
      test_shape({2, queries, keys + 3, keys, 2, width, queries * keys, 0, keys, false, 0}, true, -1e9f);
      test_shape({1, queries, keys, keys, 3, width, 0, 0, 0, true, keys - queries - 1}, false, 0);
      if (queries == 1 || queries == 71) test_rows(queries, width);
      if (queries == 5) test_shape({1, queries, keys, keys, 2, width, queries * keys, 0, keys, false, 0}, true, -infinity);
    }
  }
}

}  // namespace test
}  // namespace easel
