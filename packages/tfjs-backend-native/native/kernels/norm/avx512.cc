#include "kernels/norm/vector.h"

namespace easel {

const NormKernels norm_avx512 = EASEL_NORM_TABLE;

}  // namespace easel
