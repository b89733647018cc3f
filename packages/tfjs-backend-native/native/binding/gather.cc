// gather, segmentSum.
#include "kernels/gather/gather.h"

#include "binding/arguments.h"
#include "binding/families.h"

namespace easel {
namespace {

/// gather(y, x, indices, batch, outer, extent, width): returns the position of the first index
/// outside of 0 … extent − 1 (and then does not write y), or −1.
napi_value gather_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "gather", 7);
  const Span<float> y = args.floats(0), x = args.floats(1);
  const Span<int32_t> indices = args.ints(2);
  const int64_t batch = args.size(3), outer = args.size(4), extent = args.size(5), width = args.size(6);
  if (!args.require(batch > 0 && indices.count % static_cast<size_t>(batch) == 0 && x.count == static_cast<size_t>(batch * outer * extent * width) &&
                        y.count == indices.count * static_cast<size_t>(outer * width),
                    "lengths do not fit")) {
    return nullptr;
  }
  const int64_t outside = first_outside(indices.data, static_cast<int64_t>(indices.count), extent);
  if (outside < 0) gather(y.data, x.data, indices.data, batch, outer, static_cast<int64_t>(indices.count) / batch, extent, width);
  napi_value result;
  return napi_create_int64(env, outside, &result) == napi_ok ? result : nullptr;
}

/// segmentSum(y [segments, width], x [rows, width], ids [rows], width)
napi_value segment_sum_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "segmentSum", 4);
  const Span<float> y = args.floats(0), x = args.floats(1);
  const Span<int32_t> ids = args.ints(2);
  const int64_t width = args.size(3);
  if (!args.require(width > 0 && y.count % static_cast<size_t>(width) == 0 && x.count == ids.count * static_cast<size_t>(width),
                    "lengths do not fit")) {
    return nullptr;
  }
  segment_sum(y.data, x.data, ids.data, static_cast<int64_t>(ids.count), static_cast<int64_t>(y.count) / width, width);
  return nullptr;
}

}  // namespace

void register_gather(napi_env env, napi_value exports) {
  export_function(env, exports, "gather", gather_binding);
  export_function(env, exports, "segmentSum", segment_sum_binding);
}

}  // namespace easel
