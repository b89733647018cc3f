#include "kernels/reduce/vector.h"

namespace easel {

const ReduceKernels reduce_avx2 = EASEL_REDUCE_TABLE;

}  // namespace easel
