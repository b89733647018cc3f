#include "kernels/optimizer/vector.h"

namespace easel {

const OptimizerKernels optimizer_avx2 = {adamw_part};

}  // namespace easel
