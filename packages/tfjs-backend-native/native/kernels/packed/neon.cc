#include "kernels/packed/vector.h"

namespace easel {

const PackedKernels packed_neon = EASEL_PACKED_TABLE;

}  // namespace easel
