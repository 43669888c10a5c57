#include "addon/addon_kinetics.h"

#include <new>
#include <string>

#include "addon/arguments.h"
#include "kinetics/kinetics.h"

namespace {

using Napi::CallbackInfo;
using phorest::kinetics::Fit;
using phorest::kinetics::Problem;

constexpr int kSegmentNumbers = 3;
constexpr int kOffset = 1, kDrift = 2;
/** Numbers must be smaller than this, so that sums of their squares do not overflow. */
constexpr double kLargest = 1e100;

template <typename Array>
Array arrayAt(const CallbackInfo& info, int index, napi_typedarray_type type, const char* name) {
  if (!info[index].IsTypedArray() || info[index].As<Napi::TypedArray>().TypedArrayType() != type) {
    phorest::refuseType(info.Env(), std::string("expected another array for ") + name);
  }
  return info[index].As<Array>();
}

/** Reads the boundaries of ranges, one more number than there are ranges, from 0 to `last`. */
Napi::Int32Array starts(const CallbackInfo& info, int index, const char* name, std::size_t last) {
  const auto array = arrayAt<Napi::Int32Array>(info, index, napi_int32_array, name);
  const std::size_t count = array.ElementLength();
  bool isGood = count >= 2 && array[0] == 0 && static_cast<std::size_t>(array[count - 1]) == last;
  for (std::size_t i = 1; i < count; ++i) isGood = isGood && array[i - 1] <= array[i];
  if (!isGood) phorest::refuseRange(info.Env(), std::string("expected ascending numbers for ") + name);
  return array;
}

/** Reads the arguments of fitKinetics except the last one. */
Problem problemOf(const CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Problem problem;
  problem.model = static_cast<phorest::kinetics::Model>(phorest::integer(info, 0, "model", 0, phorest::kinetics::kModels - 1));
  auto time = arrayAt<Napi::Float64Array>(info, 1, napi_float64_array, "time");
  auto response = arrayAt<Napi::Float64Array>(info, 2, napi_float64_array, "response");
  auto weight = arrayAt<Napi::Float64Array>(info, 3, napi_float64_array, "weight");
  const std::size_t points = time.ElementLength();
  const bool isWeighted = weight.ElementLength() > 0;
  if (response.ElementLength() != points || (isWeighted && weight.ElementLength() != points)) {
    phorest::refuseRange(env, "expected a time, a response and a weight for each point");
  }
  const auto cycleStart = starts(info, 4, "cycleStart", points);
  auto segments = arrayAt<Napi::Float64Array>(info, 5, napi_float64_array, "segments");
  const auto segmentStart = starts(info, 6, "segmentStart", segments.ElementLength() / kSegmentNumbers);
  const auto flags = arrayAt<Napi::Uint8Array>(info, 7, napi_uint8_array, "flags");
  const std::size_t cycles = cycleStart.ElementLength() - 1;
  if (segmentStart.ElementLength() != cycles + 1 || flags.ElementLength() != cycles || segments.ElementLength() % kSegmentNumbers != 0) {
    phorest::refuseRange(env, "expected segments and flags for each cycle");
  }
  const auto groups = arrayAt<Napi::Int32Array>(info, 8, napi_int32_array, "groups");
  bool isGrouped = groups.ElementLength() == cycles;
  for (std::size_t c = 0; isGrouped && c < cycles; ++c) {
    const int before = c == 0 ? 0 : groups[c - 1];
    isGrouped = groups[c] == before || (c > 0 && groups[c] == before + 1);
  }
  if (!isGrouped) phorest::refuseRange(env, "expected a group for each cycle, ascending from 0");
  problem.group.assign(groups.Data(), groups.Data() + cycles);
  auto sharedAt = arrayAt<Napi::Float64Array>(info, 9, napi_float64_array, "sharedAt");
  auto sharedPart = arrayAt<Napi::Float64Array>(info, 10, napi_float64_array, "sharedPart");
  const bool isShared = sharedAt.ElementLength() > 0;
  if (sharedPart.ElementLength() != sharedAt.ElementLength() || (isShared && sharedAt.ElementLength() != points)) {
    phorest::refuseRange(env, "expected a place and a part of the noise that is shared for each point");
  }
  if (isShared) {
    const auto sharedStart = arrayAt<Napi::Int32Array>(info, 11, napi_int32_array, "sharedStart");
    const std::size_t count = sharedStart.ElementLength();
    bool isAscending = count >= 2 && sharedStart[0] == 0 && sharedStart[count - 1] > 0;
    for (std::size_t i = 1; isAscending && i < count; ++i) isAscending = sharedStart[i - 1] <= sharedStart[i];
    if (!isAscending) phorest::refuseRange(env, "expected ascending numbers for sharedStart");
    problem.sharedStart.assign(sharedStart.Data(), sharedStart.Data() + count);
    const double last = problem.sharedStart.back() - 1;
    for (std::size_t i = 0; i < points; ++i) {
      const bool isInside = std::isnan(sharedAt[i]) || (sharedAt[i] >= 0 && sharedAt[i] <= last);
      if (!isInside || !(std::fabs(sharedPart[i]) < kLargest)) phorest::refuseRange(env, "expected places within the shared frames");
    }
  }
  for (std::size_t c = 0; c < cycles; ++c) {
    phorest::kinetics::Cycle cycle;
    const int from = cycleStart[c];
    cycle.points = cycleStart[c + 1] - from;
    cycle.time = time.Data() + from;
    cycle.response = response.Data() + from;
    cycle.weight = isWeighted ? weight.Data() + from : nullptr;
    if (isShared) {
      cycle.sharedAt = sharedAt.Data() + from;
      cycle.sharedPart = sharedPart.Data() + from;
    }
    cycle.offset = (flags[c] & kOffset) != 0;
    cycle.drift = (flags[c] & kDrift) != 0;
    for (int i = 0; i < cycle.points; ++i) {
      const bool isOrdered = i == 0 || cycle.time[i - 1] <= cycle.time[i];
      const bool isUsable = std::fabs(cycle.time[i]) < kLargest && std::fabs(cycle.response[i]) < kLargest;
      const bool hasWeight = cycle.weight == nullptr || (cycle.weight[i] > 0 && cycle.weight[i] < kLargest);
      if (!isOrdered || !isUsable || !hasWeight) phorest::refuseRange(env, "expected finite points in order of time, with weights above 0");
    }
    for (int s = segmentStart[c]; s < segmentStart[c + 1]; ++s) {
      const double* numbers = segments.Data() + static_cast<std::size_t>(s) * kSegmentNumbers;
      phorest::kinetics::Segment segment;
      segment.from = numbers[0];
      segment.concentration = numbers[1];
      segment.hasBulk = numbers[2] != 0;
      const bool isOrdered = cycle.segments.empty() || cycle.segments.back().from <= segment.from;
      if (!isOrdered || !(std::fabs(segment.from) < kLargest) || !(segment.concentration >= 0 && segment.concentration < kLargest)) {
        phorest::refuseRange(env, "expected segments in order of time, with concentrations from 0 on");
      }
      cycle.segments.push_back(segment);
    }
    problem.cycles.push_back(cycle);
  }
  phorest::kinetics::prepare(problem);
  return problem;
}

Napi::Float64Array numbers(Napi::Env env, const std::vector<double>& from) {
  auto array = Napi::Float64Array::New(env, from.size());
  std::copy(from.begin(), from.end(), array.Data());
  return array;
}

Napi::Value objectOf(Napi::Env env, const Fit& fit) {
  auto result = Napi::Object::New(env);
  result["cost"] = fit.cost;
  result["nullCost"] = fit.nullCost;
  result["squares"] = fit.squares;
  result["points"] = fit.points;
  result["parameters"] = fit.parameters;
  result["evaluations"] = fit.evaluations;
  result["hasConverged"] = Napi::Boolean::New(env, fit.hasConverged);
  result["isAtBound"] = Napi::Boolean::New(env, fit.isAtBound);
  result["noise"] = numbers(env, {fit.noise.variance, fit.noise.share, fit.noise.rho, fit.noise.neighbours, fit.noise.area()});
  std::vector<double> quantities;
  for (const auto& q : fit.quantities) quantities.insert(quantities.end(), {q.value, q.error, q.low, q.high, q.lowReached, q.highReached});
  result["quantities"] = numbers(env, quantities);
  result["linear"] = numbers(env, fit.linear);
  result["linearErrors"] = numbers(env, fit.linearErrors);
  result["covariance"] = numbers(env, fit.covariance);
  result["fitted"] = numbers(env, fit.fitted);
  auto locals = Napi::Array::New(env, fit.locals.size());
  for (std::size_t i = 0; i < fit.locals.size(); ++i) locals.Set(static_cast<std::uint32_t>(i), numbers(env, fit.locals[i]));
  result["locals"] = locals;
  return result;
}

/**
 * (model, time, response, weight or empty, cycleStart, segments, segmentStart, flags, groups, sharedAt and sharedPart or empty,
 * sharedStart, profiles) -> fields of Fit.
 */
Napi::Value fitKinetics(const CallbackInfo& info) {
  try {
    const Problem problem = problemOf(info);
    return objectOf(info.Env(), phorest::kinetics::fit(problem, info[12].ToBoolean()));
  } catch (const std::bad_alloc&) {
    throw Napi::Error::New(info.Env(), "not enough memory to fit the sensorgrams");
  }
}

}  // namespace

void defineKinetics(Napi::Object exports) {
  exports["fitKinetics"] = Napi::Function::New<fitKinetics>(exports.Env(), "fitKinetics");
}
