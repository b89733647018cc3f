#include "kernels/resize/vector.h"

namespace easel {

const ResizeKernels resize_neon = {bilinear_row, gradient_row};

}  // namespace easel
