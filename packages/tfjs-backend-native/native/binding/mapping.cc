// mapFile, mappedBytes, mappedState: files that are used where they lie in the page cache.
#include "runtime/mapping.h"

#include <cerrno>

#include "binding/arguments.h"
#include "binding/families.h"
#include "runtime/write.h"

#if !defined(_WIN32)
namespace easel {
namespace {

void release_mapping(napi_env, void*, void* mapping) { static_cast<FileMapping*>(mapping)->release(); }

/// What an ArrayBuffer holds of a mapping.
struct Part {
  FileMapping* mapping;
  size_t bytes;
};

void release_part(napi_env, void* data, void* hint) {
  const Part* part = static_cast<Part*>(hint);
  stop_writing_from(data, part->bytes);
  part->mapping->release();
  delete part;
}

/// The mapping that mapFile returned.
FileMapping* mapping_of(Arguments& args, size_t index) {
  napi_valuetype type;
  void* mapping = nullptr;
  const bool good = args.ok() && napi_typeof(args.env(), args.value(index), &type) == napi_ok && type == napi_external &&
                    napi_get_value_external(args.env(), args.value(index), &mapping) == napi_ok;
  args.require(good && mapping != nullptr, "not a mapped file");
  return static_cast<FileMapping*>(mapping);
}

/// mapFile(file): a mapped file, or errno.
napi_value map_file(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "mapFile", 1);
  const int64_t file = args.size(0);
  if (!args.ok()) return nullptr;
  napi_value result;
  FileMapping* mapping = FileMapping::open(static_cast<int>(file));
  if (!mapping) return napi_create_int32(env, errno, &result) == napi_ok ? result : nullptr;
  if (napi_create_external(env, mapping, release_mapping, mapping, &result) == napi_ok) return result;
  mapping->release();
  return nullptr;
}

/// mappedBytes(mapping, position, bytes): an ArrayBuffer on the file's bytes.
napi_value mapped_bytes(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "mappedBytes", 3);
  FileMapping* mapping = mapping_of(args, 0);
  const int64_t position = args.size(1), bytes = args.size(2);
  if (!args.ok()) return nullptr;
  const int64_t size = static_cast<int64_t>(mapping->size());
  if (!args.require(bytes > 0 && bytes <= size && position <= size - bytes, "the bytes must lie inside the file")) return nullptr;
  if (!args.require(bytes <= int64_t{4} << 30, "at most 4 GiB")) return nullptr;
  mapping->read_ahead(static_cast<size_t>(position), static_cast<size_t>(bytes));
  mapping->retain();
  napi_value buffer;
  void* data = const_cast<uint8_t*>(mapping->data()) + position;
  Part* part = new Part{mapping, static_cast<size_t>(bytes)};
  if (napi_create_external_arraybuffer(env, data, part->bytes, release_part, part, &buffer) != napi_ok) {
    delete part;
    mapping->release();
    args.require(false, "this JavaScript engine refuses external array buffers");
    return nullptr;
  }
  return buffer;
}

/// mappedState(mapping): the number of a MappedState.
napi_value mapped_state(napi_env env, napi_callback_info info) {
  Arguments args(env, info, "mappedState", 1);
  const FileMapping* mapping = mapping_of(args, 0);
  napi_value result;
  if (!args.ok() || napi_create_int32(env, static_cast<int>(mapping->state()), &result) != napi_ok) return nullptr;
  return result;
}

}  // namespace

void register_mapping(napi_env env, napi_value exports) {
  export_function(env, exports, "mapFile", map_file);
  export_function(env, exports, "mappedBytes", mapped_bytes);
  export_function(env, exports, "mappedState", mapped_state);
}

}  // namespace easel
#else
namespace easel {
void register_mapping(napi_env, napi_value) {}
}  // namespace easel
#endif
