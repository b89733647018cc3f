#include "kernels/softmax/vector.h"

namespace easel {

const SoftmaxKernels softmax_avx512 = EASEL_SOFTMAX_TABLE;

}  // namespace easel
