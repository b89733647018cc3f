#include "kernels/packed/packed.h"

#include <cstring>

#include "kernels/gemm/products.h"
#include "runtime/dispatch.h"
#include "runtime/threads.h"

namespace easel {
namespace {

/// Floats of a chunk that is widened by a thread.
constexpr int64_t widen_grain = 1 << 15;

/// The most columns of a block of a product. All rows of C at these columns stay in the
/// second-level cache, over which every few rows of B pass once.
constexpr int64_t most_floats_of_c = 1 << 16;

}  // namespace

void widen_packed(float* y, const PackedMatrix& b) {
  const auto kernel = EASEL_KERNELS(packed).widen;
  if (b.rows == 0 || b.columns == 0) return;
  // Two rows of int4 share their bytes.
  const int64_t grain = max_of(2, round_up_to(ceil_div(widen_grain, b.columns), 2));
  parallel_for(b.rows, grain, [&](int64_t begin, int64_t end) { kernel(y + begin * b.columns, b.columns, b, begin, end - begin, 0, b.columns); });
}

void packed_rows_at(float* y, const PackedMatrix& b, const int32_t* ids, int64_t count) {
  const auto kernel = EASEL_KERNELS(packed).widen;
  if (b.columns == 0) return;
  parallel_for(count, max_of(1, widen_grain / b.columns), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) kernel(y + i * b.columns, b.columns, b, ids[i], 1, 0, b.columns);
  });
}

bool packed_product(int64_t m, const float* a, const PackedMatrix& b, float* c, const Epilogue& epilogue) {
  if (m == 0 || b.columns == 0) return true;
  if (b.rows == 0) {
    std::memset(c, 0, static_cast<size_t>(m * b.columns) * sizeof(float));
    apply_epilogue(epilogue, c, b.columns, m, b.columns, 0);
    return true;
  }
  const struct Operands {
    const PackedKernels& kernels;
    int m;
    const float* a;
    const PackedMatrix& b;
  } operands{EASEL_KERNELS(packed), static_cast<int>(m), a, b};
  const auto part = [](const void* context, int64_t p, int64_t depth, int64_t j, int64_t columns, float* out) {
    const Operands& o = *static_cast<const Operands*>(context);
    o.kernels.few_rows(o.m, o.b, p, depth, j, columns, o.a + p, o.b.rows, out, o.b.columns);
  };
  return product_by_parts(m, b.columns, b.rows, most_floats_of_c / m, c, epilogue, part, &operands);
}

}  // namespace easel
