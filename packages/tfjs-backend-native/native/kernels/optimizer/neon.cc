#include "kernels/optimizer/vector.h"

namespace easel {

const OptimizerKernels optimizer_neon = EASEL_OPTIMIZER_TABLE;

}  // namespace easel
