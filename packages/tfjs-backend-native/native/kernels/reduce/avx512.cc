#include "kernels/reduce/vector.h"

namespace easel {

const ReduceKernels reduce_avx512 = EASEL_REDUCE_TABLE;

}  // namespace easel
