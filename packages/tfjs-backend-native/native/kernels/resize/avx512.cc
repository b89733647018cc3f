#include "kernels/resize/vector.h"

namespace easel {

const ResizeKernels resize_avx512 = {bilinear_row, gradient_row};

}  // namespace easel
