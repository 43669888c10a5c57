// The Node-API layer of the kernel: checks types and bounds, calls the kernel, returns typed arrays. No code outside of
// native/addon uses Node, and no C++ exception leaves it.
#include <napi.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <cmath>
#include <new>
#include <string>

#include "addon/addon_correlate.h"
#include "addon/addon_jpeg.h"
#include "addon/addon_kinetics.h"
#include "addon/arguments.h"
#include "addon/task_arguments.h"
#include "image/decode_png.h"
#include "measure/kernel.h"
#include "measure/row_summary.h"
#include "statistics/median_error.h"
#include "statistics/statistics.h"

namespace {

/** Version of the results. Raise it if the same image may give other numbers, so that no analysis mixes those of two kernels. */
constexpr int kVersion = 3;
/**
 * Version of the interface, as in src/native/kernel-binding.ts. Raise both whenever the arguments or results of a function
 * change.
 */
constexpr int kInterface = 2;
constexpr double kMostRows = 50e6;

using phorest::integer, phorest::kLongestSide, phorest::number, phorest::picture, phorest::refuseRange, phorest::refuseType, phorest::rois;

class Addon : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env, Napi::Object exports) {
    DefineAddon(exports, {InstanceMethod("measure", &Addon::Measure), InstanceMethod("depth", &Addon::DepthOf), InstanceMethod("decodePng", &Addon::DecodePng),
                          InstanceMethod("statistics", &Addon::Statistics),
                          InstanceMethod("summaries", &Addon::Summaries),
                          InstanceMethod("robustLine", &Addon::RobustLine),
                          InstanceMethod("version", &Addon::Version), InstanceMethod("limitArenas", &Addon::LimitArenas),
                          InstanceValue("interface", Napi::Number::New(exports.Env(), kInterface), napi_enumerable)});
    defineCorrelation(exports);
    defineJpegCheck(exports);
    defineKinetics(exports);
  }

 private:
  Napi::Value Version(const Napi::CallbackInfo& info) {
    return Napi::String::New(info.Env(), std::to_string(kVersion) + "/" + phorest::vectorUnit().name);
  }

  /** (number of arenas). Without glibc there are no arenas to limit. */
  Napi::Value LimitArenas(const Napi::CallbackInfo& info) {
    [[maybe_unused]] const int arenas = integer(info, 0, "arenas", 1, 64);
#ifdef __GLIBC__
    mallopt(M_ARENA_MAX, arenas);
#endif
    return info.Env().Undefined();
  }

  static bool isArray(const Napi::CallbackInfo& info, int index, napi_typedarray_type type) {
    return info[index].IsTypedArray() && info[index].As<Napi::TypedArray>().TypedArrayType() == type;
  }

  /** Reads the first four arguments: columns, status, rowStart, quantities. */
  static phorest::MeasuredRows measuredRows(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (!isArray(info, 0, napi_float64_array) || !isArray(info, 1, napi_uint8_array) || !isArray(info, 2, napi_int32_array)) {
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
    return {columns.Data(), status.Data(), rowStart.Data(), static_cast<int>(rois - 1), quantities};
  }

  /** (columns, status, rowStart, quantities) -> Float64Array [roi][quantity][kStatistics]. */
  Napi::Value Statistics(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const phorest::MeasuredRows rows = measuredRows(info);
    try {
      auto out = Napi::Float64Array::New(env, static_cast<std::size_t>(rows.rois) * rows.quantities * phorest::kStatistics);
      statistics_.run(rows, out.Data());
      return out;
    } catch (const std::bad_alloc&) {
      throw Napi::Error::New(env, "not enough memory for the statistics of a picture");
    }
  }

  /**
   * (columns, status, rowStart, quantities, standardError, explained, peakToNoise, position column, width column or -1,
   * rounding) -> Float64Array [roi][kRowSummary].
   */
  Napi::Value Summaries(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const phorest::MeasuredRows rows = measuredRows(info);
    const std::size_t count = info[1].As<Napi::Uint8Array>().ElementLength();
    const auto perRow = [&](int index) {
      const Napi::Float64Array values = rowsAt(info, index);
      if (values.ElementLength() != count) refuseRange(env, "expected one value per row in every array");
      return values.Data();
    };
    phorest::SummaryInput input{rows, perRow(4), perRow(5), perRow(6), 0, 0, 0};
    input.positionColumn = integer(info, 7, "the position's column", 0, rows.quantities - 1);
    input.widthColumn = integer(info, 8, "the width's column", -1, rows.quantities - 1);
    input.rounding = number(info, 9, "rounding");
    try {
      auto out = Napi::Float64Array::New(env, static_cast<std::size_t>(rows.rois) * phorest::kRowSummary);
      summaries_.run(input, reinterpret_cast<phorest::RowSummary*>(out.Data()));
      return out;
    } catch (const std::bad_alloc&) {
      throw Napi::Error::New(env, "not enough memory for the rows of a picture");
    }
  }

  static Napi::Float64Array rowsAt(const Napi::CallbackInfo& info, int index) {
    if (!info[index].IsTypedArray() || info[index].As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) {
      refuseType(info.Env(), "expected a Float64Array for rows");
    }
    return info[index].As<Napi::Float64Array>();
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

  /** (pixels, width, height, known) -> [saturation, full, largest, shift, top]. */
  Napi::Value DepthOf(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    try {
      const phorest::Picture given = picture(info);
      phorest::measureExposure(given, histogram_);
      return phorest::depthNumbers(env, phorest::decideDepth(histogram_, phorest::depthKnowledge(info, 3)));
    } catch (const std::bad_alloc&) {
      throw Napi::Error::New(env, "not enough memory to look at the picture");
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

  /**
   * (pixels, width, height, angleDegrees, rois, subRois, sampling, scaling, tasks, known depth, darkLevel or NaN) -> for each
   * task, the fields of KernelAnswer.
   */
  Napi::Value Measure(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    try {
      phorest::KernelRequest request;
      request.picture = picture(info);
      request.angleDegrees = number(info, 3, "angleDegrees");
      if (!std::isfinite(request.angleDegrees)) refuseRange(env, "expected a finite angleDegrees");
      request.subRois = integer(info, 5, "subRois", 0, kLongestSide);
      request.sampling = static_cast<phorest::Sampling>(integer(info, 6, "sampling", 0, 1));
      request.scaling = static_cast<phorest::BitDepthScaling>(integer(info, 7, "bitDepthScaling", 0, 1));
      request.rois = rois(info, request.sampling == phorest::Sampling::established);
      if (!info[8].IsArray()) refuseType(env, "expected an array for tasks");
      const auto tasks = info[8].As<Napi::Array>();
      for (std::uint32_t index = 0; index < tasks.Length(); ++index) request.tasks.push_back(phorest::kernelTask(tasks.Get(index), request.rois));
      request.depth = phorest::depthKnowledge(info, 9);
      request.darkLevel = number(info, 10, "darkLevel");
      if (std::isinf(request.darkLevel)) refuseRange(env, "expected a finite darkLevel, or NaN");
      return answers(env, request);
    } catch (const std::bad_alloc&) {
      throw Napi::Error::New(env, "not enough memory to measure the picture");
    }
  }

  Napi::Value answers(Napi::Env env, const phorest::KernelRequest& request) {
    std::vector<phorest::KernelAnswer> out;
    auto results = Napi::Array::New(env, request.tasks.size());
    for (std::size_t index = 0; index < request.tasks.size(); ++index) {
      auto result = Napi::Object::New(env);
      out.push_back(room(env, request, request.tasks[index], result));
      results[static_cast<std::uint32_t>(index)] = result;
    }
    const phorest::Depth depth = kernel_.measure(request, out.data());
    for (std::size_t index = 0; index < request.tasks.size(); ++index) {
      auto result = results.Get(static_cast<std::uint32_t>(index)).As<Napi::Object>();
      result["brightness"] = out[index].brightness;
      result["contrast"] = out[index].contrast;
      result["depth"] = phorest::depthNumbers(env, depth);
    }
    return results;
  }

  /** Allocates the arrays for the answer of a task, which become fields of `result`. */
  static phorest::KernelAnswer room(Napi::Env env, const phorest::KernelRequest& request, const phorest::KernelTask& task,
                                    Napi::Object& result) {
    const std::size_t count = request.rois.size();
    double total = 0;
    for (const phorest::Roi& roi : request.rois) total += request.answersOf(task, roi);
    if (total > kMostRows) refuseRange(env, "the ROIs have " + std::to_string(total) + " rows, too many for one picture");
    const auto rows = static_cast<std::size_t>(total);
    auto rowStart = Napi::Int32Array::New(env, count + 1);
    rowStart[0] = 0;
    for (std::size_t i = 0; i < count; ++i) rowStart[i + 1] = rowStart[i] + request.answersOf(task, request.rois[i]);
    result["rowStart"] = rowStart;
    const auto numbers = [&](const char* name, std::size_t length) {
      auto array = Napi::Float64Array::New(env, length);
      result[name] = array;
      return array.Data();
    };
    const auto bytes = [&](const char* name, std::size_t length) {
      auto array = Napi::Uint8Array::New(env, length);
      result[name] = array;
      return array.Data();
    };
    phorest::KernelAnswer answer{};
    answer.rowStart = rowStart.Data();
    answer.columns = numbers("columns", rows * phorest::columnsOf(task.method));
    answer.standardError = numbers("standardError", rows);
    answer.explained = numbers("explained", rows);
    answer.peakToNoise = numbers("peakToNoise", rows);
    answer.status = bytes("status", rows);
    answer.saturated = numbers("saturated", count);
    answer.residualDistance = numbers("residualDistancePx", count);
    if (task.takesWhole()) {
      answer.lines = bytes("lines", count);
      answer.lineScores = numbers("lineScores", count * phorest::kLines);
      answer.lineShare = numbers("lineShare", count);
    }
    if (task.findsForms) answer.forms = bytes("forms", rows);
    if (task.method == phorest::Method::tracking) {
      answer.joined = bytes("joined", count);
      answer.doubts = bytes("doubts", count);
    }
    return answer;
  }

  phorest::Kernel kernel_;
  phorest::PngDecoder png_;
  phorest::RowStatistics statistics_;
  phorest::RowSummaries summaries_;
  phorest::MedianError medianError_;
  std::vector<std::uint32_t> histogram_;
};

}  // namespace

NODE_API_ADDON(Addon)
