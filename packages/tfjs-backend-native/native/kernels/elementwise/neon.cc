#include "kernels/elementwise/vector.h"

namespace easel {

const ElementwiseKernels elementwise_neon = EASEL_ELEMENTWISE_TABLE;

}  // namespace easel
