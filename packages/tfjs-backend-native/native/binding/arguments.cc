#include "binding/arguments.h"

#include <cmath>
#include <cstdio>

namespace easel {

Arguments::Arguments(napi_env env, napi_callback_info info, const char* function, size_t expected)
    : env_(env), function_(function) {
  size_t count = expected;  // more would be filled up with undefined
  if (napi_get_cb_info(env, info, &count, values_, nullptr, nullptr) != napi_ok || count < expected) {
    char message[128];
    std::snprintf(message, sizeof(message), "%s: expected %zu arguments, got %zu", function, expected, count);
    napi_throw_type_error(env, nullptr, message);
    ok_ = false;
  }
}

void Arguments::refuse(size_t index, const char* what) {
  if (!ok_) return;
  char message[160];
  std::snprintf(message, sizeof(message), "%s: argument %zu must be %s", function_, index, what);
  napi_throw_type_error(env_, nullptr, message);
  ok_ = false;
}

bool Arguments::require(bool held, const char* message) {
  if (ok_ && !held) {
    char text[256];
    std::snprintf(text, sizeof(text), "%s: %s", function_, message);
    napi_throw_range_error(env_, nullptr, text);
    ok_ = false;
  }
  return ok_;
}

bool Arguments::typed_array(size_t index, napi_typedarray_type type, const char* what, void** data, size_t* count) {
  if (!ok_) return false;
  napi_typedarray_type found;
  if (napi_get_typedarray_info(env_, values_[index], &found, count, data, nullptr, nullptr) != napi_ok || found != type) {
    *count = 0;
    refuse(index, what);
    return false;
  }
  return true;
}

bool Arguments::array_buffer(size_t index, void** data, size_t* bytes) {
  bool is_buffer = false, is_detached = true;
  if (!ok_) return false;
  if (napi_is_arraybuffer(env_, values_[index], &is_buffer) != napi_ok || !is_buffer ||
      napi_is_detached_arraybuffer(env_, values_[index], &is_detached) != napi_ok || is_detached ||
      napi_get_arraybuffer_info(env_, values_[index], data, bytes) != napi_ok) {
    refuse(index, "an ArrayBuffer that is not detached");
    return false;
  }
  return true;
}

bool Arguments::is_absent(size_t index) {
  bool is_array = false;
  if (!ok_ || (napi_is_typedarray(env_, values_[index], &is_array) == napi_ok && is_array)) return false;  // napi_typeof asks ten times as much
  napi_valuetype type;
  return napi_typeof(env_, values_[index], &type) == napi_ok && (type == napi_undefined || type == napi_null);
}

napi_typedarray_type Arguments::element_type(size_t index) {
  napi_typedarray_type type = napi_uint16_array;
  if (ok_) napi_get_typedarray_info(env_, values_[index], &type, nullptr, nullptr, nullptr, nullptr);
  return type;
}

double Arguments::number(size_t index) {
  double value = 0;
  if (ok_ && napi_get_value_double(env_, values_[index], &value) != napi_ok) refuse(index, "a number");
  return value;
}

int64_t Arguments::integer(size_t index) {
  const double value = number(index);
  const int64_t whole = std::fabs(value) <= 9007199254740992.0 ? static_cast<int64_t>(value) : 0;
  if (static_cast<double>(whole) != value) {
    refuse(index, "an integer");
    return 0;
  }
  return whole;
}

int64_t Arguments::size(size_t index) {
  const int64_t value = integer(index);
  if (value < 0) {
    refuse(index, "an integer of 0 or more");
    return 0;
  }
  return value;
}

bool Arguments::boolean(size_t index) {
  bool value = false;
  if (ok_ && napi_get_value_bool(env_, values_[index], &value) != napi_ok) refuse(index, "a boolean");
  return value;
}

size_t Arguments::shape(size_t index, int64_t* out, size_t most) {
  if (!ok_) return 0;
  bool is_array = false;
  napi_is_array(env_, values_[index], &is_array);
  if (!is_array) {
    const Span<int32_t> values = ints(index);
    if (!require(values.count <= most, "too many axes")) return 0;
    for (size_t i = 0; i < values.count; i++) out[i] = values.data[i];
    return values.count;
  }
  uint32_t count = 0;
  napi_get_array_length(env_, values_[index], &count);
  if (!require(count <= most, "too many axes")) return 0;
  for (uint32_t i = 0; i < count; i++) {
    napi_value element;
    double value = 0;
    if (napi_get_element(env_, values_[index], i, &element) != napi_ok ||
        napi_get_value_double(env_, element, &value) != napi_ok || value != std::floor(value)) {
      refuse(index, "an array of integers");
      return 0;
    }
    out[i] = static_cast<int64_t>(value);
  }
  return count;
}

}  // namespace easel
