// The addon's functions for JavaScript; see src/addon.ts. A job has one world, so a process has one.
#include <node_api.h>

#include <algorithm>
#include <memory>
#include <string>

#include "world.h"

namespace easel {
namespace {

World* world = nullptr;
napi_threadsafe_function report = nullptr;
int unended = 0;  // operations and the start; the event loop waits while there are any

/// What a finished operation, or the start, brings to JavaScript's thread.
struct Report {
  Operation* operation = nullptr;
  std::unique_ptr<Start> start;
};

/// An operation's JavaScript side: its callback, and the arrays, so that their memory stays.
struct Owner {
  napi_ref callback = nullptr;
  napi_ref arrays = nullptr;
};

napi_ref start_callback = nullptr;

napi_value refuse(napi_env env, const char* message) {
  napi_throw_type_error(env, nullptr, message);
  return nullptr;
}

napi_value text_of(napi_env env, const std::string& text) {
  napi_value value = nullptr;
  napi_create_string_utf8(env, text.data(), text.size(), &value);
  return value;
}

napi_value number_of(napi_env env, int number) {
  napi_value value = nullptr;
  napi_create_int32(env, number, &value);
  return value;
}

void call_back(napi_env env, napi_ref callback, size_t count, const napi_value* values) {
  napi_value function, undefined;
  napi_get_reference_value(env, callback, &function);
  napi_get_undefined(env, &undefined);
  napi_delete_reference(env, callback);
  napi_call_function(env, undefined, function, count, values, nullptr);
}

void began(napi_env env) {
  if (unended++ == 0) napi_ref_threadsafe_function(env, report);
}

void ended(napi_env env) {
  if (--unended == 0) napi_unref_threadsafe_function(env, report);
}

napi_value received_of(napi_env env, const Operation& operation) {
  napi_value parts;
  napi_create_array_with_length(env, operation.received.size(), &parts);
  for (size_t i = 0; i < operation.received.size(); i++) {
    const std::vector<uint8_t>& bytes = operation.received[i];
    void* data = nullptr;
    napi_value buffer, array;
    napi_create_arraybuffer(env, bytes.size(), &data, &buffer);
    std::copy(bytes.begin(), bytes.end(), static_cast<uint8_t*>(data));
    napi_create_typedarray(env, napi_uint8_array, bytes.size(), buffer, 0, &array);
    napi_set_element(env, parts, static_cast<uint32_t>(i), array);
  }
  return parts;
}

/// Runs in JavaScript's thread.
void tell(napi_env env, napi_value, void*, void* data) {
  const std::unique_ptr<Report> told(static_cast<Report*>(data));
  if (!env) return;
  ended(env);
  if (told->start) {
    const Start& start = *told->start;
    const napi_value values[] = {text_of(env, start.error), number_of(env, start.rank), number_of(env, start.size), text_of(env, start.host)};
    call_back(env, start_callback, 4, values);
    return;
  }
  const std::unique_ptr<Operation> operation(told->operation);
  const std::unique_ptr<Owner> owner(static_cast<Owner*>(operation->owner));
  napi_delete_reference(env, owner->arrays);
  const Outcome& outcome = operation->outcome;
  const napi_value values[] = {number_of(env, static_cast<int>(outcome.end)), number_of(env, outcome.rank), text_of(env, outcome.message), received_of(env, *operation)};
  call_back(env, owner->callback, 4, values);
}

/// libraryVersion(): string
napi_value get_library_version(napi_env env, napi_callback_info) { return text_of(env, library_version()); }

/// start(callback(error, rank, size, host))
napi_value start(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value callback, name;
  napi_get_cb_info(env, info, &count, &callback, nullptr, nullptr);
  if (world != nullptr || report != nullptr) return refuse(env, "start: MPI starts once in a process");
  if (napi_create_reference(env, callback, 1, &start_callback) != napi_ok) return refuse(env, "start: expected a function");
  napi_create_string_utf8(env, "mpi", NAPI_AUTO_LENGTH, &name);
  napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, nullptr, tell, &report);
  unended = 1;
  const auto send = [](Report* told) { napi_call_threadsafe_function(report, told, napi_tsfn_nonblocking); };
  // It is never destroyed: its thread may wait for other ranks when the process ends.
  world = new World(
      [send](Start result) {
        Report* told = new Report;
        told->start = std::make_unique<Start>(std::move(result));
        send(told);
      },
      [send](Operation* operation) {
        Report* told = new Report;
        told->operation = operation;
        send(told);
      });
  return nullptr;
}

/// The memory of a typed array of any kind.
bool piece_of(napi_env env, napi_value array, Operation::Piece* piece) {
  napi_typedarray_type type;
  size_t count = 0;
  if (napi_get_typedarray_info(env, array, &type, &count, &piece->data, nullptr, nullptr) != napi_ok) return false;
  switch (type) {
    case napi_int8_array:
    case napi_uint8_array:
    case napi_uint8_clamped_array:
      piece->bytes = count;
      return true;
    case napi_int16_array:
    case napi_uint16_array:
      piece->bytes = 2 * count;
      return true;
    case napi_int32_array:
    case napi_uint32_array:
    case napi_float32_array:
      piece->bytes = 4 * count;
      return true;
    default:
      piece->bytes = 8 * count;
      return true;
  }
}

/// submit(kind, element, ordered, root, arrays, message, callback(end, rank, message, received))
napi_value submit(napi_env env, napi_callback_info info) {
  size_t count = 7;
  napi_value args[7];
  napi_get_cb_info(env, info, &count, args, nullptr, nullptr);
  if (world == nullptr) return refuse(env, "submit: MPI has not been started");
  int32_t kind = 0, element = 0, root = 0;
  bool ordered = false;
  uint32_t arrays = 0;
  size_t length = 0;
  const bool good = count == 7 && napi_get_value_int32(env, args[0], &kind) == napi_ok && napi_get_value_int32(env, args[1], &element) == napi_ok &&
                    napi_get_value_bool(env, args[2], &ordered) == napi_ok && napi_get_value_int32(env, args[3], &root) == napi_ok &&
                    napi_get_array_length(env, args[4], &arrays) == napi_ok && napi_get_value_string_utf8(env, args[5], nullptr, 0, &length) == napi_ok &&
                    kind >= 0 && kind <= static_cast<int>(Kind::close) && element >= 0 && element <= 1;
  if (!good) return refuse(env, "submit: expected kind, element, ordered, root, arrays, message, callback");
  auto operation = std::make_unique<Operation>();
  operation->kind = static_cast<Kind>(kind);
  operation->element = static_cast<Element>(element);
  operation->ordered = ordered;
  operation->root = root;
  operation->message.resize(length);
  napi_get_value_string_utf8(env, args[5], &operation->message[0], length + 1, nullptr);
  for (uint32_t i = 0; i < arrays; i++) {
    napi_value array;
    Operation::Piece piece{nullptr, 0};
    if (napi_get_element(env, args[4], i, &array) != napi_ok || !piece_of(env, array, &piece)) return refuse(env, "submit: expected typed arrays");
    operation->pieces.push_back(piece);
  }
  auto owner = std::make_unique<Owner>();
  if (napi_create_reference(env, args[6], 1, &owner->callback) != napi_ok || napi_create_reference(env, args[4], 1, &owner->arrays) != napi_ok)
    return refuse(env, "submit: expected a callback");
  operation->owner = owner.release();
  began(env);
  world->submit(operation.release());
  return nullptr;
}

/// recover(): after an abandoned operation, lets further ones begin.
napi_value recover(napi_env, napi_callback_info) {
  if (world != nullptr) world->recover();
  return nullptr;
}

/// abort(code): ends all ranks, soon.
napi_value abort_job(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value code;
  int32_t number = 1;
  napi_get_cb_info(env, info, &count, &code, nullptr, nullptr);
  napi_get_value_int32(env, code, &number);
  request_abort(number);
  if (world != nullptr) world->wake();
  return nullptr;
}

}  // namespace
}  // namespace easel

extern "C" __attribute__((visibility("default"))) int32_t node_api_module_get_api_version_v1() { return NAPI_VERSION; }

extern "C" __attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  const auto add = [&](const char* name, napi_callback function) {
    napi_value value;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value);
    napi_set_named_property(env, exports, name, value);
  };
  add("libraryVersion", easel::get_library_version);
  add("start", easel::start);
  add("submit", easel::submit);
  add("recover", easel::recover);
  add("abort", easel::abort_job);
  return exports;
}
