// Reductions of float32 over the middle axis of x [outer, red, inner]: y [outer, inner].
//
// Sums are kept in double and scaled there, so that the mean of equal numbers is that number. Sums
// of columns add eight rows as a tree first. Max and min are NaN where an element is. Work is cut
// by sizes alone, so results do not depend on the number of threads.
#pragma once

#include <cstdint>

namespace easel {

struct ReduceKernels {
  double (*row_sum)(const float* x, int64_t n);
  float (*row_max)(const float* x, int64_t n);  // n > 0
  float (*row_min)(const float* x, int64_t n);
  // y[j] = op over r of x[r·stride + j], j < width. rows > 0. A sum is scaled.
  void (*sum_rows)(float* y, const float* x, int64_t rows, int64_t stride, int64_t width, double scale);
  void (*max_rows)(float* y, const float* x, int64_t rows, int64_t stride, int64_t width);
  void (*min_rows)(float* y, const float* x, int64_t rows, int64_t stride, int64_t width);
};

extern const ReduceKernels reduce_serial, reduce_avx2, reduce_avx512, reduce_neon;

enum Reduction : int { reduction_sum, reduction_max, reduction_min, reduction_count };

/// y = scale · op over the middle axis. scale is for sums only. Returns false if there is no memory
/// for partial results.
bool reduce(Reduction op, double scale, float* y, const float* x, int64_t outer, int64_t red, int64_t inner);

// Reductions in the elements' own type: plain loops for any target. Sums of integers wrap around;
// products are kept in double and converted once, as JavaScript does. Any and all are of bytes that
// are 0 or 1.
enum PlainReduction : int { plain_sum, plain_product, plain_max, plain_min, plain_any, plain_all, plain_reduction_count };

/// y [outer, inner] = op over the middle axis of x [outer, red, inner], red > 0. Floats have
/// products alone, bytes any and all, integers the rest. Returns false for another operation.
bool reduce_plain(PlainReduction op, float* y, const float* x, int64_t outer, int64_t red, int64_t inner);
bool reduce_plain(PlainReduction op, int32_t* y, const int32_t* x, int64_t outer, int64_t red, int64_t inner);
bool reduce_plain(PlainReduction op, uint8_t* y, const uint8_t* x, int64_t outer, int64_t red, int64_t inner);

enum Scan : int { scan_sum, scan_product, scan_count };

/// y [outer, extent, inner] = the running sum or product along the middle axis of x, in its own
/// type: integers wrap around. `exclusive` leaves the element itself out; `reverse` runs from the
/// end. y may be x unless `exclusive`.
void scan(Scan op, float* y, const float* x, int64_t outer, int64_t extent, int64_t inner, bool exclusive, bool reverse);
void scan(Scan op, int32_t* y, const int32_t* x, int64_t outer, int64_t extent, int64_t inner, bool exclusive, bool reverse);

}  // namespace easel
