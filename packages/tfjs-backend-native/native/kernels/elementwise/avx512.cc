#include "kernels/elementwise/vector.h"

namespace easel {

const ElementwiseKernels elementwise_avx512 = EASEL_ELEMENTWISE_TABLE;

}  // namespace easel
