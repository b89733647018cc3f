// What the kernel tests share: arrays that are watched on both sides, numbers to fill them with,
// comparisons that are counted, and the tables of the CPU targets that run here.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/bfloat16/bfloat16.h"
#include "kernels/conv/winograd.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/epilogue/epilogue.h"
#include "kernels/gemm/gemm.h"
#include "kernels/norm/norm.h"
#include "kernels/optimizer/optimizer.h"
#include "kernels/packed/packed.h"
#include "kernels/reduce/reduce.h"
#include "kernels/softmax/softmax.h"
#include "kernels/transpose/transpose.h"
#include "runtime/cpu.h"
#include "runtime/threads.h"

namespace easel {
namespace test {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

/// One CPU target: its table of every family, and the lanes of its vectors. serial gets the lanes
/// of the widest target here.
struct Tables {
  Target target;
  int64_t lanes;
  const Bfloat16Kernels& bfloat16;
  const ElementwiseKernels& elementwise;
  const EpilogueKernels& epilogue;
  const GemmKernels& gemm;
  const NormKernels& norm;
  const OptimizerKernels& optimizer;
  const PackedKernels& packed;
  const ReduceKernels& reduce;
  const SoftmaxKernels& softmax;
  const TransposeKernels& transpose;
  const WinogradKernels& winograd;
};

/// n floats in memory that the test watches. The last one ends `gap` floats before an unreadable
/// page. With gap 0 a read beyond the end ends the program; gaps 1 to 3 give every alignment. The
/// memory around holds a mark, which a write beyond changes.
class Array {
 public:
  explicit Array(int64_t n, int64_t gap = 0);
  ~Array();  // fails the case if a mark has changed
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  float* data() { return data_; }
  const float* data() const { return data_; }
  int64_t size() const { return size_; }
  float& operator[](int64_t i) { return data_[i]; }
  float operator[](int64_t i) const { return data_[i]; }

  /// Fills the array with normal numbers of the given spread, the same ones at each run.
  void fill_random(float spread = 1);
  void fill(float value);
  void copy(const Array& other);

 private:
  float* pages_;
  int64_t page_floats_;
  float* data_;
  int64_t size_;
};

/// Names what is compared from here on, printf-style. Failures print it.
void describe(const char* format, ...) __attribute__((format(printf, 1, 2)));

/// How far a result may be from its reference: `ulps` units in the last place of max(|reference|,
/// scale), plus `floor`.
struct Tolerance {
  double ulps = 0, scale = 0, floor = 0;
};

/// Counts a comparison and prints it if it fails. NaN equals NaN; a reference beyond float32 equals
/// an infinity.
void expect(double got, double reference, const Tolerance& tolerance, int64_t index = 0);
void expect_true(bool holds, const char* what);

/// The largest error of the comparisons since describe_group, in ulps as above.
double worst_ulps();
void describe_group(const char* name, const char* target);

int64_t comparisons();
int64_t failures();

/// The lengths 0 and 1, and lengths around the vector width and around several unrolls.
std::vector<int64_t> lengths(int64_t lanes);

/// Numbers in [0, 1) from a counter. They are random enough for tests only.
double uniform();

void test_elementwise(const Tables& tables);
void test_rows(const Tables& tables);
void test_epilogue(const Tables& tables);
void test_gemm(const Tables& tables);
void test_transpose(const Tables& tables);
void test_winograd(const Tables& tables);
void test_bfloat16(const Tables& tables);
void test_packed(const Tables& tables);
/// These run as the binding calls them, under the target that is set.
void test_attention(const Tables& tables);
void test_depthwise(const Tables& tables);
void test_images(const Tables& tables);
void test_products(const Tables& tables);

/// Runs twice into y, on three threads and on one, and expects the same bits.
template <typename Run>
void run_threads(Array& y, const Run& run) {
  Array first(y.size());
  const int threads = thread_count();
  y.fill(not_a_number);
  set_thread_count(3);
  run(y.data());
  first.copy(y);
  y.fill(not_a_number);
  set_thread_count(1);
  run(y.data());
  set_thread_count(threads);
  expect_true(std::memcmp(first.data(), y.data(), static_cast<size_t>(y.size()) * sizeof(float)) == 0, "three threads and one differ");
}

}  // namespace test
}  // namespace easel
