#include "kernels/peak/vector.h"

namespace easel {

const PeakKernels peak_neon = EASEL_PEAK_TABLE;

}  // namespace easel
