// Compares the kernels of each CPU target of this machine with references in double precision. Run
// it as `kernels_test`, or under an emulator. It prints one line a family and target, and ends with
// 1 if a comparison fails. scripts/test-kernels.mjs builds and runs it.
#include <cstdio>

#include "test/check.h"

using namespace easel;
using namespace easel::test;

namespace {

void run(const char* name, void (*test)(const Tables&), const Tables& tables) {
  const int64_t before = comparisons(), failed_before = failures();
  describe_group(name, target_name(tables.target));
  test(tables);
  std::printf("%-8s %-12s %8lld comparisons, %lld failed\n", target_name(tables.target), name, static_cast<long long>(comparisons() - before),
              static_cast<long long>(failures() - failed_before));
  std::fflush(stdout);
}

#define EASEL_TABLES(lanes, target, name)                                                                                             \
  {                                                                                                                                   \
    Target::target, lanes, bfloat16_##name, elementwise_##name, epilogue_##name, gemm_##name, norm_##name, optimizer_##name, packed_##name, reduce_##name,           \
        softmax_##name, transpose_##name, winograd_##name                                                                             \
  }

const Tables all_tables[] = {
#if defined(__x86_64__)
    EASEL_TABLES(16, serial, serial),
    EASEL_TABLES(8, avx2, avx2),
    EASEL_TABLES(16, avx512, avx512),
    EASEL_TABLES(16, amx, avx512),
#elif defined(__aarch64__)
    EASEL_TABLES(4, serial, serial),
    EASEL_TABLES(4, neon, neon),
#else
    EASEL_TABLES(4, serial, serial),
#endif
};

}  // namespace

int main() {
  std::printf("processor: %s, target by default: %s\n", cpu_name(), target_name(current_target()));
  for (const Tables& tables : all_tables) {
    if (!supports(tables.target)) {
      std::printf("%-8s not run: this processor lacks it\n", target_name(tables.target));
      continue;
    }
    set_target(tables.target);
    run("gemm", test_gemm, tables);
    run("products", test_products, tables);
    if (tables.target == Target::amx) continue;  // the other families' tables are those of AVX-512
    run("elementwise", test_elementwise, tables);
    run("bfloat16", test_bfloat16, tables);
    run("packed", test_packed, tables);
    run("rows", test_rows, tables);
    run("transpose", test_transpose, tables);
    run("winograd", test_winograd, tables);
    run("epilogue", test_epilogue, tables);
    run("attention", test_attention, tables);
    run("depthwise", test_depthwise, tables);
    run("images", test_images, tables);
  }
  std::printf("%lld comparisons, %lld failed\n", static_cast<long long>(comparisons()), static_cast<long long>(failures()));
  return failures() == 0 ? 0 : 1;
}
