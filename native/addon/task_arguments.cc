#include "addon/task_arguments.h"

#include <cmath>
#include <string>

#include "addon/arguments.h"

namespace phorest {
namespace {

int choice(Napi::Env env, const Napi::Value& value, const char* name, int most) {
  const double chosen = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  if (!(chosen >= 0 && chosen <= most) || chosen != std::floor(chosen)) {
    refuseRange(env, std::string("expected an integer from 0 to ") + std::to_string(most) + " for " + name);
  }
  return static_cast<int>(chosen);
}

/** Reads the lines of all ROIs, as far as they have been chosen. */
const std::uint8_t* knownLines(const Napi::Value& value, std::size_t rois) {
  const Napi::Env env = value.Env();
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    refuseType(env, "expected a Uint8Array for lines");
  }
  auto lines = value.As<Napi::Uint8Array>();
  if (lines.ElementLength() != rois) refuseRange(env, "expected one of lines per ROI");
  for (std::size_t i = 0; i < rois; ++i) {
    if (lines[i] > kLines) refuseRange(env, "expected lines from 0 to " + std::to_string(kLines));
  }
  return lines.Data();
}

/** Sets where tracking reads its references, and writes them if they may grow. */
void takeReference(const Napi::Object& given, const std::vector<Roi>& rois, KernelTask& task) {
  const Napi::Env env = given.Env();
  const auto isArrayOf = [](const Napi::Value& value, napi_typedarray_type type) {
    return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == type;
  };
  const Napi::Value anchorsGiven = given.Get("anchors"), reference = given.Get("reference"), grow = given.Get("grow");
  if (!isArrayOf(anchorsGiven, napi_float64_array) || !isArrayOf(reference, napi_uint16_array) || !grow.IsBoolean()) {
    refuseType(env, "expected a Float64Array, a Uint16Array and a boolean for anchors, reference and grow");
  }
  auto anchors = anchorsGiven.As<Napi::Float64Array>();
  auto pixels = reference.As<Napi::Uint16Array>();
  std::size_t count = 0;
  for (const Roi& roi : rois) count += static_cast<std::size_t>(roi.width) * roi.height;
  if (anchors.ElementLength() != rois.size() * kAnchorNumbers || pixels.ElementLength() != count) {
    refuseRange(env, "expected " + std::to_string(kAnchorNumbers) + " anchor numbers per ROI and " +
                         std::to_string(count) + " reference pixels");
  }
  task.anchors = reinterpret_cast<Anchor*>(anchors.Data());
  task.reference = pixels.Data();
  task.grow = grow.As<Napi::Boolean>().Value();
}

}  // namespace

KernelTask kernelTask(const Napi::Value& value, const std::vector<Roi>& rois) {
  const Napi::Env env = value.Env();
  if (!value.IsObject()) refuseType(env, "expected an object for every task");
  const auto given = value.As<Napi::Object>();
  KernelTask task{static_cast<Method>(choice(env, given.Get("method"), "method", 5)),
                           Line::gaussian};
  const int line = choice(env, given.Get("jointLine"), "jointLine", kLines);
  task.choosesLine = line == kLines;
  if (!task.choosesLine) task.jointLine = static_cast<Line>(line);
  const Napi::Value lines = given.Get("lines");
  if (!lines.IsUndefined()) task.lines = knownLines(lines, rois.size());
  if (task.method == Method::tracking) takeReference(given, rois, task);
  const Napi::Value forms = given.Get("findsForms");
  task.findsForms = task.method == Method::fano && forms.IsBoolean() && forms.As<Napi::Boolean>().Value();
  return task;
}

}  // namespace phorest
