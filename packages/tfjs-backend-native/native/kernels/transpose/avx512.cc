#include "kernels/transpose/vector.h"

namespace easel {

const TransposeKernels transpose_avx512 = {tile};

}  // namespace easel
