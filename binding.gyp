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
      "include_dirs": ["native"],
      "sources": [
        "native/fit/fit.cc",
        "native/fit/fit_bank.cc",
        "native/fit/joint.cc",
        "native/fit/joint_error.cc",
        "native/fit/joint_choice.cc",
        "native/fit/joint_start.cc",
        "native/fit/tracking.cc",
        "native/fit/tracking_anchor.cc",
        "native/fit/tracking_camera.cc",
        "native/fit/tracking_descent.cc",
        "native/fit/tracking_error.cc",
        "native/fit/tracking_grains.cc",
        "native/fit/voigt.cc",
        "native/fit/fit_baseline.cc",
        "native/fit/fit_avx2.cc",
        "native/fit/fit_avx512.cc"
      ]
    },
    {
      # Apart from the measuring: it may fuse multiply and add, too.
      "target_name": "phorest_kinetics",
      "type": "static_library",
      "cflags": ["-fPIC", "-ffp-contract=fast", "-Wno-psabi"],
      "include_dirs": ["native"],
      "sources": [
        "native/kinetics/descent.cc",
        "native/kinetics/kinetics.cc",
        "native/kinetics/models.cc",
        "native/kinetics/noise.cc",
        "native/kinetics/problem.cc",
        "native/kinetics/profile.cc",
        "native/kinetics/separable.cc",
        "native/kinetics/start.cc"
      ]
    },
    {
      # Somebody else's good work, as it came: see native/third_party/libdeflate/README.md.
      "target_name": "phorest_inflate",
      "type": "static_library",
      "cflags": ["-fPIC", "-w"],
      "include_dirs": ["native/third_party/libdeflate"],
      "sources": [
        "native/third_party/libdeflate/lib/adler32.c",
        "native/third_party/libdeflate/lib/arm/cpu_features.c",
        "native/third_party/libdeflate/lib/crc32.c",
        "native/third_party/libdeflate/lib/deflate_decompress.c",
        "native/third_party/libdeflate/lib/utils.c",
        "native/third_party/libdeflate/lib/x86/cpu_features.c",
        "native/third_party/libdeflate/lib/zlib_decompress.c"
      ]
    },
    {
      "target_name": "phorest_kernel",
      "dependencies": ["phorest_fit", "phorest_inflate", "phorest_kinetics"],
      "cflags": ["-ffp-contract=off"],
      "cflags_cc!": ["-fno-exceptions"],
      "include_dirs": ["native", "<!(node -p \"require('node-addon-api').include_dir\")"],
      # Without the last one, a thread that is ended during a call ends the whole process: no exception reaches it any more.
      "defines": [
        "NAPI_VERSION=8",
        "NODE_ADDON_API_DISABLE_DEPRECATED",
        "NAPI_CPP_EXCEPTIONS",
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"
      ],
      "sources": [
        "native/addon/addon.cc",
        "native/addon/addon_correlate.cc",
        "native/addon/addon_jpeg.cc",
        "native/addon/addon_kinetics.cc",
        "native/addon/task_arguments.cc",
        "native/locate/autocorrelation.cc",
        "native/locate/correlate.cc",
        "native/image/decode_png.cc",
        "native/image/depth.cc",
        "native/measure/established_sign.cc",
        "native/image/image.cc",
        "native/image/jpeg_bits.cc",
        "native/image/jpeg_check.cc",
        "native/image/jpeg_scan.cc",
        "native/measure/kernel.cc",
        "native/statistics/median_error.cc",
        "native/measure/row_summary.cc",
        "native/measure/rows.cc",
        "native/measure/sample.cc",
        "native/statistics/statistics.cc",
        "native/image/unfilter.cc"
      ]
    }
  ]
}
