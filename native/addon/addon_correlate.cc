#include "addon/addon_correlate.h"

#include <cmath>
#include <new>
#include <string>

#include "locate/correlate.h"

namespace {

constexpr int kLongestSide = 65535;
constexpr double kMostValues = 2e8;

using Napi::CallbackInfo;

[[noreturn]] void refuse(const CallbackInfo& info, const std::string& message) {
  throw Napi::RangeError::New(info.Env(), message);
}

int integer(const CallbackInfo& info, int index, const char* name, int low, int high) {
  const double value = info[index].IsNumber() ? info[index].As<Napi::Number>().DoubleValue() : NAN;
  if (!(value >= low && value <= high) || value != std::floor(value)) {
    refuse(info, std::string("expected an integer from ") + std::to_string(low) + " to " + std::to_string(high) + " for " + name);
  }
  return static_cast<int>(value);
}

template <class Array>
Array array(const CallbackInfo& info, int index, napi_typedarray_type type, const char* name) {
  if (!info[index].IsTypedArray() || info[index].As<Napi::TypedArray>().TypedArrayType() != type) {
    throw Napi::TypeError::New(info.Env(), std::string("expected another type of array for ") + name);
  }
  return info[index].As<Array>();
}

/** Reads a plane from three arguments, starting at `index`: values, width, height. */
phorest::Plane plane(const CallbackInfo& info, int index) {
  const auto values = array<Napi::Float32Array>(info, index, napi_float32_array, "values");
  const int width = integer(info, index + 1, "width", 2, kLongestSide), height = integer(info, index + 2, "height", 2, kLongestSide);
  if (values.ElementLength() != static_cast<std::size_t>(width) * height) refuse(info, "expected width x height values");
  return {values.Data(), width, height};
}

Napi::Float32Array made(const CallbackInfo& info, double length) {
  if (length > kMostValues) refuse(info, "too many values for one call");
  return Napi::Float32Array::New(info.Env(), static_cast<std::size_t>(length));
}

/** (pixels, width, height, left, top, factor, columns, rows) -> columns x rows means. */
Napi::Value shrink(const CallbackInfo& info) {
  const int width = integer(info, 1, "width", 1, kLongestSide), height = integer(info, 2, "height", 1, kLongestSide);
  if (!info[0].IsTypedArray()) throw Napi::TypeError::New(info.Env(), "expected an array for pixels");
  const auto pixels = info[0].As<Napi::TypedArray>();
  const bool deep = pixels.TypedArrayType() == napi_uint16_array;
  if (!deep && pixels.TypedArrayType() != napi_uint8_array) {
    throw Napi::TypeError::New(info.Env(), "expected a Uint8Array or Uint16Array for pixels");
  }
  if (pixels.ElementLength() != static_cast<std::size_t>(width) * height) refuse(info, "expected width x height pixels");
  const void* data = deep ? static_cast<const void*>(pixels.As<Napi::Uint16Array>().Data())
                          : static_cast<const void*>(pixels.As<Napi::Uint8Array>().Data());
  const int left = integer(info, 3, "left", 0, width - 1), top = integer(info, 4, "top", 0, height - 1);
  const int factor = integer(info, 5, "factor", 1, 256);
  const int columns = integer(info, 6, "columns", 1, (width - left) / factor), rows = integer(info, 7, "rows", 1, (height - top) / factor);
  auto out = made(info, static_cast<double>(columns) * rows);
  phorest::shrink({data, width, height, deep}, left, top, factor, columns, rows, out.Data());
  return out;
}

/** (values, width, height, radius) -> as many values. */
Napi::Value flatten(const CallbackInfo& info) {
  const phorest::Plane from = plane(info, 0);
  const int radius = integer(info, 3, "radius", 1, kLongestSide);
  auto out = made(info, static_cast<double>(from.width) * from.height);
  phorest::Flattener().run(from, radius, out.Data());
  return out;
}

/** (values, width, height, lagX, lagY) -> [lagY + 1][2 lagX + 1]. */
Napi::Value autocorrelate(const CallbackInfo& info) {
  const phorest::Plane from = plane(info, 0);
  const int lagX = integer(info, 3, "lagX", 1, from.width - 1), lagY = integer(info, 4, "lagY", 1, from.height - 1);
  auto out = made(info, (lagY + 1.0) * (2.0 * lagX + 1));
  phorest::Autocorrelation().run(from, lagX, lagY, out.Data());
  return out;
}

/** (values, width, height, frames, columns, rows) -> [frame][row][column]. */
Napi::Value samplePatches(const CallbackInfo& info) {
  const phorest::Plane from = plane(info, 0);
  const auto frames = array<Napi::Float64Array>(info, 3, napi_float64_array, "frames");
  if (frames.ElementLength() % 6 != 0) refuse(info, "expected six numbers per frame");
  const int columns = integer(info, 4, "columns", 1, kLongestSide), rows = integer(info, 5, "rows", 1, kLongestSide);
  const std::size_t count = frames.ElementLength() / 6;
  auto out = made(info, static_cast<double>(count) * columns * rows);
  phorest::samplePatches(from, frames.Data(), count, columns, rows, out.Data());
  return out;
}

/** (patches, columns, rows, template, its width, its height) -> [patch][dy][dx]. */
Napi::Value correlatePatches(const CallbackInfo& info) {
  const auto patches = array<Napi::Float32Array>(info, 0, napi_float32_array, "patches");
  const int columns = integer(info, 1, "columns", 1, kLongestSide), rows = integer(info, 2, "rows", 1, kLongestSide);
  const phorest::Plane pattern = plane(info, 3);
  const std::size_t area = static_cast<std::size_t>(columns) * rows;
  if (patches.ElementLength() % area != 0) refuse(info, "expected columns x rows values per patch");
  if (pattern.width > columns || pattern.height > rows) refuse(info, "expected a template no larger than a patch");
  const std::size_t count = patches.ElementLength() / area;
  auto out = made(info, static_cast<double>(count) * (columns - pattern.width + 1) * (rows - pattern.height + 1));
  phorest::correlatePatches(patches.Data(), count, columns, rows, pattern, out.Data());
  return out;
}

/** Keeps C++ exceptions from reaching Node. */
template <Napi::Value (*Call)(const CallbackInfo&)>
Napi::Value guarded(const CallbackInfo& info) {
  try {
    return Call(info);
  } catch (const std::bad_alloc&) {
    throw Napi::Error::New(info.Env(), "not enough memory to look for the chip");
  }
}

}  // namespace

void defineCorrelation(Napi::Object exports) {
  const Napi::Env env = exports.Env();
  exports["shrink"] = Napi::Function::New<guarded<shrink>>(env, "shrink");
  exports["flatten"] = Napi::Function::New<guarded<flatten>>(env, "flatten");
  exports["autocorrelate"] = Napi::Function::New<guarded<autocorrelate>>(env, "autocorrelate");
  exports["samplePatches"] = Napi::Function::New<guarded<samplePatches>>(env, "samplePatches");
  exports["correlatePatches"] = Napi::Function::New<guarded<correlatePatches>>(env, "correlatePatches");
}
