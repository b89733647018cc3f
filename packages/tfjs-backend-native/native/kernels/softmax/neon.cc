#include "kernels/softmax/vector.h"

namespace easel {

const SoftmaxKernels softmax_neon = EASEL_SOFTMAX_TABLE;

}  // namespace easel
