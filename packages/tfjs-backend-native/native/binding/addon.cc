// The entry of the addon. It builds `exports` for each JS environment and keeps no state for one.
#include <node_api.h>

#include "binding/families.h"

namespace easel {

void export_function(napi_env env, napi_value exports, const char* name, napi_callback function) {
  napi_value value;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value) == napi_ok) {
    napi_set_named_property(env, exports, name, value);
  }
}

}  // namespace easel

extern "C" __attribute__((visibility("default"))) int32_t node_api_module_get_api_version_v1() { return NAPI_VERSION; }

extern "C" __attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  easel::register_runtime(env, exports);
  easel::register_elementwise(env, exports);
  easel::register_attention(env, exports);
  easel::register_reduce(env, exports);
  easel::register_softmax(env, exports);
  easel::register_norm(env, exports);
  easel::register_gather(env, exports);
  easel::register_transpose(env, exports);
  easel::register_copy(env, exports);
  easel::register_bfloat16(env, exports);
  easel::register_packed(env, exports);
  easel::register_optimizer(env, exports);
  easel::register_order(env, exports);
  easel::register_gemm(env, exports);
  easel::register_conv(env, exports);
  easel::register_pool(env, exports);
  easel::register_resize(env, exports);
  easel::register_write(env, exports);
  easel::register_mapping(env, exports);
  easel::register_fourier(env, exports);
  return exports;
}
