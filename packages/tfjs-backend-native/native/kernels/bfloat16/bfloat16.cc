#include "kernels/bfloat16/bfloat16.h"

#include "runtime/dispatch.h"
#include "runtime/threads.h"

namespace easel {
namespace {

constexpr int64_t grain = 32768;  // words of one piece

/// Calls part(first word, words, how many of these have an upper value).
template <typename Part>
void in_pieces(int64_t n, const Part& part) {
  const int64_t words = bfloat16_words(n), highs = n - words;
  parallel_for(words, grain, [&](int64_t begin, int64_t end) { part(begin, end - begin, (end < highs ? end : highs) - begin); });
}

}  // namespace

void narrow_floats(int32_t* y, const float* x, int64_t n) {
  const auto kernel = EASEL_KERNELS(bfloat16).narrow;
  const float* high = x + bfloat16_words(n);
  in_pieces(n, [&](int64_t i, int64_t count, int64_t highs) { kernel(y + i, x + i, high + i, count, highs); });
}

void narrow_floats_by_chance(int32_t* y, const float* x, int64_t n, uint32_t seed) {
  const auto kernel = EASEL_KERNELS(bfloat16).narrow_by_chance;
  const float* high = x + bfloat16_words(n);
  in_pieces(n, [&](int64_t i, int64_t count, int64_t highs) { kernel(y + i, x + i, high + i, count, highs, seed, i); });
}

void widen_floats(float* y, const int32_t* x, int64_t n) {
  const auto kernel = EASEL_KERNELS(bfloat16).widen;
  float* high = y + bfloat16_words(n);
  in_pieces(n, [&](int64_t i, int64_t count, int64_t highs) { kernel(y + i, high + i, x + i, count, highs); });
}

}  // namespace easel
