#include "kernels/conv/vector.h"

namespace easel {

const WinogradKernels winograd_neon = {input, filter, output, output_adjoint, filter_adjoint};

}  // namespace easel
