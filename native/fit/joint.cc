// The joint fit itself: descents and new weights alternate. joint_start.cc finds its start, joint_error.cc its error.
#include "fit/joint.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace phorest {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
/** Lanes of the widest vector unit; the stride of a row is a multiple of it. */
constexpr int kPadding = 8;
/** Rounds of new weights. The noise is estimated in the first ones and then fixed, so that the rest converges. */
constexpr int kRounds = 12, kLearningRounds = 3;
constexpr int kSteps = 30;
/** In widths: a smaller step ends a round while the noise is being estimated. */
constexpr double kNear = 1e-2;
/** The noise of a sample is at least this fraction of the ROI's typical noise, and at least that of rounding to whole counts. */
constexpr double kLeastNoise = 0.05;
/** Ratio of the standard deviation of normal noise to its mean absolute value. */
constexpr double kSizeToDeviation = 1.2533141373155;
constexpr double kNarrowest = 0.5, kWidestInRows = 4;

}  // namespace

bool solve(const Normals& normals, double damping, double* step, double* variance) {
  double low[kShared][kShared] = {};
  double scale[kShared];
  for (int i = 0; i < kShared; ++i) scale[i] = normals.matrix[i][i] > 0 ? 1 / std::sqrt(normals.matrix[i][i]) : 0;
  for (int i = 0; i < kShared; ++i) {
    for (int j = 0; j <= i; ++j) {
      double value = i == j ? (scale[i] > 0 ? 1 + damping : 1) : normals.matrix[i][j] * scale[i] * scale[j];
      for (int k = 0; k < j; ++k) value -= low[i][k] * low[j][k];
      if (i != j) {
        low[i][j] = value / low[j][j];
      } else if (value > 1e-12) {
        low[i][i] = std::sqrt(value);
      } else {
        return false;
      }
    }
  }
  const auto apply = [&low, &scale](const double* right, double* out) {
    for (int i = 0; i < kShared; ++i) {
      out[i] = right[i] * scale[i];
      for (int k = 0; k < i; ++k) out[i] -= low[i][k] * out[k];
      out[i] /= low[i][i];
    }
    for (int i = kShared - 1; i >= 0; --i) {
      for (int k = i + 1; k < kShared; ++k) out[i] -= low[k][i] * out[k];
      out[i] /= low[i][i];
    }
    for (int i = 0; i < kShared; ++i) out[i] *= scale[i];
  };
  apply(normals.right, step);
  if (variance != nullptr) {
    const double unit[kShared] = {1, 0, 0, 0};
    double column[kShared];
    apply(unit, column);
    *variance = column[0];
  }
  return true;
}

