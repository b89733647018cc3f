#include "kernels/softmax/vector.h"

namespace easel {

const SoftmaxKernels softmax_avx2 = EASEL_SOFTMAX_TABLE;

}  // namespace easel
