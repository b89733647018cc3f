#include "kernels/packed/vector.h"

namespace easel {

const PackedKernels packed_avx512 = EASEL_PACKED_TABLE;

}  // namespace easel
