#include "kernels/epilogue/vector.h"

namespace easel {

const EpilogueKernels epilogue_avx512 = {rows_of};

}  // namespace easel
