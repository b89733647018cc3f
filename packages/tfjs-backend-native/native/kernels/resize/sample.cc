#include "kernels/resize/sample.h"

#include <cmath>
#include <cstddef>
#include <cstring>

#include "runtime/threads.h"

namespace easel {
namespace {

constexpr int64_t grain = 8192;  // elements of one piece of work

int64_t lines_a_task(int64_t line) { return line < grain ? grain / (line > 0 ? line : 1) : 1; }

/// As Math.round: halves go up.
double rounded(double x) { return std::floor(x + 0.5); }

/// Where line i of `to` lines of a box lies among `from` lines.
double place(int64_t i, int64_t to, int64_t from, double begin, double end) {
  const double last = static_cast<double>(from - 1);
  if (to == 1) return 0.5 * (begin + end) * last;
  const double scale = (end - begin) * last / static_cast<double>(to - 1);
  return begin * last + static_cast<double>(i) * scale;
}

}  // namespace

void crop_and_resize(float* y, const float* x, const ImageSize& from, const Boxes& boxes, int64_t rows, int64_t columns, bool nearest, float outside) {
  const int64_t channels = from.channels, line = columns * channels, x_line = from.columns * channels;
  parallel_for(boxes.count * rows, lines_a_task(line), [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      const int64_t box = task / rows;
      float* to = y + task * line;
      const int64_t picture = boxes.image[box];
      if (picture < 0 || picture >= from.batch) {
        std::memset(to, 0, static_cast<size_t>(line) * sizeof(float));
        continue;
      }
      const float* const image = x + picture * from.rows * x_line;
      const float* const corners = boxes.corners + 4 * box;
      const double row = place(task % rows, rows, from.rows, corners[0], corners[2]);
      const bool row_inside = row >= 0 && row <= static_cast<double>(from.rows - 1);
      for (int64_t j = 0; j < columns; j++, to += channels) {
        const double column = place(j, columns, from.columns, corners[1], corners[3]);
        if (!row_inside || !(column >= 0 && column <= static_cast<double>(from.columns - 1))) {
          for (int64_t c = 0; c < channels; c++) to[c] = outside;
        } else if (nearest) {
          const int64_t at = static_cast<int64_t>(rounded(row)) * x_line + static_cast<int64_t>(rounded(column)) * channels;
          std::memcpy(to, image + at, static_cast<size_t>(channels) * sizeof(float));
        } else {
          const double top = std::floor(row), left = std::floor(column), down = row - top, right = column - left;
          const float* const above = image + static_cast<int64_t>(top) * x_line;
          const float* const below = image + static_cast<int64_t>(std::ceil(row)) * x_line;
          const int64_t first = static_cast<int64_t>(left) * channels, second = static_cast<int64_t>(std::ceil(column)) * channels;
          for (int64_t c = 0; c < channels; c++) {
            const double upper = above[first + c] + (static_cast<double>(above[second + c]) - above[first + c]) * right;
            const double lower = below[first + c] + (static_cast<double>(below[second + c]) - below[first + c]) * right;
            to[c] = static_cast<float>(upper + (lower - upper) * down);
          }
        }
      }
    }
  });
}

void rotate(uint32_t* y, const uint32_t* x, const ImageSize& size, const uint32_t* fill, double radians, double centre_x, double centre_y) {
  const int64_t channels = size.channels, line = size.columns * channels;
  const double sine = std::sin(radians), cosine = std::cos(radians);
  parallel_for(size.batch * size.rows, lines_a_task(line), [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      const uint32_t* const image = x + task / size.rows * size.rows * line;
      const double down = static_cast<double>(task % size.rows) - centre_y;
      uint32_t* to = y + task * line;
      for (int64_t j = 0; j < size.columns; j++, to += channels) {
        const double right = static_cast<double>(j) - centre_x;
        const double column = rounded(right * cosine - down * sine + centre_x), row = rounded(right * sine + down * cosine + centre_y);
        const bool inside = column >= 0 && column < static_cast<double>(size.columns) && row >= 0 && row < static_cast<double>(size.rows);
        const uint32_t* const from = inside ? image + static_cast<int64_t>(row) * line + static_cast<int64_t>(column) * channels : fill;
        std::memcpy(to, from, static_cast<size_t>(channels) * sizeof(uint32_t));
      }
    }
  });
}

}  // namespace easel
