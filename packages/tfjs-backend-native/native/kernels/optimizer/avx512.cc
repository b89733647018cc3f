#include "kernels/optimizer/vector.h"

namespace easel {

const OptimizerKernels optimizer_avx512 = EASEL_OPTIMIZER_TABLE;

}  // namespace easel
