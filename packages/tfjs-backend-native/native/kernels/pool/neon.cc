#include "kernels/pool/vector.h"

namespace easel {

const PoolKernels pool_neon = EASEL_POOL_TABLE;

}  // namespace easel
