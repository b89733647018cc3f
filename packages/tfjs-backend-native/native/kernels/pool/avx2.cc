#include "kernels/pool/vector.h"

namespace easel {

const PoolKernels pool_avx2 = EASEL_POOL_TABLE;

}  // namespace easel
