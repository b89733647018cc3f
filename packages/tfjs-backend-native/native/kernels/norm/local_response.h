// Local response normalisation across the channels of a pixel (Krizhevsky, Sutskever and Hinton
// 2012, section 3.3), on x [pixels, channels]:
//
//   y[c] = x[c]·s[c]^−beta,  s[c] = bias + alpha·Σ x[d]² over |d − c| ≤ radius
//   dx[d] = dy[d]·s[d]^−beta − 2·alpha·beta·x[d]·Σ dy[c]·y[c]/s[c] over |d − c| ≤ radius
//
// Sums and powers are taken in double precision, on any target.
#pragma once

#include <cstdint>

namespace easel {

struct LocalResponse {
  int64_t channels, radius;
  double bias, alpha, beta;
};

/// y may be x. Returns false if there is no memory for a row of sums.
bool local_response(float* y, const float* x, int64_t pixels, const LocalResponse& norm);
/// No aliasing. Returns false if there is no memory for two rows of sums.
bool local_response_grad(float* dx, const float* dy, const float* x, const float* y, int64_t pixels, const LocalResponse& norm);

}  // namespace easel
