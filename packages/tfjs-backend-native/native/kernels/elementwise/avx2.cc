#include "kernels/elementwise/vector.h"

namespace easel {

const ElementwiseKernels elementwise_avx2 = EASEL_ELEMENTWISE_TABLE;

}  // namespace easel
