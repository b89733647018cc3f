#include "kernels/resize/resize.h"

#include "runtime/dispatch.h"
#include "runtime/threads.h"

namespace easel {

void resize_bilinear(float* y, const float* x, int64_t batch, const BilinearAxis& rows, const BilinearAxis& columns, int64_t channels) {
  const ResizeKernels& kernels = EASEL_KERNELS(resize);
  const int64_t y_row = columns.to * channels, x_row = columns.from * channels;
  const int64_t grain = y_row < 16384 ? 16384 / (y_row > 0 ? y_row : 1) : 1;
  parallel_for(batch * rows.to, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const int64_t i = row % rows.to;
      const float* const image = x + row / rows.to * rows.from * x_row;
      kernels.bilinear_row(y + row * y_row, image + rows.first[i] * x_row, image + rows.second[i] * x_row, rows.fraction[i], columns, channels);
    }
  });
}

}  // namespace easel
