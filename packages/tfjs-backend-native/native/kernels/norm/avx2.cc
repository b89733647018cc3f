#include "kernels/norm/vector.h"

namespace easel {

const NormKernels norm_avx2 = EASEL_NORM_TABLE;

}  // namespace easel
