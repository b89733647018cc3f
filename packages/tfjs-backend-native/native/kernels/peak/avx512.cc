#include "kernels/peak/vector.h"

namespace easel {

const PeakKernels peak_avx512 = EASEL_PEAK_TABLE;

}  // namespace easel
