#include "kernels/transpose/vector.h"

namespace easel {

const TransposeKernels transpose_neon = {tile};

}  // namespace easel
