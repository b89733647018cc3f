// softmax, logSoftmax, their gradients, crossEntropy, crossEntropyGrad.
#include "kernels/softmax/softmax.h"

#include <cstdio>

#include "binding/arguments.h"
#include "binding/families.h"

namespace easel {
namespace {

using Rows = void (*)(float* y, const float* x, int64_t rows, int64_t width);

napi_value rows_binding(napi_env env, napi_callback_info info, const char* name, Rows rows) {
  Arguments args(env, info, name, 3);
  const Span<float> y = args.floats(0), x = args.floats(1);
  const int64_t width = args.size(2);
  if (!args.require(width > 0 && y.count == x.count && x.count % static_cast<size_t>(width) == 0, "lengths do not fit the width")) return nullptr;
  rows(y.data, x.data, static_cast<int64_t>(x.count) / width, width);
  return nullptr;
}

/// softmax(y, x, width)
napi_value softmax_binding(napi_env env, napi_callback_info info) { return rows_binding(env, info, "softmax", softmax); }

/// logSoftmax(y, x, width)
napi_value log_softmax_binding(napi_env env, napi_callback_info info) { return rows_binding(env, info, "logSoftmax", log_softmax); }

using GradRows = void (*)(float* dx, const float* dy, const float* y, int64_t rows, int64_t width);

napi_value rows_grad_binding(napi_env env, napi_callback_info info, const char* name, GradRows rows) {
  Arguments args(env, info, name, 4);
  const Span<float> dx = args.floats(0), dy = args.floats(1), y = args.floats(2);
  const int64_t width = args.size(3);
  if (!args.require(width > 0 && dx.count == y.count && dy.count == y.count && y.count % static_cast<size_t>(width) == 0,
                    "lengths do not fit the width")) {
    return nullptr;
  }
  rows(dx.data, dy.data, y.data, static_cast<int64_t>(y.count) / width, width);
  return nullptr;
}

/// softmaxGrad(dx, dy, y, width)
napi_value softmax_grad_binding(napi_env env, napi_callback_info info) { return rows_grad_binding(env, info, "softmaxGrad", softmax_grad); }

/// logSoftmaxGrad(dx, dy, y, width)
napi_value log_softmax_grad_binding(napi_env env, napi_callback_info info) {
  return rows_grad_binding(env, info, "logSoftmaxGrad", log_softmax_grad);
}

bool require_labels(Arguments& args, const Span<int32_t>& labels, int64_t width) {
  for (size_t r = 0; r < labels.count; r++) {
    if (labels.data[r] < 0 || labels.data[r] >= width) {
      char message[160];
      std::snprintf(message, sizeof(message), "label %d at position %zu is not within 0..%lld", labels.data[r], r,
                    static_cast<long long>(width) - 1);
      return args.require(false, message);
    }
  }
  return true;
}

/// crossEntropy(loss, lse, logits, labels, width): RangeError if a label is outside
napi_value cross_entropy_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "SparseCrossEntropy", 5);
  const Span<float> loss = args.floats(0), lse = args.floats(1), x = args.floats(2);
  const Span<int32_t> labels = args.ints(3);
  const int64_t width = args.size(4);
  if (!args.require(loss.count == labels.count && lse.count == labels.count && x.count == labels.count * static_cast<size_t>(width),
                    "lengths differ") ||
      !require_labels(args, labels, width)) {
    return nullptr;
  }
  cross_entropy(loss.data, lse.data, x.data, labels.data, static_cast<int64_t>(labels.count), width);
  return nullptr;
}

/// crossEntropyGrad(dx, dloss, logits, labels, lse, width)
napi_value cross_entropy_grad_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "SparseCrossEntropyGrad", 6);
  const Span<float> dx = args.floats(0), dloss = args.floats(1), x = args.floats(2);
  const Span<int32_t> labels = args.ints(3);
  const Span<float> lse = args.floats(4);
  const int64_t width = args.size(5);
  if (!args.require(dloss.count == labels.count && lse.count == labels.count && dx.count == x.count &&
                        x.count == labels.count * static_cast<size_t>(width),
                    "lengths differ") ||
      !require_labels(args, labels, width)) {
    return nullptr;
  }
  cross_entropy_grad(dx.data, dloss.data, x.data, labels.data, lse.data, static_cast<int64_t>(labels.count), width);
  return nullptr;
}

}  // namespace

void register_softmax(napi_env env, napi_value exports) {
  export_function(env, exports, "softmax", softmax_binding);
  export_function(env, exports, "logSoftmax", log_softmax_binding);
  export_function(env, exports, "softmaxGrad", softmax_grad_binding);
  export_function(env, exports, "logSoftmaxGrad", log_softmax_grad_binding);
  export_function(env, exports, "crossEntropy", cross_entropy_binding);
  export_function(env, exports, "crossEntropyGrad", cross_entropy_grad_binding);
}

}  // namespace easel
