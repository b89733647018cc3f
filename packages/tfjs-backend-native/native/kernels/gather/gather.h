// Rows by index: gather, and its gradient scatter-add. Elements have 4 bytes. This is plain C++:
// copies, and sums by the elementwise add.
#pragma once

#include <cstdint>

namespace easel {

/// The position of the first index outside of 0 … extent − 1, or −1.
int64_t first_outside(const int32_t* indices, int64_t n, int64_t extent);

/// y [batch, outer, count, width] = x [batch, outer, extent, width] at indices [batch, count]. The
/// indices are within the extent.
void gather(float* y, const float* x, const int32_t* indices, int64_t batch, int64_t outer, int64_t count, int64_t extent, int64_t width);

/// y [segments, width] = sums of the rows of x [rows, width] by segment id, in order of rows. Ids
/// outside of 0 … segments − 1 are left out.
void segment_sum(float* y, const float* x, const int32_t* ids, int64_t rows, int64_t segments, int64_t width);

}  // namespace easel
