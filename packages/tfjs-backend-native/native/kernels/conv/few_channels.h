// Convolutions whose output has few channels: a picture's three, or a discriminator's one. A
// register tile of the direct form would fill 3 of 32 columns, so the order of sums is changed.
// First comes every pixel's product with all taps, P[q, (u,v,d)] = Σ_c source[q,c] · f[u,v,c,d]:
// one matrix product with taps·d columns. Then each output pixel adds up its taps of P. P exists
// for a block of rows at a time.
#pragma once

#include <cstdint>

#include "kernels/gemm/gemm.h"

namespace easel {

/// An output of up to few_channels channels is better made so, if the source has at least
/// deep_channels.
constexpr int64_t few_channels = 4, deep_channels = 8;

/// The taps along one axis. Tap t of source position r adds to output position r·step + origin +
/// t·tap_step, if that is inside.
struct SpreadAxis {
  int64_t source, output, taps, step, origin, tap_step;
};

/// y[image, i, j, d] = Σ source[image, r, q, c] · f[u, v, c, d] over all r, u that meet in i and
/// all q, v that meet in j. Then the epilogue follows. y is [images, rows.output, columns.output,
/// few], source [images, rows.source, columns.source, deep].
struct SpreadProblem {
  int64_t images;
  SpreadAxis rows, columns;
  int64_t deep, few;
  const float* source;
  /// [u, v, deep, few], or [u, v, few, deep] if transposed.
  const float* filter;
  bool transposed;
  float* y;
  Epilogue epilogue;
};

/// Runs on all threads. few is at most few_channels. Returns false if scratch memory is lacking.
bool spread(const SpreadProblem& problem);

}  // namespace easel
