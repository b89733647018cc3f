// Bias and activation of products against their formulas.
#include "kernels/epilogue/epilogue.h"

#include "test/check.h"

namespace easel {
namespace test {
namespace {

double activated(Activation activation, double leak, double x) {
  switch (activation) {
    case Activation::linear:
      return x;
    case Activation::relu:
      return x < 0 ? 0 : x;
    case Activation::relu6:
      return x < 0 ? 0 : x > 6 ? 6 : x;
    case Activation::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::elu:
      return x < 0 ? std::expm1(x) : x;
    case Activation::leaky_relu:
      return x < 0 ? leak * x : x;
    case Activation::gelu:
      return 0.5 * x * (1 + std::erf(x * std::sqrt(0.5)));
    case Activation::gelu_tanh:
      return 0.5 * x * (1 + std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
    case Activation::silu:
      return x / (1 + std::exp(-x));
  }
  return x;
}

}  // namespace

void test_epilogue(const Tables& tables) {
  const int64_t rows = 3;
  for (int a = 0; a < activation_count; a++) {
    for (const int64_t columns : lengths(tables.lanes)) {
      for (int biased = 0; biased < 2; biased++) {
        describe("activation %d of %lld columns, bias %d", a, static_cast<long long>(columns), biased);
        const int64_t c_row = columns + 2;
        Array c((rows - 1) * c_row + columns, columns % 4), before(c.size()), bias(columns, (columns + 1) % 4);
        c.fill_random(2);
        bias.fill_random();
        const float specials[] = {not_a_number, infinity, -infinity, 1e-7f, -1e-7f, -90, 90};
        for (int64_t i = 0; i < c.size(); i += 5) c[i] = specials[i / 5 % 7];
        before.copy(c);
        const Epilogue epilogue{biased ? bias.data() : nullptr, static_cast<Activation>(a), 0.3f};
        tables.epilogue.rows(c.data(), c_row, rows, columns, epilogue);
        for (int64_t i = 0; i < c.size(); i++) {
          if (i % c_row >= columns) {
            expect(c[i], before[i], {}, i);
          } else {
            // The sum is taken in float32, so that its rounding does not count. 1/(1 + e^-x) is 0
            // from 1.2e-38 down.
            const double x = biased ? before[i] + bias[i % c_row] : before[i];
            // Far below 0 the gelus and silu are small differences of large numbers. Their error is
            // that of numbers of size 1.
            const double scale = epilogue.activation >= Activation::gelu ? 1 : 0;
            expect(c[i], activated(epilogue.activation, epilogue.leak, x), {8, scale, 1.2e-38}, i);
          }
        }
      }
    }
  }
}

}  // namespace test
}  // namespace easel
