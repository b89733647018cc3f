// writeTensors: a thread of its own writes a file while JavaScript goes on.
#include "runtime/write.h"

#include <thread>
#include <utility>

#include "binding/arguments.h"
#include "binding/families.h"

#if !defined(_WIN32)
namespace easel {
namespace {

struct Job {
  explicit Job(std::vector<Piece> pieces) : write(std::move(pieces)) {}

  FileWrite write;
  int error = 0;
  std::thread thread;
  napi_threadsafe_function report = nullptr;
  napi_ref held = nullptr;  // the arrays, so that their memory stays
};

/// Runs when the environment ends, since its arrays are about to be freed.
void end_early(void* data) {
  Job* job = static_cast<Job*>(data);
  job->write.stop();
  if (job->thread.joinable()) job->thread.join();
}

/// Runs in JavaScript's thread when the job has ended: callback(errno, or 0).
void report_end(napi_env env, napi_value callback, void*, void* data) {
  Job* job = static_cast<Job*>(data);
  if (!env) return;
  job->thread.join();
  napi_remove_env_cleanup_hook(env, end_early, job);
  napi_delete_reference(env, job->held);
  napi_value undefined, error;
  if (napi_get_undefined(env, &undefined) == napi_ok && napi_create_int32(env, job->error, &error) == napi_ok) {
    napi_call_function(env, undefined, callback, 1, &error, nullptr);
  }
}

void delete_job(napi_env, void* data, void*) { delete static_cast<Job*>(data); }

/// The memory of a Float32Array, Int32Array or Uint8Array.
bool piece_of(napi_env env, napi_value array, FloatFormat format, Piece* piece) {
  napi_typedarray_type type;
  size_t count;
  void* data;
  if (napi_get_typedarray_info(env, array, &type, &count, &data, nullptr, nullptr) != napi_ok) return false;
  const bool is_float = type == napi_float32_array;
  if (!is_float && type != napi_int32_array && type != napi_uint8_array) return false;
  *piece = {data, count * (type == napi_uint8_array ? 1 : 4), is_float ? format : FloatFormat::f32};
  return true;
}

/// writeTensors(file, arrays, format, written, callback); see src/addon.ts.
napi_value write_tensors(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "writeTensors", 5);
  const int64_t file = args.size(0), format = args.size(2);
  const Span<int32_t> written = args.ints(3);
  uint32_t count = 0;
  if (!args.require(napi_get_array_length(env, args.value(1), &count) == napi_ok, "arrays must be an array") ||
      !args.require(format <= 2, "format must be 0, 1 or 2") || !args.require(written.count == 1, "written must have one element")) {
    return nullptr;
  }
  std::vector<Piece> pieces;
  for (uint32_t i = 0; i < count; i++) {
    napi_value array;
    Piece piece;
    const bool good = napi_get_element(env, args.value(1), i, &array) == napi_ok && piece_of(env, array, static_cast<FloatFormat>(format), &piece);
    if (!args.require(good, "arrays must hold Float32Array, Int32Array or Uint8Array")) return nullptr;
    pieces.push_back(piece);
  }
  Job* job = new Job(std::move(pieces));
  napi_value name, held;
  const bool good =
      napi_create_array_with_length(env, 2, &held) == napi_ok && napi_set_element(env, held, 0, args.value(1)) == napi_ok &&
      napi_set_element(env, held, 1, args.value(3)) == napi_ok && napi_create_reference(env, held, 1, &job->held) == napi_ok &&
      napi_create_string_utf8(env, "writeTensors", NAPI_AUTO_LENGTH, &name) == napi_ok &&
      napi_create_threadsafe_function(env, args.value(4), nullptr, name, 0, 1, job, delete_job, nullptr, report_end, &job->report) == napi_ok;
  if (!args.require(good, "callback must be a function")) {
    if (job->held) napi_delete_reference(env, job->held);
    delete job;
    return nullptr;
  }
  napi_add_env_cleanup_hook(env, end_early, job);
  job->thread = std::thread([job, file, written] {
    job->error = job->write.run(static_cast<int>(file), written.data);
    const napi_threadsafe_function report = job->report;
    napi_call_threadsafe_function(report, job, napi_tsfn_nonblocking);
    napi_release_threadsafe_function(report, napi_tsfn_release);
  });
  return nullptr;
}

}  // namespace

void register_write(napi_env env, napi_value exports) { export_function(env, exports, "writeTensors", write_tensors); }

}  // namespace easel
#else
namespace easel {
void register_write(napi_env, napi_value) {}
}  // namespace easel
#endif
