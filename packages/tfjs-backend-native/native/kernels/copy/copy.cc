#include "kernels/copy/copy.h"

#include <cstring>

#include "kernels/elementwise/elementwise.h"
#include "runtime/dispatch.h"
#include "runtime/integers.h"
#include "runtime/stream.h"
#include "runtime/threads.h"

namespace easel {
namespace {

constexpr int64_t grain = 65536;  // elements of one piece of work

/// Shorter runs, in bytes, are not streamed. Their first and last cache lines, shared with the
/// neighbours, would go to memory twice.
constexpr size_t least_streamed_run = 4096;

/// Copies past the caches, in whole cache lines of y.
void stream_run(void* to, const void* from, size_t bytes) {
#if defined(__x86_64__)
  constexpr size_t line = 64, ahead = 8192;
  char* y = static_cast<char*>(to);
  const char* x = static_cast<const char*>(from);
  const size_t head = (line - reinterpret_cast<uintptr_t>(y) % line) % line;
  std::memcpy(y, x, head);
  size_t i = head;
  for (; i + line <= bytes; i += line) {
    _mm_prefetch(x + i + ahead, _MM_HINT_T0);  // beyond the end it does nothing
    const __m128i* in = reinterpret_cast<const __m128i*>(x + i);
    __m128i* out = reinterpret_cast<__m128i*>(y + i);
    const __m128i a = _mm_loadu_si128(in), b = _mm_loadu_si128(in + 1), c = _mm_loadu_si128(in + 2), d = _mm_loadu_si128(in + 3);
    _mm_stream_si128(out, a);
    _mm_stream_si128(out + 1, b);
    _mm_stream_si128(out + 2, c);
    _mm_stream_si128(out + 3, d);
  }
  std::memcpy(y + i, x + i, bytes - i);
#else
  std::memcpy(to, from, bytes);
#endif
}

template <typename T>
void copy(T* y, const T* x, const CopyAxes& axes) {
  const int last = axes.rank - 1;
  const int64_t inner = axes.extent[last], y_step = axes.y_step[last], x_step = axes.x_step[last];
  int64_t rows = 1;
  for (int i = 0; i < last; i++) rows *= axes.extent[i];
  if (rows == 0 || inner == 0) return;
  const int64_t piece = min_of(inner, grain), pieces = ceil_div(inner, piece);
  const bool streamed = rows * inner * static_cast<int64_t>(sizeof(T)) >= streamed_bytes && y_step == 1 && x_step == 1;
  parallel_for(rows * pieces, max_of(1, grain / piece), [&](int64_t begin, int64_t end) {
    // The index is counted up like the digits of a number. A division for each row would cost as
    // much as copying a short one.
    int64_t index[CopyAxes::most_axes], rest = begin / pieces, from = begin % pieces * piece, to_row = 0, from_row = 0;
    for (int i = last - 1; i >= 0; i--) {
      index[i] = rest % axes.extent[i];
      rest /= axes.extent[i];
      to_row += index[i] * axes.y_step[i];
      from_row += index[i] * axes.x_step[i];
    }
    for (int64_t unit = begin; unit < end; unit++) {
      const int64_t n = from + piece < inner ? piece : inner - from;
      T* to = y + to_row + from * y_step;
      const T* source = x + from_row + from * x_step;
      const size_t bytes = sizeof(T) * static_cast<size_t>(n);
      if (streamed && bytes >= least_streamed_run) {
        stream_run(to, source, bytes);
      } else if (y_step == 1 && x_step == 1) {
        std::memcpy(to, source, bytes);
      } else if (y_step == 1 && x_step == 0) {
        const T value = *source;
        for (int64_t i = 0; i < n; i++) to[i] = value;
      } else {
        for (int64_t i = 0; i < n; i++) to[i * y_step] = source[i * x_step];
      }
      from += piece;
      if (from < inner) continue;
      from = 0;
      for (int i = last - 1; i >= 0; i--) {
        to_row += axes.y_step[i];
        from_row += axes.x_step[i];
        if (++index[i] < axes.extent[i]) break;
        to_row -= index[i] * axes.y_step[i];
        from_row -= index[i] * axes.x_step[i];
        index[i] = 0;
      }
    }
    if (streamed) finish_streaming();
  });
}

}  // namespace

void copy_words(uint32_t* y, const uint32_t* x, const CopyAxes& axes) { copy(y, x, axes); }

void copy_bytes(uint8_t* y, const uint8_t* x, const CopyAxes& axes) { copy(y, x, axes); }

void write_rows(float* cache, const float* rows, const RowsToWrite& what) {
  const int64_t floats = what.steps * what.width;
  parallel_for(what.batch, max_of(1, grain / max_of(1, floats)), [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; b++) {
      const int64_t row = what.cache_rows ? what.cache_rows[b] : b, position = what.positions ? what.positions[b] : what.position;
      std::memcpy(cache + (row * what.length + position) * what.width, rows + b * floats, sizeof(float) * static_cast<size_t>(floats));
    }
  });
}

void resize_nearest(float* y, const float* x, const int32_t* row_of, const int32_t* column_of, const ResizeShape& shape) {
  const size_t pixel = sizeof(float) * static_cast<size_t>(shape.channels);
  const int64_t row = shape.y_columns * shape.channels;
  parallel_for(shape.batch * shape.y_rows, max_of(1, grain / max_of(1, row)), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const float* from = x + (i / shape.y_rows * shape.x_rows + row_of[i % shape.y_rows]) * shape.x_columns * shape.channels;
      float* to = y + i * row;
      for (int64_t j = 0; j < shape.y_columns; j++) std::memcpy(to + j * shape.channels, from + column_of[j] * shape.channels, pixel);
    }
  });
}

void resize_nearest_grad(float* dx, const float* dy, const int32_t* row_of, const int32_t* column_of, const ResizeShape& shape) {
  const BinaryRow add = EASEL_KERNELS(elementwise).binary[binary_add];
  const int64_t row = shape.x_columns * shape.channels, channels = shape.channels;
  parallel_for(shape.batch * shape.x_rows, max_of(1, grain / 4 / max_of(1, row)), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      float* to = dx + r * row;
      std::memset(to, 0, sizeof(float) * static_cast<size_t>(row));
      for (int64_t i = 0; i < shape.y_rows; i++) {
        if (row_of[i] != r % shape.x_rows) continue;
        const float* from = dy + (r / shape.x_rows * shape.y_rows + i) * shape.y_columns * channels;
        for (int64_t j = 0; j < shape.y_columns; j++) {
          float* pixel = to + column_of[j] * channels;
          add(pixel, pixel, 1, from + j * channels, 1, channels);
        }
      }
    }
  });
}

}  // namespace easel
