// Normalisations of float32, forward and backward. Statistics take two passes over data that sits
// in the cache (never E[x²] − E[x]²).
//
// Layer norm, rows of width D (Ba, Kiros and Hinton 2016, arXiv:1607.06450). RMS norm leaves the
// mean out (arXiv:1910.07467):
//
//   y = (x − mean)·rstd·scale + bias,  rstd = 1/√(var + ε);  scale [D] and bias [D] each optional
//   dx = rstd·(g − avg g − x̂·avg(g·x̂)) with g = dy·scale, x̂ = (x − mean)·rstd (RMS: without avg g)
//   dscale = Σ dy·x̂, dbias = Σ dy over rows
//
// Group norm, x [batch, pixels, C] channels last, G groups of C/G channels (Wu and He 2018,
// arXiv:1803.08494):
//
//   z = (x − mean[b,g])·rstd[b,g]·scale[c] + bias[c];  y = z, or with swish z·σ(z)
//
// The gradient of swish computes z again. Large outputs are streamed (runtime/stream.h): then y
// must not be x, and dx must be neither dy nor x.
//
// Threads take rows, or chunks of pixels of a fixed size. Partial results are combined in order, so
// results are the same for any number of threads.
#pragma once

#include <cstdint>

namespace easel {

struct NormKernels {
  void (*layer_rows)(float* y, float* mean, float* rstd, const float* x, const float* scale, const float* bias, int64_t rows, int64_t width,
                     float epsilon, bool rms, bool streamed);
  // Rows with a mean and a rstd each. Adds these rows' sums to dscale and dbias; each may be null.
  void (*layer_grad_rows)(float* dx, float* dscale, float* dbias, const float* dy, const float* x, const float* scale, const float* mean,
                          const float* rstd, int64_t rows, int64_t width, bool rms, bool streamed);

  // Rows of C channels. The other arrays hold one value a channel.
  void (*square_deviations)(float* sum, const float* x, const float* mean, int64_t rows, int64_t channels);  // Σ over rows of (x − mean)²
  void (*normalize_rows)(float* y, const float* x, const float* mean, const float* factor, const float* bias, int64_t rows, int64_t channels,
                         bool swish, bool streamed);  // z = (x − mean)·factor + bias
  // sum1 += Σ dz, sum2 += Σ dz·x̂, with dz = dy, or with swish dz = dy·silu'(z). dz is stored
  // unless `dz` is null.
  void (*grad_sums)(float* sum1, float* sum2, float* dz, const float* dy, const float* x, const float* mean, const float* rstd,
                    const float* scale, const float* bias, int64_t rows, int64_t channels, bool swish);
  // dx = dz·a − b − (x − mean)·c. dx may be dz. If rstd is given, dy stands in dz's place and dz is
  // computed again.
  void (*grad_rows)(float* dx, const float* dz, const float* x, const float* mean, const float* a, const float* b, const float* c,
                    const float* rstd, const float* scale, const float* bias, int64_t rows, int64_t channels, bool streamed);
};

extern const NormKernels norm_serial, norm_avx2, norm_avx512, norm_neon;

/// mean and rstd hold one value a row; with rms, mean is 0. scale and bias may be null.
void layer_norm(float* y, float* mean, float* rstd, const float* x, const float* scale, const float* bias, int64_t rows, int64_t width,
                float epsilon, bool rms);
/// dscale and dbias may be null. Returns false if there is no memory for partial sums.
bool layer_norm_grad(float* dx, float* dscale, float* dbias, const float* dy, const float* x, const float* mean, const float* rstd,
                     const float* scale, int64_t rows, int64_t width, bool rms);

struct GroupNormShape {
  int64_t batch, pixels, channels, groups;
};

/// mean and rstd are [batch, groups]. Returns false if there is no memory for partial sums.
bool group_norm(float* y, float* mean, float* rstd, const float* x, const float* scale, const float* bias, const GroupNormShape& shape,
                float epsilon, bool swish);
bool group_norm_grad(float* dx, float* dscale, float* dbias, const float* dy, const float* x, const float* mean, const float* rstd,
                     const float* scale, const float* bias, const GroupNormShape& shape, bool swish);

}  // namespace easel
