#include "kernels/depthwise/vector.h"

namespace easel {

const DepthwiseKernels depthwise_avx512 = {sums, filter_sums};

}  // namespace easel
