#include "kernels/bfloat16/vector.h"

namespace easel {

const Bfloat16Kernels bfloat16_avx2 = EASEL_BFLOAT16_TABLE;

}  // namespace easel
