#include "kernels/depthwise/vector.h"

namespace easel {

const DepthwiseKernels depthwise_avx2 = {sums, filter_sums};

}  // namespace easel
