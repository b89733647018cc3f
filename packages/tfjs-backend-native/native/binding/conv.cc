// conv2d, depthwise and their gradients: see src/addon.ts.
#include "kernels/conv/conv.h"
#include "kernels/depthwise/depthwise.h"

#include "binding/arguments.h"
#include "binding/families.h"
#include "binding/layouts.h"

namespace easel {
namespace {

/// The functions of plain convolutions, or of depthwise ones. Both take the same arguments.
struct Forms {
  bool is_depthwise;
  bool (*forward)(const ConvShape&, const float* x, const float* filter, float* y, const Epilogue&);
  bool (*input_gradient)(const ConvShape&, const float* dy, const float* filter, float* dx);
  bool (*filter_gradient)(const ConvShape&, const float* x, const float* dy, float* df);
};

constexpr Forms plain = {false, conv2d, conv2d_input_gradient, conv2d_filter_gradient};
constexpr Forms by_channel = {true, depthwise, depthwise_input_gradient, depthwise_filter_gradient};

/// Reads the sizes and checks that the three arrays can hold image, filter and output.
bool read_shape(Arguments& args, size_t index, bool is_depthwise, size_t image, size_t filter, size_t output, ConvShape* s) {
  const Span<int32_t> sizes = args.ints(index);
  if (!args.require(sizes.count == conv_count, "sizes must be those of layouts.h, ConvSize")) return false;
  for (int i = 0; i < conv_count; i++) {
    const bool may_be_negative = i == conv_pad_top || i == conv_pad_left;
    if (!args.require(may_be_negative || sizes.data[i] >= 0, "sizes must not be negative")) return false;
  }
  s->batch = sizes.data[conv_batch];
  s->in_h = sizes.data[conv_in_height];
  s->in_w = sizes.data[conv_in_width];
  s->in_c = sizes.data[conv_in_channels];
  s->out_h = sizes.data[conv_out_height];
  s->out_w = sizes.data[conv_out_width];
  s->out_c = sizes.data[conv_out_channels];
  s->filter_h = sizes.data[conv_filter_height];
  s->filter_w = sizes.data[conv_filter_width];
  s->stride_h = sizes.data[conv_stride_height];
  s->stride_w = sizes.data[conv_stride_width];
  s->pad_top = sizes.data[conv_pad_top];
  s->pad_left = sizes.data[conv_pad_left];
  s->dilation_h = sizes.data[conv_dilation_height];
  s->dilation_w = sizes.data[conv_dilation_width];
  args.require(s->stride_h > 0 && s->stride_w > 0 && s->dilation_h > 0 && s->dilation_w > 0, "strides and dilations must be positive");
  args.require(s->filter_h > 0 && s->filter_w > 0, "the filter must have taps");
  args.require(static_cast<int64_t>(image) == s->batch * s->in_h * s->in_w * s->in_c, "the image must hold batch · height · width · channels elements");
  if (is_depthwise) {
    args.require(s->in_c == 0 ? s->out_c == 0 : s->out_c % s->in_c == 0, "the output's channels must be a multiple of the image's");
    args.require(static_cast<int64_t>(filter) == s->filter_h * s->filter_w * s->out_c, "the filter must hold height · width · out elements");
  } else {
    args.require(static_cast<int64_t>(filter) == s->filter_h * s->filter_w * s->in_c * s->out_c, "the filter must hold height · width · in · out elements");
  }
  return args.require(static_cast<int64_t>(output) == s->batch * s->out_h * s->out_w * s->out_c, "the output must hold batch · height · width · channels elements");
}

napi_value forward(napi_env env, napi_callback_info info, const char* name, const Forms& forms) {
  Arguments args(env, info, name, 6);
  const Span<float> y = args.floats(0), x = args.floats(1), filter = args.floats(2);
  const Span<float> bias = args.optional_floats(4);
  const double leak = args.number(5);
  ConvShape shape{};
  if (!read_shape(args, 3, forms.is_depthwise, x.count, filter.count, y.count, &shape)) return nullptr;
  const Span<int32_t> sizes = args.ints(3);
  args.require(sizes.data[conv_activation] < activation_count, "unknown activation");
  args.require(bias.data == nullptr || static_cast<int64_t>(bias.count) == shape.out_c, "bias must hold a value a channel");
  if (!args.ok()) return nullptr;
  const Epilogue epilogue{bias.data, static_cast<Activation>(sizes.data[conv_activation]), static_cast<float>(leak)};
  args.require(forms.forward(shape, x.data, filter.data, y.data, epilogue), "out of memory");
  return nullptr;
}

napi_value input_gradient(napi_env env, napi_callback_info info, const char* name, const Forms& forms) {
  Arguments args(env, info, name, 4);
  const Span<float> dx = args.floats(0), dy = args.floats(1), filter = args.floats(2);
  ConvShape shape{};
  if (!read_shape(args, 3, forms.is_depthwise, dx.count, filter.count, dy.count, &shape)) return nullptr;
  args.require(forms.input_gradient(shape, dy.data, filter.data, dx.data), "out of memory");
  return nullptr;
}

napi_value filter_gradient(napi_env env, napi_callback_info info, const char* name, const Forms& forms) {
  Arguments args(env, info, name, 4);
  const Span<float> df = args.floats(0), x = args.floats(1), dy = args.floats(2);
  ConvShape shape{};
  if (!read_shape(args, 3, forms.is_depthwise, x.count, df.count, dy.count, &shape)) return nullptr;
  args.require(forms.filter_gradient(shape, x.data, dy.data, df.data), "out of memory");
  return nullptr;
}

}  // namespace

void register_conv(napi_env env, napi_value exports) {
  export_function(env, exports, "conv2d", [](napi_env e, napi_callback_info info) { return forward(e, info, "conv2d", plain); });
  export_function(env, exports, "conv2dInputGradient", [](napi_env e, napi_callback_info info) { return input_gradient(e, info, "conv2dInputGradient", plain); });
  export_function(env, exports, "conv2dFilterGradient", [](napi_env e, napi_callback_info info) { return filter_gradient(e, info, "conv2dFilterGradient", plain); });
  export_function(env, exports, "depthwise", [](napi_env e, napi_callback_info info) { return forward(e, info, "depthwise", by_channel); });
  export_function(env, exports, "depthwiseInputGradient", [](napi_env e, napi_callback_info info) { return input_gradient(e, info, "depthwiseInputGradient", by_channel); });
  export_function(env, exports, "depthwiseFilterGradient", [](napi_env e, napi_callback_info info) { return filter_gradient(e, info, "depthwiseFilterGradient", by_channel); });
}

}  // namespace easel
