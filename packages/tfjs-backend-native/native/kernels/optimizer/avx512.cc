#include "kernels/optimizer/vector.h"

namespace easel {

const OptimizerKernels optimizer_avx512 = {adamw_part};

}  // namespace easel
