#include "kernels/pool/vector.h"

namespace easel {

const PoolKernels pool_avx512 = EASEL_POOL_TABLE;

}  // namespace easel
