#include "kernels/pool/vector.h"

namespace easel {

const PoolKernels pool_avx512 = {largest, average, largest_gradient, average_gradient};

}  // namespace easel
