// gemm(c, a, b, sizes, bias, leak, residual): see src/addon.ts.
#include "kernels/gemm/gemm.h"

#include "binding/arguments.h"
#include "binding/families.h"
#include "binding/layouts.h"

namespace easel {
namespace {

/// One past the last element that a batch of matrices reaches.
int64_t extent(const GemmProblem& g, const int64_t* strides, int64_t matrix) {
  int64_t last = matrix;
  for (int x = 0; x < g.batch_axes; x++) last += (g.batch_shape[x] - 1) * strides[x];
  return last;
}

napi_value gemm_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "gemm", 7);
  const Span<float> c = args.floats(0), a = args.floats(1), b = args.floats(2);
  const Span<int32_t> sizes = args.ints(3);
  const Span<float> bias = args.optional_floats(4);
  const double leak = args.number(5);
  const Span<float> residual = args.optional_floats(6);
  constexpr size_t fixed = gemm_count;
  if (!args.require(sizes.count >= fixed && (sizes.count - fixed) % 3 == 0 && sizes.count <= fixed + 12,
                    "sizes must be [m, n, k, transposeA, transposeB, activation, batch…, aStrides…, bStrides…]")) {
    return nullptr;
  }
  for (size_t i = 0; i < sizes.count; i++) {
    if (!args.require(sizes.data[i] >= 0, "sizes must not be negative")) return nullptr;
  }
  GemmProblem g{};
  g.m = sizes.data[gemm_m];
  g.n = sizes.data[gemm_n];
  g.k = sizes.data[gemm_k];
  g.transpose_a = sizes.data[gemm_transpose_a] != 0;
  g.transpose_b = sizes.data[gemm_transpose_b] != 0;
  g.batch_axes = static_cast<int>((sizes.count - fixed) / 3);
  int64_t batch = 1;
  for (int x = 0; x < g.batch_axes; x++) {
    g.batch_shape[x] = sizes.data[fixed + x];
    g.a_batch[x] = sizes.data[fixed + g.batch_axes + x];
    g.b_batch[x] = sizes.data[fixed + 2 * g.batch_axes + x];
    batch *= g.batch_shape[x];
  }
  if (!args.require(static_cast<int64_t>(c.count) == batch * g.m * g.n, "c must hold batch · m · n elements")) return nullptr;
  if (c.count == 0) return nullptr;
  args.require(extent(g, g.a_batch, g.m * g.k) <= static_cast<int64_t>(a.count), "a is shorter than its batch of m · k");
  args.require(extent(g, g.b_batch, g.k * g.n) <= static_cast<int64_t>(b.count), "b is shorter than its batch of k · n");
  args.require(bias.data == nullptr || static_cast<int64_t>(bias.count) == g.n, "bias must hold n elements");
  args.require(sizes.data[gemm_activation] < activation_count, "unknown activation");
  args.require(residual.data == nullptr || residual.count == c.count, "residual must hold as many elements as c");
  if (!args.ok()) return nullptr;
  g.a = a.data;
  g.b = b.data;
  g.c = c.data;
  g.epilogue = {bias.data, static_cast<Activation>(sizes.data[gemm_activation]), static_cast<float>(leak), residual.data, c.data};
  args.require(gemm(g), "out of memory");
  return nullptr;
}

}  // namespace

void register_gemm(napi_env env, napi_value exports) { export_function(env, exports, "gemm", gemm_binding); }

}  // namespace easel
