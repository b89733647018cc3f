#include "kernels/transpose/vector.h"

namespace easel {

const TransposeKernels transpose_avx2 = {tile};

}  // namespace easel
