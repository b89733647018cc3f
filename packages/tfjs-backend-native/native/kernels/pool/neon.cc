#include "kernels/pool/vector.h"

namespace easel {

const PoolKernels pool_neon = {largest, average, largest_gradient, average_gradient};

}  // namespace easel
