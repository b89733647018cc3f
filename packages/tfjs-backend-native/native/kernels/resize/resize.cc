#include "kernels/resize/resize.h"

#include <cstring>

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

void resize_bilinear_gradient(float* dx, const float* dy, int64_t batch, const BilinearAxis& rows, const BilinearAxis& columns, int64_t channels) {
  const ResizeKernels& kernels = EASEL_KERNELS(resize);
  const int64_t dy_row = columns.to * channels, dx_row = columns.from * channels;
  // A task has as many rows of dx as make it read about 32768 floats of dy.
  const int64_t dy_floats = rows.to * dy_row / rows.from + 1, block = dy_floats < 32768 ? 32768 / dy_floats : 1, blocks = (rows.from + block - 1) / block;
  parallel_for(batch * blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      const int64_t image = task / blocks, top = task % blocks * block, bottom = top + block < rows.from ? top + block : rows.from;
      float* const to = dx + image * rows.from * dx_row;
      std::memset(to + top * dx_row, 0, static_cast<size_t>((bottom - top) * dx_row) * sizeof(float));
      const auto add = [&](int64_t row, int64_t i, float weight) {
        if (row >= top && row < bottom) kernels.gradient_row(to + row * dx_row, dy + (image * rows.to + i) * dy_row, weight, columns, channels);
      };
      for (int64_t i = 0; i < rows.to; i++) {
        add(rows.first[i], i, 1 - rows.fraction[i]);
        add(rows.second[i], i, rows.fraction[i]);
      }
    }
  });
}

}  // namespace easel
