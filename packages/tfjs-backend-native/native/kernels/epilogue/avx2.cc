#include "kernels/epilogue/vector.h"

namespace easel {

const EpilogueKernels epilogue_avx2 = {rows_of};

}  // namespace easel
