#include "kernels/peak/peak.h"

namespace easel {
namespace {

/// In plain C++ the compiler decides how many values an instruction takes, as in the other serial
/// kernels.
int64_t multiply_adds(int64_t rounds, float* sink) {
  constexpr int chains = 16;
  float chain[chains];
  for (int c = 0; c < chains; c++) chain[c] = static_cast<float>(c);
  float factor = 0.999f, addend = 0.001f;
  for (int64_t i = 0; i < rounds; i++) {
    for (int c = 0; c < chains; c++) chain[c] = factor * chain[c] + addend;
  }
  for (int c = 0; c < chains; c++) *sink += chain[c];
  return 2 * chains * rounds;
}

}  // namespace

const PeakKernels peak_serial = {multiply_adds};

}  // namespace easel
