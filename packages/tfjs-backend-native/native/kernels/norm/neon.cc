#include "kernels/norm/vector.h"

namespace easel {

const NormKernels norm_neon = EASEL_NORM_TABLE;

}  // namespace easel
