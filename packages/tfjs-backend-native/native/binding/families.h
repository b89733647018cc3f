// What each binding file adds to the addon's exports. For a new family, declare a function here and
// call it in addon.cc.
#pragma once

#include <node_api.h>

namespace easel {

/// Adds a function to exports under `name`.
void export_function(napi_env env, napi_value exports, const char* name, napi_callback function);

void register_runtime(napi_env env, napi_value exports);
void register_elementwise(napi_env env, napi_value exports);
void register_attention(napi_env env, napi_value exports);
void register_reduce(napi_env env, napi_value exports);
void register_softmax(napi_env env, napi_value exports);
void register_norm(napi_env env, napi_value exports);
void register_gather(napi_env env, napi_value exports);
void register_transpose(napi_env env, napi_value exports);
void register_copy(napi_env env, napi_value exports);
void register_bfloat16(napi_env env, napi_value exports);
void register_packed(napi_env env, napi_value exports);
void register_optimizer(napi_env env, napi_value exports);
void register_order(napi_env env, napi_value exports);
void register_gemm(napi_env env, napi_value exports);
void register_conv(napi_env env, napi_value exports);
void register_pool(napi_env env, napi_value exports);
void register_resize(napi_env env, napi_value exports);
void register_write(napi_env env, napi_value exports);
void register_mapping(napi_env env, napi_value exports);
void register_fourier(napi_env env, napi_value exports);

}  // namespace easel
