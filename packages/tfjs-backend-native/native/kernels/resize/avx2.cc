#include "kernels/resize/vector.h"

namespace easel {

const ResizeKernels resize_avx2 = {bilinear_row, gradient_row};

}  // namespace easel
