#include "kernels/reduce/vector.h"

namespace easel {

const ReduceKernels reduce_neon = EASEL_REDUCE_TABLE;

}  // namespace easel
