// The Node-API shell of the kernel: checks types and bounds, calls it, returns typed arrays. Nothing else may touch
// Node, and no C++ exception gets past it.
#include <napi.h>

#include <cmath>
#include <new>
#include <string>

#include "addon_correlate.h"
#include "decode_png.h"
#include "kernel.h"
#include "median_error.h"
#include "statistics.h"

namespace {

constexpr int kVersion = 1;
constexpr double kFarthest = 2e5;  // px; coordinates beyond are mistakes, and established integer positions would overflow
constexpr int kLongestSide = 65535;
constexpr double kMostRows = 50e6;
constexpr int kRoiNumbers = 5;

[[noreturn]] void refuseType(Napi::Env env, const std::string& message) { throw Napi::TypeError::New(env, message); }
[[noreturn]] void refuseRange(Napi::Env env, const std::string& message) { throw Napi::RangeError::New(env, message); }

double number(const Napi::CallbackInfo& info, int index, const char* name) {
  if (!info[index].IsNumber()) refuseType(info.Env(), std::string("expected a number for ") + name);
  return info[index].As<Napi::Number>().DoubleValue();
}

int integer(const Napi::CallbackInfo& info, int index, const char* name, int low, int high) {
  const double value = number(info, index, name);
  if (!(value >= low && value <= high) || value != std::floor(value)) {
    refuseRange(info.Env(), std::string("expected an integer from ") + std::to_string(low) + " to " + std::to_string(high) +
                                " for " + name + ", received " + std::to_string(value));
  }
  return static_cast<int>(value);
}

phorest::Picture picture(const Napi::CallbackInfo& info) {
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

std::vector<phorest::Roi> rois(const Napi::CallbackInfo& info, bool wholePixels) {
  const Napi::Env env = info.Env();
  if (!info[4].IsTypedArray() || info[4].As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) {
    refuseType(env, "expected a Float64Array for rois");
  }
  const auto numbers = info[4].As<Napi::Float64Array>();
  if (numbers.ElementLength() % kRoiNumbers != 0) refuseRange(env, "expected five numbers per ROI in rois");
  std::vector<phorest::Roi> list;
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

class Addon : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env, Napi::Object exports) {
    DefineAddon(exports, {InstanceMethod("measure", &Addon::Measure), InstanceMethod("decodePng", &Addon::DecodePng),
                          InstanceMethod("statistics", &Addon::Statistics),
                          InstanceMethod("medianError", &Addon::MedianErrorOf),
                          InstanceMethod("robustLine", &Addon::RobustLine),
                          InstanceMethod("version", &Addon::Version)});
    defineCorrelation(exports);
  }

 private:
  Napi::Value Version(const Napi::CallbackInfo& info) {
    return Napi::String::New(info.Env(), std::to_string(kVersion) + "/" + phorest::vectorUnit().name);
  }

  /** (columns, status, rowStart, quantities) -> Float64Array [roi][quantity][kStatistics]. */
  Napi::Value Statistics(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const auto isArray = [&info](int index, napi_typedarray_type type) {
      return info[index].IsTypedArray() && info[index].As<Napi::TypedArray>().TypedArrayType() == type;
    };
    if (!isArray(0, napi_float64_array) || !isArray(1, napi_uint8_array) || !isArray(2, napi_int32_array)) {
      refuseType(env, "expected a Float64Array, a Uint8Array and an Int32Array for columns, status and rowStart");
    }
    const auto columns = info[0].As<Napi::Float64Array>();
    const auto status = info[1].As<Napi::Uint8Array>();
    const auto rowStart = info[2].As<Napi::Int32Array>();
    const int quantities = integer(info, 3, "quantities", 1, 16);
    const std::size_t rows = status.ElementLength(), rois = rowStart.ElementLength();
    if (columns.ElementLength() != rows * quantities) refuseRange(env, "expected every quantity of every row in columns");
    bool ascending = rois > 0 && rowStart[0] >= 0 && static_cast<std::size_t>(rowStart[rois - 1]) <= rows;
    for (std::size_t i = 1; i < rois; ++i) ascending = ascending && rowStart[i - 1] <= rowStart[i];
    if (!ascending) refuseRange(env, "expected ascending rows in rowStart");
    try {
      auto out = Napi::Float64Array::New(env, (rois - 1) * quantities * phorest::kStatistics);
      statistics_.run({columns.Data(), status.Data(), rowStart.Data(), static_cast<int>(rois - 1), quantities}, out.Data());
      return out;
    } catch (const std::bad_alloc&) {
      throw Napi::Error::New(env, "not enough memory for the statistics of a picture");
    }
  }

  static Napi::Float64Array rowsAt(const Napi::CallbackInfo& info, int index) {
    if (!info[index].IsTypedArray() || info[index].As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) {
      refuseType(info.Env(), "expected a Float64Array for rows");
    }
    return info[index].As<Napi::Float64Array>();
  }

  /** (positions, rowErrors, rounding, position) -> px. */
  Napi::Value MedianErrorOf(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const Napi::Float64Array positions = rowsAt(info, 0), errors = rowsAt(info, 1);
    const std::size_t rows = positions.ElementLength();
    if (errors.ElementLength() != rows || rows > kMostRows) refuseRange(env, "expected an error for every position");
    const double rounding = number(info, 2, "rounding"), position = number(info, 3, "position");
    try {
      return Napi::Number::New(
          env, medianError_.of(positions.Data(), errors.Data(), static_cast<int>(rows), rounding, position));
    } catch (const std::bad_alloc&) {
      throw Napi::Error::New(env, "not enough memory for the rows of an ROI");
    }
  }

  /** (positions) -> [start, slope]. */
  Napi::Value RobustLine(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const Napi::Float64Array positions = rowsAt(info, 0);
    if (positions.ElementLength() > kMostRows) refuseRange(env, "too many rows for one ROI");
    try {
      const auto line = medianError_.robustLine(positions.Data(), static_cast<int>(positions.ElementLength()));
      auto result = Napi::Array::New(env, 2);
      result.Set(0U, line.start);
      result.Set(1U, line.slope);
      return result;
    } catch (const std::bad_alloc&) {
      throw Napi::Error::New(env, "not enough memory for the rows of an ROI");
    }
  }

  /** (bytes) -> {pixels, width, height, bitDepth}, or undefined for files that are not for PngDecoder. */
  Napi::Value DecodePng(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (!info[0].IsTypedArray() || info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
      refuseType(env, "expected a Uint8Array for bytes");
    }
    const auto bytes = info[0].As<Napi::Uint8Array>();
    try {
      phorest::PngPicture picture;
      if (!png_.open(bytes.Data(), bytes.ElementLength(), picture)) return env.Undefined();
      auto memory = Napi::ArrayBuffer::New(env, picture.storedBytes());
      if (!png_.read(picture, static_cast<std::uint8_t*>(memory.Data()))) return env.Undefined();
      const std::size_t pixels = static_cast<std::size_t>(picture.width) * picture.height;
      auto result = Napi::Object::New(env);
      if (picture.deep) {
        result["pixels"] = Napi::Uint16Array::New(env, pixels, memory, 0);
      } else {
        result["pixels"] = Napi::Uint8Array::New(env, pixels, memory, 0);
      }
      result["width"] = picture.width;
      result["height"] = picture.height;
      result["bitDepth"] = picture.deep ? 16 : 8;
      return result;
    } catch (const std::bad_alloc&) {
      throw Napi::Error::New(env, "not enough memory to decode the picture");
    }
  }

  /** (pixels, width, height, angleDegrees, rois, method, subRois, sampling, scaling, jointLine, and to track
   *  anchors, reference, grow) -> the fields of KernelAnswer. */
  Napi::Value Measure(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    try {
      phorest::KernelRequest request;
      request.picture = picture(info);
      request.angleDegrees = number(info, 3, "angleDegrees");
      if (!std::isfinite(request.angleDegrees)) refuseRange(env, "expected a finite angleDegrees");
      request.method = static_cast<phorest::Method>(integer(info, 5, "method", 0, 5));
      request.subRois = integer(info, 6, "subRois", 0, kLongestSide);
      request.sampling = static_cast<phorest::Sampling>(integer(info, 7, "sampling", 0, 1));
      request.scaling = static_cast<phorest::BitDepthScaling>(integer(info, 8, "bitDepthScaling", 0, 1));
      request.jointLine = static_cast<phorest::Line>(integer(info, 9, "jointLine", 0, 1));
      request.rois = rois(info, request.sampling == phorest::Sampling::established);
      if (request.method == phorest::Method::tracking) takeReference(info, request);
      return answer(env, request);
    } catch (const std::bad_alloc&) {
      throw Napi::Error::New(env, "not enough memory to measure the picture");
    }
  }

  /** Where tracking reads its references, and writes them when they are to grow. */
  void takeReference(const Napi::CallbackInfo& info, phorest::KernelRequest& request) {
    const Napi::Env env = info.Env();
    const auto isArray = [&info](int index, napi_typedarray_type type) {
      return info[index].IsTypedArray() && info[index].As<Napi::TypedArray>().TypedArrayType() == type;
    };
    if (!isArray(10, napi_float64_array) || !isArray(11, napi_uint16_array) || !info[12].IsBoolean()) {
      refuseType(env, "expected a Float64Array, a Uint16Array and a boolean for anchors, reference and grow");
    }
    auto anchors = info[10].As<Napi::Float64Array>();
    auto pixels = info[11].As<Napi::Uint16Array>();
    std::size_t count = 0;
    for (const phorest::Roi& roi : request.rois) count += static_cast<std::size_t>(roi.width) * roi.height;
    if (anchors.ElementLength() != request.rois.size() * phorest::kAnchorNumbers || pixels.ElementLength() != count) {
      refuseRange(env, "expected " + std::to_string(phorest::kAnchorNumbers) + " anchor numbers per ROI and " +
                           std::to_string(count) + " reference pixels");
    }
    request.anchors = reinterpret_cast<phorest::Anchor*>(anchors.Data());
    request.reference = pixels.Data();
    request.grow = info[12].As<Napi::Boolean>().Value();
  }

  Napi::Value answer(Napi::Env env, const phorest::KernelRequest& request) {
    const std::size_t count = request.rois.size();
    double total = 0;
    for (const phorest::Roi& roi : request.rois) total += request.answersOf(roi);
    if (total > kMostRows) refuseRange(env, "the ROIs have " + std::to_string(total) + " rows, too many for one picture");
    const auto rows = static_cast<std::size_t>(total);
    auto rowStart = Napi::Int32Array::New(env, count + 1);
    rowStart[0] = 0;
    for (std::size_t i = 0; i < count; ++i) rowStart[i + 1] = rowStart[i] + request.answersOf(request.rois[i]);
    auto columns = Napi::Float64Array::New(env, rows * phorest::columnsOf(request.method));
    auto standardError = Napi::Float64Array::New(env, rows);
    auto explained = Napi::Float64Array::New(env, rows);
    auto peakToNoise = Napi::Float64Array::New(env, rows);
    auto status = Napi::Uint8Array::New(env, rows);
    auto saturated = Napi::Float64Array::New(env, count);
    auto residualDistance = Napi::Float64Array::New(env, count);
    auto joined = Napi::Uint8Array::New(env, count);
    phorest::KernelAnswer out{rowStart.Data(),    columns.Data(), standardError.Data(), explained.Data(),
                              peakToNoise.Data(), status.Data(),  saturated.Data(),     residualDistance.Data(),
                              joined.Data(),      0,              0};
    kernel_.measure(request, out);
    auto result = Napi::Object::New(env);
    result["rowStart"] = rowStart;
    result["columns"] = columns;
    result["standardError"] = standardError;
    result["explained"] = explained;
    result["peakToNoise"] = peakToNoise;
    result["status"] = status;
    result["saturated"] = saturated;
    result["residualDistancePx"] = residualDistance;
    if (request.method == phorest::Method::tracking) result["joined"] = joined;
    result["brightness"] = out.brightness;
    result["contrast"] = out.contrast;
    return result;
  }

  phorest::Kernel kernel_;
  phorest::PngDecoder png_;
  phorest::RowStatistics statistics_;
  phorest::MedianError medianError_;
};

}  // namespace

NODE_API_ADDON(Addon)
