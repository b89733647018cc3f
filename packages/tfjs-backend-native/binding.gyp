{
  # Sources are listed by native/gyp/sources.mjs, so that a new family or binding file needs no edit here.
  "variables": { "napi_include%": "<!(node -p \"require('node-api-headers').include_dir\")" },
  "target_defaults": {
    "cflags_cc!": ["-std=gnu++17", "-std=gnu++20"],
    "cflags_cc": ["-std=c++17"],
    "cflags": ["-fvisibility=hidden", "-Wall", "-Wextra"],
    "include_dirs": ["<(napi_include)", "native"],
    "defines": ["NAPI_VERSION=8"]
  },
  "targets": [
    {
      "target_name": "kernels_serial",
      "type": "static_library",
      "sources": ["<!@(node native/gyp/sources.mjs serial)"]
    },
    {
      "target_name": "tfjs_backend_native",
      "dependencies": ["kernels_serial"],
      "sources": ["<!@(node native/gyp/sources.mjs portable)"],
      # The pool's threads outlive the environment that made them: a worker's end must not unmap their code.
      "conditions": [
        ["OS=='linux'", { "ldflags": ["-Wl,-z,nodelete"] }],
        ["target_arch=='x64'", { "dependencies": ["kernels_avx2", "kernels_avx512"] }],
        ["target_arch=='arm64'", { "dependencies": ["kernels_neon"] }]
      ]
    }
  ],
  "conditions": [
    ["target_arch=='x64'", {
      "targets": [
        {
          "target_name": "kernels_avx2",
          "type": "static_library",
          "sources": ["<!@(node native/gyp/sources.mjs avx2)"],
          "cflags": ["-mavx2", "-mfma", "-mf16c"],
          "xcode_settings": { "OTHER_CFLAGS": ["-mavx2", "-mfma", "-mf16c"] }
        },
        {
          "target_name": "kernels_avx512",
          "type": "static_library",
          "sources": ["<!@(node native/gyp/sources.mjs avx512)"],
          "cflags": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx2", "-mfma", "-mf16c", "-mprefer-vector-width=512"],
          "xcode_settings": { "OTHER_CFLAGS": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx2", "-mfma", "-mf16c"] }
        }
      ]
    }],
    # NEON with fused multiply-add belongs to the base of AArch64: no flags, so that one binary runs on every core.
    ["target_arch=='arm64'", {
      "targets": [
        {
          "target_name": "kernels_neon",
          "type": "static_library",
          "sources": ["<!@(node native/gyp/sources.mjs neon)"]
        }
      ]
    }]
  ]
}
