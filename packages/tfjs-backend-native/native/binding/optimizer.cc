// adamw, sumSquares, adafactor.
#include "kernels/optimizer/optimizer.h"

#include "binding/arguments.h"
#include "binding/families.h"

namespace easel {
namespace {

/// adamw(param, m, v, grad, learningRate, beta1, beta2, epsilon, decay, meanFactor, squareFactor,
/// gradientScale): changes param, m and v in place
napi_value adamw_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "AdamWUpdate", 12);
  const Span<float> p = args.floats(0), m = args.floats(1), v = args.floats(2), g = args.floats(3);
  AdamW settings;
  float* const fields[] = {&settings.learning_rate, &settings.beta1,       &settings.beta2,         &settings.epsilon,
                           &settings.decay,         &settings.mean_factor, &settings.square_factor, &settings.gradient_scale};
  for (size_t i = 0; i < 8; i++) *fields[i] = static_cast<float>(args.number(4 + i));
  settings.rest1 = static_cast<float>(1 - args.number(5));
  settings.rest2 = static_cast<float>(1 - args.number(6));
  if (!args.require(m.count == p.count && v.count == p.count && g.count == p.count, "lengths differ")) return nullptr;
  adamw(p.data, m.data, v.data, g.data, static_cast<int64_t>(p.count), settings);
  return nullptr;
}

/// sumSquares(x): returns a number
napi_value sum_squares_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "sumSquares", 1);
  const Span<float> x = args.floats(0);
  if (!args.ok()) return nullptr;
  napi_value result;
  return napi_create_double(env, sum_squares(x.data, static_cast<int64_t>(x.count)), &result) == napi_ok ? result : nullptr;
}

/// adafactor(param, m | null, vRow, vCol | null, grad, batch, rows, columns, largestIsLast,
/// learningRate, rho, epsilon, threshold, leastScale, momentum, decay, gradientScale): changes
/// param, m, vRow and vCol in place. Without vCol nothing is factored, and vRow is v.
napi_value adafactor_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "AdafactorUpdate", 17);
  const Span<float> p = args.floats(0), m = args.optional_floats(1), v_row = args.floats(2), v_col = args.optional_floats(3), g = args.floats(4);
  const bool factored = !args.is_absent(3);
  const int64_t batch = args.size(5), rows = args.size(6), columns = args.size(7);
  const bool largest_is_last = args.boolean(8);
  Adafactor settings;
  float* const fields[] = {&settings.learning_rate, &settings.rho,      &settings.epsilon, &settings.threshold,
                           &settings.least_scale,   &settings.momentum, &settings.decay,   &settings.gradient_scale};
  for (size_t i = 0; i < 8; i++) *fields[i] = static_cast<float>(args.number(9 + i));
  settings.rest = static_cast<float>(1 - args.number(10));
  settings.momentum_rest = static_cast<float>(1 - args.number(14));
  const size_t by_row = static_cast<size_t>(batch * rows), by_column = static_cast<size_t>(batch * columns);
  if (!args.require(g.count == p.count && (!m.data || m.count == p.count) && p.count == by_row * static_cast<size_t>(columns) &&
                        (factored ? v_row.count == (largest_is_last ? by_row : by_column) && v_col.count == (largest_is_last ? by_column : by_row)
                                  : v_row.count == p.count),
                    "lengths do not fit")) {
    return nullptr;
  }
  const bool done = factored ? adafactor_factored(p.data, m.data, v_row.data, v_col.data, g.data, batch, rows, columns, largest_is_last, settings)
                             : adafactor_full(p.data, m.data, v_row.data, g.data, static_cast<int64_t>(p.count), settings);
  args.require(done, "out of memory");
  return nullptr;
}

}  // namespace

void register_optimizer(napi_env env, napi_value exports) {
  export_function(env, exports, "adamw", adamw_binding);
  export_function(env, exports, "sumSquares", sum_squares_binding);
  export_function(env, exports, "adafactor", adafactor_binding);
}

}  // namespace easel
