#include "kernels/pool/dilation.h"

#include "runtime/threads.h"

namespace easel {
namespace {

constexpr float smallest = -9007199254740991.0f;  // Number.MIN_SAFE_INTEGER
constexpr int64_t grain = 8192;                   // additions of one piece of work

}  // namespace

void dilation(float* y, const float* x, const float* filter, const PoolShape& s, int64_t dilation_h, int64_t dilation_w) {
  const int64_t channels = s.channels, x_row = s.in_w * channels, work = s.out_w * channels * s.window_h * s.window_w + 1;
  parallel_for(s.batch * s.out_h, work < grain ? grain / work : 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      const float* const image = x + task / s.out_h * s.in_h * x_row;
      const int64_t top = task % s.out_h * s.stride_h - s.pad_top;
      float* to = y + task * s.out_w * channels;
      for (int64_t j = 0; j < s.out_w; j++, to += channels) {
        const int64_t left = j * s.stride_w - s.pad_left;
        for (int64_t c = 0; c < channels; c++) to[c] = smallest;
        for (int64_t h = 0; h < s.window_h; h++) {
          const int64_t row = top + h * dilation_h;
          if (row < 0 || row >= s.in_h) continue;
          for (int64_t w = 0; w < s.window_w; w++) {
            const int64_t column = left + w * dilation_w;
            if (column < 0 || column >= s.in_w) continue;
            const float* const from = image + row * x_row + column * channels;
            const float* const add = filter + (h * s.window_w + w) * channels;
            for (int64_t c = 0; c < channels; c++) {
              const float sum = from[c] + add[c];
              to[c] = sum > to[c] ? sum : to[c];
            }
          }
        }
      }
    }
  });
}

}  // namespace easel
