// Checks the types and bounds of JavaScript arguments, so that the code behind need not check them.
#pragma once
#include <napi.h>

#include <cmath>
#include <iterator>
#include <string>
#include <vector>

#include "measure/kernel.h"

namespace phorest {

constexpr double kFarthest = 2e5;  // px; larger coordinates are mistakes, and would overflow established integer positions
constexpr int kLongestSide = 65535;
constexpr int kRoiNumbers = 5;

[[noreturn]] inline void refuseType(Napi::Env env, const std::string& message) { throw Napi::TypeError::New(env, message); }
[[noreturn]] inline void refuseRange(Napi::Env env, const std::string& message) { throw Napi::RangeError::New(env, message); }

inline double number(const Napi::CallbackInfo& info, int index, const char* name) {
  if (!info[index].IsNumber()) refuseType(info.Env(), std::string("expected a number for ") + name);
  return info[index].As<Napi::Number>().DoubleValue();
}

inline int integer(const Napi::CallbackInfo& info, int index, const char* name, int low, int high) {
  const double value = number(info, index, name);
  if (!(value >= low && value <= high) || value != std::floor(value)) {
    refuseRange(info.Env(), std::string("expected an integer from ") + std::to_string(low) + " to " + std::to_string(high) +
                                " for " + name + ", received " + std::to_string(value));
  }
  return static_cast<int>(value);
}

inline Picture picture(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsTypedArray()) refuseType(env, "expected a Uint8Array or Uint16Array for pixels");
  const auto array = info[0].As<Napi::TypedArray>();
  const bool deep = array.TypedArrayType() == napi_uint16_array;
  if (!deep && array.TypedArrayType() != napi_uint8_array) {
    refuseType(env, "expected a Uint8Array or Uint16Array for pixels");
  }
  const int width = integer(info, 1, "width", 1, kLongestSide), height = integer(info, 2, "height", 1, kLongestSide);
  const std::size_t expected = static_cast<std::size_t>(width) * height;
  if (array.ElementLength() != expected) {
    refuseRange(env, "expected " + std::to_string(expected) + " pixels for " + std::to_string(width) + " x " +
                         std::to_string(height) + ", received " + std::to_string(array.ElementLength()));
  }
  const void* pixels = deep ? static_cast<const void*>(array.As<Napi::Uint16Array>().Data())
                            : static_cast<const void*>(array.As<Napi::Uint8Array>().Data());
  return {pixels, width, height, deep};
}

/** Reads what is known about an image's depth: [bits, largest, shift, top]. */
inline DepthKnowledge depthKnowledge(const Napi::CallbackInfo& info, int index) {
  const Napi::Env env = info.Env();
  if (!info[index].IsTypedArray() || info[index].As<Napi::TypedArray>().TypedArrayType() != napi_int32_array) {
    refuseType(env, "expected an Int32Array for what is known of the depth");
  }
  const auto given = info[index].As<Napi::Int32Array>();
  const int most[] = {16, 65535, 16, 65535};
  if (given.ElementLength() != std::size(most)) refuseRange(env, "expected four numbers for what is known of the depth");
  for (std::size_t i = 0; i < std::size(most); ++i) {
    if (given[i] < 0 || given[i] > most[i]) refuseRange(env, "expected other numbers for what is known of the depth");
  }
  return {given[0], given[1], given[2], given[3]};
}

/** Returns the depth as numbers: saturation, full, largest, shift, top. */
inline Napi::Int32Array depthNumbers(Napi::Env env, const Depth& depth) {
  auto numbers = Napi::Int32Array::New(env, 5);
  numbers[0] = depth.saturation;
  numbers[1] = depth.full;
  numbers[2] = depth.series.largest;
  numbers[3] = depth.series.shift;
  numbers[4] = depth.series.top;
  return numbers;
}

inline std::vector<Roi> rois(const Napi::CallbackInfo& info, bool wholePixels) {
  const Napi::Env env = info.Env();
  if (!info[4].IsTypedArray() || info[4].As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) {
    refuseType(env, "expected a Float64Array for rois");
  }
  const auto numbers = info[4].As<Napi::Float64Array>();
  if (numbers.ElementLength() % kRoiNumbers != 0) refuseRange(env, "expected five numbers per ROI in rois");
  std::vector<Roi> list;
  list.reserve(numbers.ElementLength() / kRoiNumbers);
  for (std::size_t i = 0; i < numbers.ElementLength(); i += kRoiNumbers) {
    const double* roi = numbers.Data() + i;
    const std::string where = " in ROI " + std::to_string(i / kRoiNumbers);
    const auto isCoordinate = [wholePixels](double value) {
      return std::fabs(value) <= kFarthest && (!wholePixels || value == std::floor(value));
    };
    const auto isSide = [](double value) { return value >= 1 && value <= kLongestSide && value == std::floor(value); };
    if (!isCoordinate(roi[0]) || !isCoordinate(roi[1])) {
      refuseRange(env, std::string("expected y and x to be ") + (wholePixels ? "whole pixels" : "numbers") +
                           " of at most " + std::to_string(static_cast<int>(kFarthest)) + where);
    }
    if (!isSide(roi[2]) || !isSide(roi[3])) {
      refuseRange(env, "expected height and width to be integers from 1 to " + std::to_string(kLongestSide) + where);
    }
    if (roi[4] != 0 && roi[4] != 1) refuseRange(env, "expected flip to be 0 or 1" + where);
    list.push_back({roi[0], roi[1], static_cast<int>(roi[2]), static_cast<int>(roi[3]), roi[4] == 1});
  }
  return list;
}

}  // namespace phorest
