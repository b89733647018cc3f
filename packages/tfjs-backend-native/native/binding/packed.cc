// widenPacked, packedRows, packedProduct: see src/addon-kernels.ts.
#include "kernels/packed/packed.h"

#include "binding/arguments.h"
#include "binding/families.h"
#include "binding/layouts.h"
#include "kernels/gather/gather.h"

namespace easel {
namespace {

/// The matrix of the arguments codes, scales, offsets and sizes, from `index` on. Throws unless
/// they fit together.
PackedMatrix packed_matrix(Arguments& args, size_t index) {
  const Span<uint8_t> codes = args.bytes(index);
  const Span<uint16_t> scales = args.optional_halves(index + 1), offsets = args.optional_halves(index + 2);
  const Span<int32_t> sizes = args.ints(index + 3);
  PackedMatrix b{};
  if (!args.require(sizes.count == matrix_count, "sizes must be [rows, columns, format, axis, group]")) return b;
  for (int i = 0; i < matrix_count; i++) {
    if (!args.require(sizes.data[i] >= 0, "sizes must not be negative")) return b;
  }
  if (!args.require(sizes.data[matrix_format] < packed_format_count, "unknown format")) return b;
  b.format = static_cast<PackedFormat>(sizes.data[matrix_format]);
  b.rows = sizes.data[matrix_rows];
  b.columns = sizes.data[matrix_columns];
  b.axis = sizes.data[matrix_axis];
  b.group = sizes.data[matrix_group];
  b.codes = codes.data;
  b.scales = scales.data;
  b.offsets = offsets.data;
  const int64_t count = b.rows * b.columns, extent = b.axis == 0 ? b.rows : b.columns;
  const bool is_int4 = b.format == PackedFormat::int4, has_scales = is_int4 || b.format == PackedFormat::int8;
  args.require(static_cast<int64_t>(codes.count) == (is_int4 ? count / 2 : has_scales ? count : 2 * count), "codes do not fit rows · columns");
  if (!has_scales || !args.ok()) return b;
  if (!args.require(b.axis <= 1 && b.group > 0 && (!is_int4 || (extent % 2 == 0 && b.group % 2 == 0)), "axis or group do not fit")) return b;
  const int64_t groups = (extent + b.group - 1) / b.group, of_scales = count == 0 ? 0 : groups * (count / extent);
  args.require(count == 0 || static_cast<int64_t>(scales.count) == of_scales, "scales do not fit rows, columns and group");
  args.require(count == 0 || !is_int4 || static_cast<int64_t>(offsets.count) == of_scales, "offsets do not fit rows, columns and group");
  return b;
}

napi_value widen_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "widenPacked", 5);
  const Span<float> y = args.floats(0);
  const PackedMatrix b = packed_matrix(args, 1);
  if (args.require(static_cast<int64_t>(y.count) == b.rows * b.columns, "y must hold rows · columns elements")) widen_packed(y.data, b);
  return nullptr;
}

napi_value rows_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "packedRows", 6);
  const Span<float> y = args.floats(0);
  const Span<int32_t> ids = args.ints(1);
  const PackedMatrix b = packed_matrix(args, 2);
  const int64_t count = static_cast<int64_t>(ids.count);
  if (!args.require(static_cast<int64_t>(y.count) == count * b.columns, "y must hold a row for each id")) return nullptr;
  const int64_t outside = first_outside(ids.data, count, b.rows);
  if (outside < 0) packed_rows_at(y.data, b, ids.data, count);
  napi_value result;
  return napi_create_int64(env, outside, &result) == napi_ok ? result : nullptr;
}

napi_value product_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "packedProduct", 10);
  const Span<float> c = args.floats(0), a = args.floats(1);
  const PackedMatrix b = packed_matrix(args, 2);
  const Span<float> bias = args.optional_floats(6);
  const int64_t activation = args.size(7);
  const double leak = args.number(8);
  const Span<float> residual = args.optional_floats(9);
  if (!args.ok() || c.count == 0) return nullptr;
  const int64_t m = b.columns == 0 ? 0 : static_cast<int64_t>(c.count) / b.columns;
  args.require(m <= packed_rows && m * b.columns == static_cast<int64_t>(c.count), "c must hold at most 32 rows of columns");
  args.require(static_cast<int64_t>(a.count) == m * b.rows, "a must hold as many rows");
  args.require(b.axis == 0, "numbers must share scales along axis 0");
  args.require(bias.data == nullptr || static_cast<int64_t>(bias.count) == b.columns, "bias must hold a value for each column");
  args.require(activation < activation_count, "unknown activation");
  args.require(residual.data == nullptr || residual.count == c.count, "residual must hold as many elements as c");
  if (!args.ok()) return nullptr;
  const Epilogue epilogue{bias.data, static_cast<Activation>(activation), static_cast<float>(leak), residual.data, c.data};
  args.require(packed_product(m, a.data, b, c.data, epilogue), "out of memory");
  return nullptr;
}

}  // namespace

void register_packed(napi_env env, napi_value exports) {
  export_function(env, exports, "widenPacked", widen_binding);
  export_function(env, exports, "packedRows", rows_binding);
  export_function(env, exports, "packedProduct", product_binding);
}

}  // namespace easel
