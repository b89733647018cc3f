#include "kernels/gemm/gemm.h"

namespace easel {
namespace {

const GemmKernels& packing = gemm_avx512;

}  // namespace
}  // namespace easel

#include "kernels/attention/vector.h"

namespace easel {

const AttentionKernels attention_avx512 = EASEL_ATTENTION_TABLE;

}  // namespace easel
