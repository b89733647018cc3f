// Adds sums that were made in parts. For portable files.
#pragma once

#include <cstdint>
#include <cstring>

#include "runtime/threads.h"

namespace easel {

/// out[i] = Σ over parts of sums[part·size + i], in the order of the parts, on all threads.
inline void add_parts(float* out, const float* sums, int64_t parts, int64_t size) {
  parallel_for(size, 16384, [&](int64_t begin, int64_t end) {
    std::memcpy(out + begin, sums + begin, static_cast<size_t>(end - begin) * sizeof(float));
    for (int64_t part = 1; part < parts; part++) {
      const float* const sum = sums + part * size;
      for (int64_t i = begin; i < end; i++) out[i] += sum[i];
    }
  });
}

}  // namespace easel
