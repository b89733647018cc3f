#include "kernels/conv/vector.h"

namespace easel {

const WinogradKernels winograd_avx2 = {input, filter, output, output_adjoint, filter_adjoint};

}  // namespace easel
