// Picks a family's table of kernels for the CPU target in use. Only portable files include this.
//
// A family declares in kernels/<family>/<family>.h a struct of function pointers, and one constant
// of it for each target:
//   struct SoftmaxKernels { void (*rows)(float* y, const float* x, int64_t rows, int64_t width); };
//   extern const SoftmaxKernels softmax_serial, softmax_avx2, softmax_avx512, softmax_neon;
// Its driver calls `EASEL_KERNELS(softmax).rows(…)`. Every target of the architecture must exist.
// Where AVX-512 brings nothing, avx512.cc may simply say `const SoftmaxKernels softmax_avx512 = …`
// with the same code compiled wider.
#pragma once

#include "runtime/cpu.h"

#if defined(__x86_64__)
#define EASEL_KERNELS(family) (*easel::pick(&family##_serial, &family##_avx2, &family##_avx512))
#elif defined(__aarch64__)
#define EASEL_KERNELS(family) (*easel::pick(&family##_serial, &family##_neon))
#else
#define EASEL_KERNELS(family) (family##_serial)
#endif

namespace easel {

template <typename Table>
inline const Table* pick(const Table* serial, const Table* avx2, const Table* avx512) {
  switch (current_target()) {
    case Target::amx:  // what it has beside AVX-512, products choose themselves (kernels/gemm/packed.cc)
    case Target::avx512:
      return avx512;
    case Target::avx2:
      return avx2;
    default:
      return serial;
  }
}

template <typename Table>
inline const Table* pick(const Table* serial, const Table* neon) {
  return current_target() == Target::neon ? neon : serial;
}

}  // namespace easel
