#include "kernels/packed/vector.h"

namespace easel {

const PackedKernels packed_avx2 = EASEL_PACKED_TABLE;

}  // namespace easel
