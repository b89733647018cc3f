// Checked access to the arguments of one call from JavaScript. The first wrong argument throws a
// TypeError that names function and argument. After that every getter returns an empty value, and
// ok() returns false. No C++ exception is thrown.
#pragma once

#include <node_api.h>

#include <cstddef>
#include <cstdint>

namespace easel {

/// The elements of a typed array. data may be null where count is 0.
template <typename T>
struct Span {
  T* data = nullptr;
  size_t count = 0;
};

class Arguments {
 public:
  /// Takes the arguments of the call. `expected` is how many `function` needs, at most 24.
  Arguments(napi_env env, napi_callback_info info, const char* function, size_t expected);

  napi_env env() const { return env_; }
  bool ok() const { return ok_; }

  Span<float> floats(size_t index) { return span<float>(index, napi_float32_array, "a Float32Array"); }
  Span<int32_t> ints(size_t index) { return span<int32_t>(index, napi_int32_array, "an Int32Array"); }
  Span<uint8_t> bytes(size_t index) { return span<uint8_t>(index, napi_uint8_array, "a Uint8Array"); }
  Span<uint16_t> halves(size_t index) { return span<uint16_t>(index, napi_uint16_array, "a Uint16Array"); }
  /// A Float32Array, or an empty span for null and undefined.
  Span<float> optional_floats(size_t index) { return is_absent(index) ? Span<float>{} : floats(index); }
  /// An Int32Array, or an empty span for null and undefined.
  Span<int32_t> optional_ints(size_t index) { return is_absent(index) ? Span<int32_t>{} : ints(index); }
  /// A Uint16Array, or an empty span for null and undefined.
  Span<uint16_t> optional_halves(size_t index) { return is_absent(index) ? Span<uint16_t>{} : halves(index); }
  bool is_absent(size_t index);
  /// The element type of a typed array; that of Uint16Array for what is none.
  napi_typedarray_type element_type(size_t index);
  /// The memory of an ArrayBuffer. Returns false if the argument is not one, or is detached.
  bool array_buffer(size_t index, void** data, size_t* bytes);
  napi_value value(size_t index) const { return values_[index]; }

  double number(size_t index);
  /// An integer within ±2^53.
  int64_t integer(size_t index);
  /// An integer of 0 or more, which is a size.
  int64_t size(size_t index);
  bool boolean(size_t index);

  /// Copies an Int32Array or Array of at most `most` integers to `out`. Returns their number.
  size_t shape(size_t index, int64_t* out, size_t most);

  /// Throws a RangeError "<function>: <message>" unless `held`; returns ok().
  bool require(bool held, const char* message);

 private:
  template <typename T>
  Span<T> span(size_t index, napi_typedarray_type type, const char* what) {
    Span<T> result;
    void* data = nullptr;
    if (typed_array(index, type, what, &data, &result.count)) result.data = static_cast<T*>(data);
    return result;
  }
  bool typed_array(size_t index, napi_typedarray_type type, const char* what, void** data, size_t* count);
  void refuse(size_t index, const char* what);

  static constexpr size_t most_arguments = 24;
  napi_env env_;
  const char* function_;
  napi_value values_[most_arguments];
  bool ok_ = true;
};

}  // namespace easel
