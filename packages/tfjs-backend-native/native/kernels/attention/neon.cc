#include "kernels/gemm/gemm.h"

namespace easel {
namespace {

const GemmKernels& packing = gemm_neon;

}  // namespace
}  // namespace easel

#include "kernels/attention/vector.h"

namespace easel {

const AttentionKernels attention_neon = EASEL_ATTENTION_TABLE;

}  // namespace easel
