#include "kernels/conv/vector.h"

namespace easel {

const WinogradKernels winograd_avx512 = {input, filter, output};

}  // namespace easel
