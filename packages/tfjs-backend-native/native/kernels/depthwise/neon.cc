#include "kernels/depthwise/vector.h"

namespace easel {

const DepthwiseKernels depthwise_neon = {sums, filter_sums};

}  // namespace easel
