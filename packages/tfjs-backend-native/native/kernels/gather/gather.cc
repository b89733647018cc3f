#include "kernels/gather/gather.h"

#include <cstring>

#include "kernels/elementwise/elementwise.h"
#include "runtime/dispatch.h"
#include "runtime/integers.h"
#include "runtime/threads.h"

namespace easel {
namespace {

constexpr int64_t grain = 32768;  // elements of one piece of work
constexpr int64_t most_columns = 1024;

}  // namespace

int64_t first_outside(const int32_t* indices, int64_t n, int64_t extent) {
  for (int64_t i = 0; i < n; i++) {
    if (indices[i] < 0 || indices[i] >= extent) return i;
  }
  return -1;
}

void gather(float* y, const float* x, const int32_t* indices, int64_t batch, int64_t outer, int64_t count, int64_t extent, int64_t width) {
  parallel_for(batch * outer * count, max_of(1, grain / max_of(1, width)), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t block = i / count;
      const float* from = x + (block * extent + indices[block / outer * count + i % count]) * width;
      if (width == 1) {
        y[i] = *from;
      } else {
        std::memcpy(y + i * width, from, sizeof(float) * static_cast<size_t>(width));
      }
    }
  });
}

void segment_sum(float* y, const float* x, const int32_t* ids, int64_t rows, int64_t segments, int64_t width) {
  const BinaryRow add = EASEL_KERNELS(elementwise).binary[binary_add];
  // A piece owns some segments and some columns, and looks through all ids. So no two threads write
  // one element, and sums are in the order of rows.
  const int64_t columns = min_of(width, most_columns), column_parts = ceil_div(width, columns);
  const bool small = rows * width < grain && segments * width < grain;
  const int64_t segment_parts = small ? 1 : segments < 16 ? max_of(1, segments) : 16;
  const int64_t owned = ceil_div(segments, segment_parts);
  parallel_for(segment_parts * column_parts, small ? column_parts : 1, [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; unit++) {
      const int64_t first = unit / column_parts * owned, last = first + owned < segments ? first + owned : segments;
      const int64_t from = unit % column_parts * columns, n = from + columns < width ? columns : width - from;
      if (n == width) {
        if (first < last) std::memset(y + first * width, 0, sizeof(float) * static_cast<size_t>((last - first) * width));
      } else {
        for (int64_t s = first; s < last; s++) std::memset(y + s * width + from, 0, sizeof(float) * static_cast<size_t>(n));
      }
      for (int64_t r = 0; r < rows; r++) {
        const int64_t s = ids[r];
        if (s < first || s >= last) continue;
        float* to = y + s * width + from;
        add(to, to, 1, x + r * width + from, 1, n);
      }
    }
  });
}

}  // namespace easel
