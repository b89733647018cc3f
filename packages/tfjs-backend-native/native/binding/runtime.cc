// allocate, discard, preferHugePages, keepFreedMemory, status and the switches for CPU target and
// threads.
#include <atomic>

#include "binding/arguments.h"
#include "binding/families.h"
#include "kernels/peak/peak.h"
#include "runtime/block.h"
#include "runtime/cpu.h"
#include "runtime/threads.h"
#include "runtime/write.h"

namespace easel {
namespace {

std::atomic<int64_t> live_blocks{0};
std::atomic<int64_t> live_bytes{0};

void forget_block(napi_env env, void* block, void* hint) {
  const int64_t bytes = static_cast<int64_t>(reinterpret_cast<intptr_t>(hint));
  stop_writing_from(block, static_cast<size_t>(bytes));
  free_block(block);
  live_blocks.fetch_sub(1);
  live_bytes.fetch_sub(bytes);
  int64_t total;
  napi_adjust_external_memory(env, -bytes, &total);
}

/// For a larger block, napi_create_external_arraybuffer ends the process: V8 of Node 20 limits
/// external backing stores to 4 GiB.
constexpr int64_t most_block_bytes = int64_t{4} << 30;

/// allocate(bytes): an ArrayBuffer, uninitialised and 64-byte aligned. The garbage collector frees
/// it.
napi_value allocate(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "allocate", 1);
  const int64_t bytes = args.size(0);
  if (!args.require(bytes > 0 && bytes <= most_block_bytes, "bytes must be 1 to 4 GiB")) return nullptr;
  void* block = allocate_block(static_cast<size_t>(bytes));
  if (!args.require(block != nullptr, "out of memory")) return nullptr;
  napi_value buffer;
  if (napi_create_external_arraybuffer(env, block, static_cast<size_t>(bytes), forget_block,
                                       reinterpret_cast<void*>(static_cast<intptr_t>(bytes)), &buffer) != napi_ok) {
    free_block(block);
    args.require(false, "this JavaScript engine refuses external array buffers");
    return nullptr;
  }
  live_blocks.fetch_add(1);
  live_bytes.fetch_add(bytes);
  int64_t total;
  napi_adjust_external_memory(env, bytes, &total);
  return buffer;
}

/// discard(buffer): detaches an ArrayBuffer. Its pages go back to the system at once, the rest when
/// the engine lets go of it.
napi_value discard(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "discard", 1);
  void* data = nullptr;
  size_t bytes = 0;
  if (!args.array_buffer(0, &data, &bytes)) return nullptr;
  if (bytes > 0) discard_block(data, bytes);  // first: detaching may free it
  args.require(napi_detach_arraybuffer(env, args.value(0)) == napi_ok, "the buffer cannot be detached");
  return nullptr;
}

/// preferHugePages(buffer): for an ArrayBuffer of any origin that is about to be written for the
/// first time.
napi_value prefer_huge_pages_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "preferHugePages", 1);
  void* data = nullptr;
  size_t bytes = 0;
  if (args.array_buffer(0, &data, &bytes)) prefer_huge_pages(data, bytes);
  return nullptr;
}

/// keepFreedMemory()
napi_value keep_freed_memory_binding(napi_env, napi_callback_info) {
  keep_freed_memory();
  return nullptr;
}

void set_string(napi_env env, napi_value object, const char* name, const char* text) {
  napi_value value;
  if (napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value) == napi_ok) {
    napi_set_named_property(env, object, name, value);
  }
}

void set_number(napi_env env, napi_value object, const char* name, double number) {
  napi_value value;
  if (napi_create_double(env, number, &value) == napi_ok) napi_set_named_property(env, object, name, value);
}

/// status(): { cpu, target, targets, threads, liveBlocks, liveBytes }. Blocks and bytes are those
/// of all environments.
napi_value status(napi_env env, napi_callback_info) {
  napi_value object, targets;
  if (napi_create_object(env, &object) != napi_ok || napi_create_array(env, &targets) != napi_ok) return nullptr;
  set_string(env, object, "cpu", cpu_name());
  set_string(env, object, "target", target_name(current_target()));
  uint32_t count = 0;
  for (int t = 0; t < target_count; t++) {
    if (!supports(static_cast<Target>(t))) continue;
    napi_value name;
    if (napi_create_string_utf8(env, target_name(static_cast<Target>(t)), NAPI_AUTO_LENGTH, &name) == napi_ok) {
      napi_set_element(env, targets, count++, name);
    }
  }
  napi_set_named_property(env, object, "targets", targets);
  set_number(env, object, "threads", thread_count());
  set_number(env, object, "liveBlocks", static_cast<double>(live_blocks.load()));
  set_number(env, object, "liveBytes", static_cast<double>(live_bytes.load()));
  return object;
}

/// hugePages(): [whether they are asked for (1 or 0), ms with, ms without]; see runtime/block.h.
napi_value huge_pages_binding(napi_env env, napi_callback_info) {
  const HugePages found = huge_pages();
  const double values[] = {found.advised ? 1.0 : 0.0, found.with_ms, found.without_ms};
  napi_value array;
  if (napi_create_array(env, &array) != napi_ok) return nullptr;
  for (uint32_t i = 0; i < 3; i++) {
    napi_value value;
    if (napi_create_double(env, values[i], &value) == napi_ok) napi_set_element(env, array, i, value);
  }
  return array;
}

/// setTarget(index): switches to an instruction set, given by its number in Target of
/// runtime/cpu.h. Returns the previous one's number. Throws RangeError if this machine cannot run
/// it.
napi_value set_target_binding(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "setTarget", 1);
  const int64_t wanted = args.size(0);
  if (!args.require(wanted < target_count && supports(static_cast<Target>(wanted)), "this machine cannot run that target")) {
    return nullptr;
  }
  napi_value previous;
  napi_create_int32(env, static_cast<int>(current_target()), &previous);
  set_target(static_cast<Target>(wanted));
  return previous;
}

/// setThreads(count): returns the previous count.
napi_value set_threads(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "setThreads", 1);
  const int64_t count = args.size(0);
  if (!args.require(count >= 1 && count <= 256, "count must be 1 to 256")) return nullptr;
  napi_value previous;
  napi_create_int32(env, thread_count(), &previous);
  set_thread_count(static_cast<int>(count));
  return previous;
}

/// multiplyAddPeak(): floating-point operations a second of all threads, measured in 40 ms.
napi_value multiply_add_peak_binding(napi_env env, napi_callback_info) {
  napi_value result;
  return napi_create_double(env, multiply_add_peak(), &result) == napi_ok ? result : nullptr;
}

}  // namespace

void register_runtime(napi_env env, napi_value exports) {
  export_function(env, exports, "allocate", allocate);
  export_function(env, exports, "discard", discard);
  export_function(env, exports, "preferHugePages", prefer_huge_pages_binding);
  export_function(env, exports, "keepFreedMemory", keep_freed_memory_binding);
  export_function(env, exports, "hugePages", huge_pages_binding);
  export_function(env, exports, "status", status);
  export_function(env, exports, "setTarget", set_target_binding);
  export_function(env, exports, "setThreads", set_threads);
  export_function(env, exports, "multiplyAddPeak", multiply_add_peak_binding);
}

}  // namespace easel
