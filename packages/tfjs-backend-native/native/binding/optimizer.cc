// adamw.
#include "kernels/optimizer/optimizer.h"

#include "binding/arguments.h"
#include "binding/families.h"

namespace easel {
namespace {

/// adamw(param, m, v, grad, learningRate, beta1, beta2, epsilon, decay, meanFactor, squareFactor): param, m and v change in place
napi_value adamw_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "AdamWUpdate", 11);
  const Span<float> p = args.floats(0), m = args.floats(1), v = args.floats(2), g = args.floats(3);
  AdamW settings;
  float* const fields[] = {&settings.learning_rate, &settings.beta1,       &settings.beta2,        &settings.epsilon,
                           &settings.decay,         &settings.mean_factor, &settings.square_factor};
  for (size_t i = 0; i < 7; i++) *fields[i] = static_cast<float>(args.number(4 + i));
  settings.rest1 = static_cast<float>(1 - args.number(5));
  settings.rest2 = static_cast<float>(1 - args.number(6));
  if (!args.require(m.count == p.count && v.count == p.count && g.count == p.count, "lengths differ")) return nullptr;
  adamw(p.data, m.data, v.data, g.data, static_cast<int64_t>(p.count), settings);
  return nullptr;
}

}  // namespace

void register_optimizer(napi_env env, napi_value exports) {
  export_function(env, exports, "adamw", adamw_binding);
}

}  // namespace easel
