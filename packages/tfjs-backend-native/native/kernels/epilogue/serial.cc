// Plain C++: the reference, and the only code on other processors.
#include <math.h>

#include "kernels/epilogue/epilogue.h"

namespace easel {
namespace {

float activate(Activation activation, float leak, float x) {
  switch (activation) {
    case Activation::linear:
      return x;
    case Activation::relu:
      return x < 0 ? 0 : x;  // NaN stays
    case Activation::relu6:
      return x < 0 ? 0 : x > 6 ? 6 : x;
    case Activation::sigmoid:
      return 1 / (1 + expf(-x));
    case Activation::elu:
      return x >= 0 ? x : expm1f(x);
    case Activation::leaky_relu:
      return x < 0 ? leak * x : x;
    case Activation::gelu:
      return 0.5f * x * (1 + erff(x * 0.707106781186547524f));
    case Activation::gelu_tanh:
      return x / (1 + expf(-1.595769121605730711f * (x + 0.044715f * x * x * x)));
    case Activation::silu:
      return x / (1 + expf(-x));
  }
  return x;
}

void rows_of(float* c, int64_t c_row, int64_t rows, int64_t columns, const Epilogue& epilogue) {
  for (int64_t i = 0; i < rows; i++, c += c_row) {
    for (int64_t j = 0; j < columns; j++) {
      c[j] = activate(epilogue.activation, epilogue.leak, epilogue.bias ? c[j] + epilogue.bias[j] : c[j]);
      if (epilogue.residual) c[j] += epilogue.residual[i * c_row + j];
    }
  }
}

}  // namespace

const EpilogueKernels epilogue_serial = {rows_of};

}  // namespace easel
