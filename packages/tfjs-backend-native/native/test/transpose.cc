// Transposed tiles: every element is where it belongs, and nothing is written beside it.
#include "test/check.h"

namespace easel {
namespace test {

void test_transpose(const Tables& tables) {
  for (const int64_t rows : lengths(8)) {
    for (const int64_t columns : {int64_t{0}, int64_t{1}, int64_t{3}, int64_t{4}, int64_t{5}, int64_t{8}, int64_t{13}, int64_t{33}}) {
      if (rows == 0 || columns == 0) continue;
      for (int64_t slack = 0; slack < 3; slack += 2) {
        describe("tile of %lld × %lld", static_cast<long long>(rows), static_cast<long long>(columns));
        const int64_t x_stride = columns + slack, y_stride = rows + slack;
        Array x((rows - 1) * x_stride + columns, rows % 4), y((columns - 1) * y_stride + rows, columns % 4);
        for (int64_t i = 0; i < x.size(); i++) x[i] = static_cast<float>(i + 1);
        y.fill(-1);
        tables.transpose.tile(y.data(), y_stride, x.data(), x_stride, rows, columns);
        for (int64_t i = 0; i < y.size(); i++) {
          const int64_t c = i / y_stride, r = i % y_stride;
          expect(y[i], r < rows ? x[r * x_stride + c] : -1, {}, i);
        }
      }
    }
  }
}

}  // namespace test
}  // namespace easel
