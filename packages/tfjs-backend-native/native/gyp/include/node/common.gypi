{
  # Stands in for the file of this name in Node's header archive: node-gyp asks for it, node-api-headers has none,
  # and nothing may be downloaded while installing.
  "variables": {},
  "target_defaults": {
    "default_configuration": "Release",
    "configurations": {
      "Release": { "cflags": ["-O3"] },
      "Debug": { "cflags": ["-O0", "-g"] }
    },
    "cflags": ["-fPIC", "-pthread"],
    "cflags_cc": ["-fno-exceptions", "-fno-rtti"],
    "ldflags": ["-pthread"],
    "conditions": [
      ["OS=='mac'", {
        "xcode_settings": {
          "OTHER_LDFLAGS": ["-undefined dynamic_lookup"],
          "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
          "GCC_OPTIMIZATION_LEVEL": "3"
        }
      }]
    ]
  }
}
