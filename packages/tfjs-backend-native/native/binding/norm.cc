// layerNorm, layerNormGrad, groupNorm, groupNormGrad, localResponse, localResponseGrad.
#include "kernels/norm/norm.h"

#include "binding/arguments.h"
#include "binding/families.h"
#include "kernels/norm/local_response.h"

namespace easel {
namespace {

bool fits(const Span<float>& optional, size_t count) { return !optional.data || optional.count == count; }

/// layerNorm(y, mean, rstd, x, scale | null, bias | null, epsilon, rms). The width is x.length /
/// mean.length.
napi_value layer_norm_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "layerNorm", 8);
  const Span<float> y = args.floats(0), mean = args.floats(1), rstd = args.floats(2), x = args.floats(3);
  const Span<float> scale = args.optional_floats(4), bias = args.optional_floats(5);
  const float epsilon = static_cast<float>(args.number(6));
  const bool rms = args.boolean(7);
  if (!args.ok() || mean.count == 0) return nullptr;
  const size_t width = x.count / mean.count;
  if (!args.require(y.count == x.count && rstd.count == mean.count && width * mean.count == x.count && width > 0 && fits(scale, width) &&
                        fits(bias, width),
                    "lengths do not fit")) {
    return nullptr;
  }
  layer_norm(y.data, mean.data, rstd.data, x.data, scale.data, bias.data, static_cast<int64_t>(mean.count), static_cast<int64_t>(width), epsilon,
             rms);
  return nullptr;
}

/// layerNormGrad(dx, dscale | null, dbias | null, dy, x, mean, rstd, scale | null, rms)
napi_value layer_norm_grad_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "layerNormGrad", 9);
  const Span<float> dx = args.floats(0), dscale = args.optional_floats(1), dbias = args.optional_floats(2), dy = args.floats(3), x = args.floats(4);
  const Span<float> mean = args.floats(5), rstd = args.floats(6), scale = args.optional_floats(7);
  const bool rms = args.boolean(8);
  if (!args.ok() || mean.count == 0) return nullptr;
  const size_t width = x.count / mean.count;
  if (!args.require(dx.count == x.count && dy.count == x.count && rstd.count == mean.count && width * mean.count == x.count && width > 0 &&
                        fits(scale, width) && fits(dscale, width) && fits(dbias, width),
                    "lengths do not fit")) {
    return nullptr;
  }
  args.require(layer_norm_grad(dx.data, dscale.data, dbias.data, dy.data, x.data, mean.data, rstd.data, scale.data,
                               static_cast<int64_t>(mean.count), static_cast<int64_t>(width), rms),
               "out of memory");
  return nullptr;
}

bool read_shape(Arguments& args, size_t x, size_t mean, size_t rstd, size_t scale, size_t bias, int64_t batch, int64_t groups,
                GroupNormShape* shape) {
  const int64_t channels = static_cast<int64_t>(scale);
  if (!args.require(batch > 0 && groups > 0 && channels > 0 && channels % groups == 0 && bias == scale &&
                        mean == static_cast<size_t>(batch * groups) && rstd == mean && x % static_cast<size_t>(batch * channels) == 0,
                    "lengths do not fit")) {
    return false;
  }
  *shape = {batch, static_cast<int64_t>(x) / (batch * channels), channels, groups};
  return true;
}

/// groupNorm(y, mean, rstd, x, scale, bias, batch, groups, epsilon, swish)
napi_value group_norm_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "groupNorm", 10);
  const Span<float> y = args.floats(0), mean = args.floats(1), rstd = args.floats(2), x = args.floats(3), scale = args.floats(4);
  const Span<float> bias = args.floats(5);
  const int64_t batch = args.size(6), groups = args.size(7);
  const float epsilon = static_cast<float>(args.number(8));
  const bool swish = args.boolean(9);
  GroupNormShape shape;
  if (!args.require(y.count == x.count, "lengths differ") ||
      !read_shape(args, x.count, mean.count, rstd.count, scale.count, bias.count, batch, groups, &shape)) {
    return nullptr;
  }
  args.require(group_norm(y.data, mean.data, rstd.data, x.data, scale.data, bias.data, shape, epsilon, swish), "out of memory");
  return nullptr;
}

/// groupNormGrad(dx, dscale, dbias, dy, x, mean, rstd, scale, bias, batch, groups, swish)
napi_value group_norm_grad_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "groupNormGrad", 12);
  const Span<float> dx = args.floats(0), dscale = args.floats(1), dbias = args.floats(2), dy = args.floats(3), x = args.floats(4);
  const Span<float> mean = args.floats(5), rstd = args.floats(6), scale = args.floats(7), bias = args.floats(8);
  const int64_t batch = args.size(9), groups = args.size(10);
  const bool swish = args.boolean(11);
  GroupNormShape shape;
  if (!args.require(dx.count == x.count && dy.count == x.count && dscale.count == scale.count && dbias.count == scale.count, "lengths differ") ||
      !read_shape(args, x.count, mean.count, rstd.count, scale.count, bias.count, batch, groups, &shape)) {
    return nullptr;
  }
  args.require(group_norm_grad(dx.data, dscale.data, dbias.data, dy.data, x.data, mean.data, rstd.data, scale.data, bias.data, shape, swish),
               "out of memory");
  return nullptr;
}

LocalResponse read_local_response(Arguments& args, size_t index) {
  return {args.size(index), args.size(index + 1), args.number(index + 2), args.number(index + 3), args.number(index + 4)};
}

/// localResponse(y, x, channels, radius, bias, alpha, beta)
napi_value local_response_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "localResponse", 7);
  const Span<float> y = args.floats(0), x = args.floats(1);
  const LocalResponse norm = read_local_response(args, 2);
  if (!args.require(norm.channels > 0 && y.count == x.count && x.count % static_cast<size_t>(norm.channels) == 0, "lengths do not fit")) {
    return nullptr;
  }
  args.require(local_response(y.data, x.data, static_cast<int64_t>(x.count) / norm.channels, norm), "out of memory");
  return nullptr;
}

/// localResponseGrad(dx, dy, x, y, channels, radius, bias, alpha, beta)
napi_value local_response_grad_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "localResponseGrad", 9);
  const Span<float> dx = args.floats(0), dy = args.floats(1), x = args.floats(2), y = args.floats(3);
  const LocalResponse norm = read_local_response(args, 4);
  const bool fits = dx.count == x.count && dy.count == x.count && y.count == x.count;
  if (!args.require(norm.channels > 0 && fits && x.count % static_cast<size_t>(norm.channels) == 0, "lengths do not fit")) return nullptr;
  args.require(local_response_grad(dx.data, dy.data, x.data, y.data, static_cast<int64_t>(x.count) / norm.channels, norm), "out of memory");
  return nullptr;
}

}  // namespace

void register_norm(napi_env env, napi_value exports) {
  export_function(env, exports, "layerNorm", layer_norm_binding);
  export_function(env, exports, "layerNormGrad", layer_norm_grad_binding);
  export_function(env, exports, "groupNorm", group_norm_binding);
  export_function(env, exports, "groupNormGrad", group_norm_grad_binding);
  export_function(env, exports, "localResponse", local_response_binding);
  export_function(env, exports, "localResponseGrad", local_response_grad_binding);
}

}  // namespace easel
