{
  # The C++ kernel. The line fits are a library of their own because only they may fuse multiply and add: the sampling
  # has to round exactly as the integer models it reproduces.
  "target_defaults": {
    "cflags": ["-O3", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"],
    "cflags!": ["-O2"],
    "cflags_cc": ["-std=c++20"],
    "cflags_cc!": ["-std=gnu++17", "-std=gnu++20"]
  },
  "targets": [
    {
      "target_name": "phorest_fit",
      "type": "static_library",
      "cflags": ["-fPIC", "-ffp-contract=fast"],
      "sources": [
        "native/fit.cc",
        "native/fit_bank.cc",
        "native/joint.cc",
        "native/joint_error.cc",
        "native/joint_choice.cc",
        "native/joint_start.cc",
        "native/tracking.cc",
        "native/tracking_anchor.cc",
        "native/tracking_descent.cc",
        "native/tracking_error.cc",
        "native/tracking_grains.cc",
        "native/voigt.cc",
        "native/fit_baseline.cc",
        "native/fit_avx2.cc",
        "native/fit_avx512.cc"
      ]
    },
    {
      # Somebody else's good work, as it came: see native/libdeflate/README.md.
      "target_name": "phorest_inflate",
      "type": "static_library",
      "cflags": ["-fPIC", "-w"],
      "include_dirs": ["native/libdeflate"],
      "sources": [
        "native/libdeflate/lib/adler32.c",
        "native/libdeflate/lib/arm/cpu_features.c",
        "native/libdeflate/lib/crc32.c",
        "native/libdeflate/lib/deflate_decompress.c",
        "native/libdeflate/lib/utils.c",
        "native/libdeflate/lib/x86/cpu_features.c",
        "native/libdeflate/lib/zlib_decompress.c"
      ]
    },
    {
      "target_name": "phorest_kernel",
      "dependencies": ["phorest_fit", "phorest_inflate"],
      "cflags": ["-ffp-contract=off"],
      "cflags_cc!": ["-fno-exceptions"],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_DISABLE_DEPRECATED", "NAPI_CPP_EXCEPTIONS"],
      "sources": [
        "native/addon.cc",
        "native/addon_correlate.cc",
        "native/addon_jpeg.cc",
        "native/autocorrelation.cc",
        "native/correlate.cc",
        "native/decode_png.cc",
        "native/depth.cc",
        "native/established_sign.cc",
        "native/image.cc",
        "native/jpeg_bits.cc",
        "native/jpeg_check.cc",
        "native/kernel.cc",
        "native/median_error.cc",
        "native/row_summary.cc",
        "native/rows.cc",
        "native/sample.cc",
        "native/statistics.cc",
        "native/unfilter.cc"
      ]
    }
  ]
}
