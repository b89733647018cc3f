#include "kernels/conv/vector.h"

namespace easel {

const WinogradKernels winograd_avx2 = {input, filter, output};

}  // namespace easel