double median(std::vector<double> values) {
  if (values.empty()) return kNaN;
  const auto middle = values.begin() + static_cast<long>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void Joint::load(const float* samples, float top) {
  const std::size_t size = static_cast<std::size_t>(roi_.rows) * roi_.stride;
  double* memory = samples_.reserve(4 * size);
  roi_.y = memory, roi_.weight = memory + size, roi_.model = memory + 2 * size, roi_.residual = memory + 3 * size;
  double* perRow = rows_.reserve(3 * static_cast<std::size_t>(roi_.rows));
  roi_.height = perRow, roi_.offset = perRow + roi_.rows, roi_.firmness = perRow + 2 * roi_.rows;
  const std::size_t count = static_cast<std::size_t>(roi_.rows) * roi_.width;
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += samples[i];
  mean_ = sum / static_cast<double>(count);
  noise_.ceiling = top - mean_;
  total_ = 0;
  for (int row = 0; row < roi_.rows; ++row) {
    const float* from = samples + static_cast<long>(row) * roi_.width;
    double* y = roi_.y + static_cast<long>(row) * roi_.stride;
    double* weight = roi_.weight + static_cast<long>(row) * roi_.stride;
    double rowSum = 0;
    for (int i = 0; i < roi_.stride; ++i) {
      const bool inside = i < roi_.width;
      y[i] = inside ? from[i] - mean_ : 0;
      weight[i] = inside ? 1 : 0;
      rowSum += y[i];
    }
    const double rowMean = rowSum / roi_.width;
    for (int i = 0; i < roi_.width; ++i) total_ += (y[i] - rowMean) * (y[i] - rowMean);
  }
}

/** Levenberg-Marquardt descent with the current weights; returns false if it leaves the ROI or does not converge. */
bool Joint::minimise(SharedLine& line, Normals& normals, double tolerance) {
  const bool voigt = roi_.line == Line::voigt;
  const auto evaluate = [this, voigt](const SharedLine& at, Normals& out) {
    vectorUnit().normals(roi_, at, out);
    const auto hold = [&out](int held) {
      for (int k = 0; k < kShared; ++k) out.matrix[held][k] = out.matrix[k][held] = 0;
      out.right[held] = 0;
    };
    // With one row there is no slope; a Gaussian or Lorentzian line has no phase.
    if (roi_.rows == 1) hold(1);
    if (roi_.line == Line::gaussian || roi_.line == Line::lorentzian) hold(3);
    // A Voigt share stays between 0 and 1.
    if (voigt && (at.phase <= 0 ? out.right[3] < 0 : at.phase >= 1 && out.right[3] > 0)) hold(3);
  };
  evaluate(line, normals);
  double damping = 1e-4;
  for (int pass = 0; pass < kSteps; ++pass) {
    double step[kShared];
    if (!solve(normals, damping, step, nullptr)) {
      damping = std::max(1e-3, damping * 10);
      if (damping > 1e6) return false;
      continue;
    }
    const double width = std::exp(line.logWidth);
    const double excess = std::max({1.0, std::fabs(step[0]) / width, std::fabs(step[1]) * roi_.rows / width,
                                    std::fabs(step[2]) / 0.4, std::fabs(step[3]) / 0.6});
    for (double& part : step) part /= excess;
    SharedLine trial{line.centre + step[0], line.slope + step[1], line.logWidth + step[2], line.phase + step[3]};
    if (voigt) trial.phase = std::clamp(trial.phase, 0.0, 1.0);
    const double trialWidth = std::exp(trial.logWidth);
    if (!(trialWidth > kNarrowest && trialWidth < kWidestInRows * roi_.width)) return false;
    if (!(trial.centre > -1.0 * roi_.width && trial.centre < 2.0 * roi_.width)) return false;
    Normals at;
    evaluate(trial, at);
    const double size = std::max({std::fabs(step[0]) / width, std::fabs(step[1]) * roi_.rows / width,
                                  std::fabs(step[2]), std::fabs(step[3])});
    if (at.cost <= normals.cost * (1 + 1e-13)) {
      line = trial;
      normals = at;
      damping = std::max(1e-7, damping * 0.1);
      if (size < tolerance) return true;
    } else {
      if (size < tolerance) {
        // The heights of the rows must belong to the line that is kept.
        evaluate(line, normals);
        return true;
      }
      damping *= 10;
    }
  }
  return false;
}

/** Computes model and residuals of a line, for the weights. */
void Joint::follow(const SharedLine& line) {
  // The noise must be derived from the typical row: with each row's own height and offset, the samples that have lowered these
  // would get more weight and bend the line.
  roi_.typicalHeight = median({roi_.height, roi_.height + roi_.rows});
  roi_.typicalOffset = median({roi_.offset, roi_.offset + roi_.rows});
  vectorUnit().trace(roi_, line);
}

/** Estimates the standard deviation of the residuals of the last trace as a function of the model. */
void Joint::learnNoise() {
  NoiseSizes found{};
  vectorUnit().sizes(roi_, found);
  noise_.binsPerCount = kNoiseBins / std::max(found.high - found.low, 1e-9);
  noise_.first = found.low + 0.5 / noise_.binsPerCount;
  // Bins with few samples are pulled towards the value of the whole ROI.
  constexpr double kLeaning = 30;
  const double rounding = std::sqrt(kLeastVariance) * std::max(unit_, kFinestRounding);
  const double least = std::max(kLeastNoise * found.typical, rounding);
  for (int bin = 0; bin < kNoiseBins; ++bin) {
    const double size = (found.sizes[bin] + kLeaning * found.typical) / (found.counts[bin] + kLeaning);
    noise_.inverse[bin] = 1 / (kSizeToDeviation * std::max(least, size));
  }
}

/** Returns one over the noise deviation at this model value, interpolated between the bins. */
double Joint::inverseNoiseAt(double model) const {
  const double place = std::clamp((model - noise_.first) * noise_.binsPerCount, 0.0, kNoiseBins - 1.001);
  const int bin = static_cast<int>(place);
  return noise_.inverse[bin] + (place - bin) * (noise_.inverse[bin + 1] - noise_.inverse[bin]);
}

/**
 * Tukey's biweight. Where the camera's range cuts off residuals above, those below are cut off in the same way, or the line would
 * be biased away from the bright side.
 */
Joint::Pull Joint::pullOf(long at, double inverse) const {
  const double residual = roi_.residual[at], room = noise_.ceiling - (roi_.y[at] - residual);
  if (!(room > 0)) return {0, 0};
  const double part = residual * residual * (inverse * inverse / (kTukey * kTukey));
  if (part >= 1) return {0, 0};
  const double kept = 1 - part;
  const bool cut = std::fabs(residual) >= room;
  return {kept * kept * (cut ? room / std::fabs(residual) : 1), cut ? 0 : kept * (1 - 5 * part)};
}

JointAnswer Joint::measure(Line shape, const float* samples, int rows, int width, float top, double unit) {
  unit_ = unit;
  roi_.line = shape;
  roi_.rows = rows;
  roi_.width = width;
  roi_.stride = (width + kPadding - 1) / kPadding * kPadding;
  load(samples, top);
  JointAnswer answer{};
  std::fill_n(answer.columns, kJointColumns, kNaN);
  answer.standardError = kNaN;
  answer.residualDistance = 1;
  answer.status = kFlat;
  if (std::sqrt(total_ / (static_cast<double>(rows) * width)) < kFlatDeviation || width <= kShared + 2) return answer;
  answer.status = kNotConverged;
  SharedLine line{};
  if (!start(samples, line)) return answer;
  Normals normals{};
  bool settled = false;
  for (int round = 0; round < kRounds && !settled; ++round) {
    const double before = line.centre;
    if (!minimise(line, normals, round <= kLearningRounds ? kNear : kSettledWidths)) return answer;
    settled = round > kLearningRounds && std::fabs(line.centre - before) < kSettledWidths * std::exp(line.logWidth);
    follow(line);
    if (settled) break;
    if (round < kLearningRounds) learnNoise();
    vectorUnit().weigh(roi_, noise_);
  }
  judge(samples, line, normals, answer);
  return answer;
}

}  // namespace phorest
