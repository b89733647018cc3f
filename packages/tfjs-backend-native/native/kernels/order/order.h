// The places of the largest elements of float32 rows x [rows, width]. Among equal elements the
// first one counts.
//
//   arg-max, arg-min  the index of the first element that none is above (below). NaN is above and
//                     below nothing: a row that begins with NaN gives 0, as in tfjs.
//   top-k             the k largest values in order with their indices. NaN comes last.
//
// A row is searched by its maximum, or by the smallest of the best k so far, one vector at a time.
// Threads take rows.
#pragma once

#include <cstdint>

namespace easel {

struct OrderKernels {
  float (*max_but_nan)(const float* x, int64_t n);  // −Inf where all are NaN
  float (*min_but_nan)(const float* x, int64_t n);
  int64_t (*first_equal)(const float* x, int64_t n, float value);  // n if there is none
  int64_t (*first_above)(const float* x, int64_t n, float value);  // n if there is none
};

extern const OrderKernels order_serial, order_avx2, order_avx512, order_neon;

void arg_max(int32_t* y, const float* x, int64_t rows, int64_t width);
void arg_min(int32_t* y, const float* x, int64_t rows, int64_t width);

/// values and indices are [rows, k], k ≤ width.
void top_k(float* values, int32_t* indices, const float* x, int64_t rows, int64_t width, int64_t k);

}  // namespace easel
