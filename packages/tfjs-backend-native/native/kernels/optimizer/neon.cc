#include "kernels/optimizer/vector.h"

namespace easel {

const OptimizerKernels optimizer_neon = {adamw_part};

}  // namespace easel
