#include "kernels/epilogue/vector.h"

namespace easel {

const EpilogueKernels epilogue_neon = {rows_of};

}  // namespace easel
