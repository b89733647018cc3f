// Packed matrices: widened, looked up, and multiplied, against the formulas in double precision and,
// bit for bit, against products with the widened matrix.
#include <cmath>

#include "kernels/gemm/gemm.h"
#include "test/check.h"

namespace easel {
namespace test {
namespace {

/// Bytes that end at the end of an Array, so that a read beyond is seen.
class Bytes {
 public:
  Bytes(int64_t count, int64_t gap) : floats_((count + 3) / 4, gap), count_(count) {}
  uint8_t* data() { return reinterpret_cast<uint8_t*>(floats_.data() + floats_.size()) - count_; }
  void fill_random() {
    for (int64_t i = 0; i < count_; i++) data()[i] = static_cast<uint8_t>(256 * uniform());
  }

 private:
  Array floats_;
  int64_t count_;
};

double float16(uint16_t bits) {
  const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == 31) return mantissa ? static_cast<double>(not_a_number) : sign * static_cast<double>(infinity);
  return exponent == 0 ? sign * std::ldexp(mantissa, -24) : sign * std::ldexp(1024 + mantissa, exponent - 25);
}

double bfloat16(uint16_t bits) {
  const uint32_t whole = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &whole, sizeof(value));
  return value;
}

/// A matrix of random codes, and the number at a place in double precision.
struct Matrix {
  Matrix(PackedFormat format, int64_t rows, int64_t columns, int axis, int64_t group, int64_t gap)
      : codes(format == PackedFormat::int4 ? rows * columns / 2 : format == PackedFormat::int8 ? rows * columns : 2 * rows * columns, gap),
        scales(2 * count_of_scales(rows, columns, axis, group), gap),
        offsets(2 * count_of_scales(rows, columns, axis, group), gap) {
    codes.fill_random();
    b = {format, rows, columns, codes.data(), axis, group, reinterpret_cast<uint16_t*>(scales.data()), reinterpret_cast<uint16_t*>(offsets.data())};
    // Normal numbers and subnormal ones of both signs; halves may also be infinite or NaN.
    for (int64_t i = 0; i < count_of_scales(rows, columns, axis, group); i++) {
      const_cast<uint16_t*>(b.scales)[i] = static_cast<uint16_t>(0x3c00 * uniform());
      const_cast<uint16_t*>(b.offsets)[i] = static_cast<uint16_t>(0x3c00 * uniform() + (i % 2 ? 0x8000 : 0));
    }
  }

  static int64_t count_of_scales(int64_t rows, int64_t columns, int axis, int64_t group) {
    return axis == 0 ? (rows + group - 1) / group * columns : rows * ((columns + group - 1) / group);
  }

  /// Makes halves finite and of moderate size, for products.
  void tame() {
    if (b.format != PackedFormat::float16 && b.format != PackedFormat::bfloat16) return;
    for (int64_t i = 0; i < b.rows * b.columns; i++) {
      uint8_t& high = codes.data()[2 * i + 1];
      high = static_cast<uint8_t>((high & 0x83) | 0x3c);
    }
  }

  double at(int64_t r, int64_t c) {
    const int64_t at = r * b.columns + c;
    uint16_t half = 0;
    if (b.format == PackedFormat::float16 || b.format == PackedFormat::bfloat16) {
      std::memcpy(&half, codes.data() + 2 * at, 2);
      return b.format == PackedFormat::float16 ? float16(half) : bfloat16(half);
    }
    const int64_t groups = (b.columns + b.group - 1) / b.group, place = b.axis == 0 ? r / b.group * b.columns + c : r * groups + c / b.group;
    const double scale = float16(b.scales[place]);
    if (b.format == PackedFormat::int8) return scale * static_cast<int8_t>(codes.data()[at]);
    const int64_t along = b.axis == 0 ? r : c;
    const uint8_t byte = b.axis == 0 ? codes.data()[r / 2 * b.columns + c] : codes.data()[r * b.columns / 2 + c / 2];
    return scale * (along % 2 ? byte >> 4 : byte & 15) + float16(b.offsets[place]);
  }

