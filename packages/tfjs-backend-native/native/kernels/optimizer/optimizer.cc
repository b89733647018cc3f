#include "kernels/optimizer/optimizer.h"

#include "runtime/dispatch.h"
#include "runtime/threads.h"

namespace easel {

void adamw(float* p, float* m, float* v, const float* g, int64_t n, const AdamW& settings) {
  const auto part = EASEL_KERNELS(optimizer).adamw;
  parallel_for(n, 16384, [&](int64_t begin, int64_t end) { part(p + begin, m + begin, v + begin, g + begin, end - begin, settings); });
}

}  // namespace easel
