#include "kernels/attention/attention.h"

#include <atomic>

#include "kernels/elementwise/elementwise.h"
#include "kernels/gemm/gemm.h"
#include "kernels/softmax/softmax.h"
#include "runtime/block.h"
#include "runtime/dispatch.h"
#include "runtime/threads.h"

namespace easel {
namespace {

constexpr int64_t cached_scores = 32768;  // floats
constexpr int64_t most_queries = 64;
constexpr int64_t few_queries = 8;        // at most what GemmKernels::few_rows takes
constexpr int64_t grain = 32768;          // multiplications of one piece of work

float* scratch_floats(int slot, int64_t count) { return static_cast<float*>(scratch(slot, sizeof(float) * static_cast<size_t>(count))); }

/// Calls call(i, j, m, n) for the register tiles of an [rows, columns] result.
template <typename Call>
void for_tiles(const GemmKernels& gemm, int64_t rows, int64_t columns, const Call& call) {
  for (int64_t j = 0; j < columns; j += gemm.tile_n) {
    const int n = static_cast<int>(j + gemm.tile_n < columns ? gemm.tile_n : columns - j);
    for (int64_t i = 0; i < rows; i += gemm.tile_m) {
      call(i, j, static_cast<int>(i + gemm.tile_m < rows ? gemm.tile_m : rows - i), n);
    }
  }
}

}  // namespace

bool attention(float* y, const float* q, const float* k, const float* v, const float* bias, float scale, const AttentionShape& shape) {
  const GemmKernels& gemm = EASEL_KERNELS(gemm);
  const ElementwiseKernels& elementwise = EASEL_KERNELS(elementwise);
  const auto softmax_row = EASEL_KERNELS(softmax).softmax;
  const int64_t row = shape.heads * shape.width, keys = shape.keys, width = shape.width;
  int64_t block = cached_scores / keys;
  block = block < few_queries ? few_queries : block > most_queries ? most_queries : block;
  if (block > shape.queries) block = shape.queries;
  const int64_t blocks = (shape.queries + block - 1) / block;
  const bool packs = block > few_queries;
  const int64_t panels = (keys + gemm.tile_n - 1) / gemm.tile_n, panel = gemm.tile_n * width;
  std::atomic<bool> complete{true};
  const int64_t cost = block * keys * width;
  parallel_for(shape.batch * shape.heads * blocks, cost < grain ? grain / (cost + 1) + 1 : 1, [&](int64_t begin, int64_t end) {
    float* scores = scratch_floats(2, block * keys);
    float* packed = packs ? scratch_floats(3, panels * panel + pack_slack) : nullptr;
    if (!scores || (packs && !packed)) {
      complete = false;
      return;
    }
    int64_t packed_head = -1;
    for (int64_t unit = begin; unit < end; unit++) {
      const int64_t first = unit % blocks * block, head_of_batch = unit / blocks, h = head_of_batch % shape.heads, b = head_of_batch / shape.heads;
      const int64_t rows = first + block < shape.queries ? block : shape.queries - first;
      const float* queries = q + (b * shape.queries + first) * row + h * width;
      const float* head_keys = k + b * shape.capacity * row + h * width;
      const float* values = v + b * shape.capacity * row + h * width;
      float* to = y + (b * shape.queries + first) * row + h * width;
      if (!packs) {
        gemm.dots(static_cast<int>(rows), keys, width, queries, row, head_keys, row, scores, keys);
      } else {
        if (packed_head != head_of_batch) {
          packed_head = head_of_batch;
          for (int64_t p = 0; p < panels; p++) {
            const int64_t from = p * gemm.tile_n;
            gemm.pack_rows(packed + p * panel, gemm.tile_n, head_keys + from * row, row, from + gemm.tile_n < keys ? gemm.tile_n : keys - from, width);
          }
        }
        for_tiles(gemm, rows, keys, [&](int64_t i, int64_t j, int m, int n) {
          const int64_t offset = 0;
          gemm.tile({queries + i * row, row, 1, &offset, 1, packed + j / gemm.tile_n * panel, 0, gemm.tile_n, width, scores + i * keys + j, keys, m, n,
                     false});
        });
      }
      for (int64_t i = 0; i < rows; i++) {
        float* s = scores + i * keys;
        elementwise.binary[binary_mul](s, s, 1, &scale, 0, keys);
        if (bias) {
          const float* add = bias + b * shape.bias_batch + h * shape.bias_head + (first + i) * shape.bias_query;
          elementwise.binary[binary_add](s, s, 1, add, 1, keys);
        }
        softmax_row(s, s, keys);
      }
      if (!packs) {
        gemm.few_rows(static_cast<int>(rows), width, keys, scores, keys, values, row, to, row);
      } else {
        for_tiles(gemm, rows, width, [&](int64_t i, int64_t j, int m, int n) {
          const int64_t offset = 0;
          gemm.tile({scores + i * keys, keys, 1, &offset, 1, values + j, 0, row, keys, to + i * row + j, row, m, n, false});
        });
      }
    }
  });
  return complete.load();
}

}  // namespace easel