  Bytes codes, scales, offsets;
  PackedMatrix b;
};

const char* const names[packed_format_count] = {"float16", "bfloat16", "int8", "int4"};

bool same(float a, float b) { return a != a ? b != b : std::memcmp(&a, &b, sizeof(a)) == 0; }

void test_widen(const Tables& tables, PackedFormat format, int64_t rows, int64_t columns, int axis, int64_t group, int64_t gap) {
  describe("%s [%lld, %lld] along %d by %lld", names[static_cast<int>(format)], static_cast<long long>(rows), static_cast<long long>(columns), axis,
           static_cast<long long>(group));
  Matrix matrix(format, rows, columns, axis, group, gap);
  Array y(rows * columns, gap);
  tables.packed.widen(y.data(), columns, matrix.b, 0, rows, 0, columns);
  for (int64_t i = 0; i < y.size(); i++) expect_true(same(y[i], static_cast<float>(matrix.at(i / columns, i % columns))), "widened");
  // A part: rows and columns from the second on.
  if (rows < 3 || columns < 3) return;
  Array part((rows - 2) * (columns - 2), gap);
  tables.packed.widen(part.data(), columns - 2, matrix.b, 1, rows - 2, 1, columns - 2);
  for (int64_t i = 0; i < part.size(); i++) {
    expect_true(same(part[i], static_cast<float>(matrix.at(1 + i / (columns - 2), 1 + i % (columns - 2)))), "a part widened");
  }
}

void test_product(const Tables& tables, PackedFormat format, int64_t m, int64_t k, int64_t n, int64_t group, int64_t gap) {
  describe("%s product of %lld rows, [%lld, %lld]", names[static_cast<int>(format)], static_cast<long long>(m), static_cast<long long>(k), static_cast<long long>(n));
  Matrix matrix(format, k, n, 0, group, gap);
  matrix.tame();
  Array a(m * k, gap), c(m * n, gap), wide(k * n), reference(m * n), bias(n, gap), residual(m * n, gap);
  a.fill_random();
  bias.fill_random();
  residual.fill_random();
  widen_packed(wide.data(), matrix.b);
  tables.packed.few_rows(static_cast<int>(m), matrix.b, 0, k, 0, n, a.data(), k, c.data(), n);
  for (int64_t i = 0; i < m; i++) {
    for (int64_t j = 0; j < n; j++) {
      double sum = 0, size = 0;
      for (int64_t p = 0; p < k; p++) {
        const double product = static_cast<double>(a[i * k + p]) * wide[p * n + j];
        sum += product;
        size += std::fabs(product);
      }
      expect(c[i * n + j], sum, {4.0 + std::sqrt(static_cast<double>(k)), size, 1e-30}, i * n + j);
    }
  }
  const Epilogue epilogue{bias.data(), Activation::relu, 0, residual.data(), reference.data()};
  GemmProblem problem{m, n, k, a.data(), false, wide.data(), false, reference.data()};
  problem.epilogue = epilogue;
  expect_true(gemm(problem), "memory");
  Array y(m * n);
  run_threads(y, [&](float* out) {
    const Epilogue own{bias.data(), Activation::relu, 0, residual.data(), out};
    expect_true(packed_product(m, a.data(), matrix.b, out, own), "memory");
  });
  // A single column is a product of another order there.
  if (n > 1) expect_true(m * n == 0 || std::memcmp(y.data(), reference.data(), static_cast<size_t>(m * n) * sizeof(float)) == 0, "equal to the widened matrix");
}

}  // namespace

void test_packed(const Tables& tables) {
  for (int f = 0; f < packed_format_count; f++) {
    const PackedFormat format = static_cast<PackedFormat>(f);
    const bool pairs = format == PackedFormat::int4, scaled = pairs || format == PackedFormat::int8;
    for (const int64_t n : lengths(tables.lanes)) {
      for (const int64_t rows : {int64_t{1}, int64_t{2}, int64_t{7}, int64_t{34}, int64_t{66}}) {
        if (pairs && rows % 2 != 0) continue;
        for (int64_t gap = 0; gap < 2; gap++) test_widen(tables, format, rows, n, 0, pairs ? 32 : rows, gap);
      }
      if (scaled && !(pairs && n % 2 != 0)) {
        for (const int64_t rows : {int64_t{1}, int64_t{5}}) test_widen(tables, format, rows, n, 1, pairs ? 64 : n > 0 ? n : 1, 0);
      }
    }
    for (const int64_t m : {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 17, 31, 32}) {
      for (const int64_t n : {int64_t{1}, tables.lanes - 1, 2 * tables.lanes, 4 * tables.lanes + 1, int64_t{131}}) {
        test_product(tables, format, m, 38, n, pairs ? 32 : 38, m % 2);
      }
      for (const int64_t k : {2, 16, 33, 64, 101}) {
        if (!(pairs && k % 2 != 0)) test_product(tables, format, m, k, 37, pairs ? 64 : k, 0);
      }
    }
    // Large enough to be cut, by depth and by columns.
    for (const int64_t m : {2, 16}) {
      test_product(tables, format, m, 1056, 520, pairs ? 32 : 1056, 0);
      test_product(tables, format, m, 130, 4100, pairs ? 64 : 130, 0);
    }
    describe("%s: rows at indices", names[f]);
    Matrix matrix(format, 12, 34, scaled ? 1 : 0, scaled ? (pairs ? 32 : 34) : 1, 0);
    const int32_t ids[] = {11, 0, 3, 3, 10};
    Array y(5 * 34);
    packed_rows_at(y.data(), matrix.b, ids, 5);
    for (int64_t i = 0; i < y.size(); i++) expect_true(same(y[i], static_cast<float>(matrix.at(ids[i / 34], i % 34))), "looked up");
  }
}

}  // namespace test
}  // namespace easel
