// Tracking of one ROI: the descent, its weights, and the reference. What a result is worth is in tracking_error.cc.
#include "tracking.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace phorest {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
/** Lanes of the widest vector unit: the stride of a row is a multiple of it. */
constexpr int kPadding = 8;
constexpr int kRounds = 8, kLearningRounds = 2;
constexpr int kSteps = 12;
/** px: steps that end a round while the noise is being learnt, and those that end the descent; what is left is far less. */
constexpr double kNear = 1e-2, kFinest = 5e-4;
/** px: a round that changes less is the last. */
constexpr double kSettled = 2e-4;
/** px: a line that has moved less is no better known for a free shape, whose share of the error is then a thousandth. */
constexpr double kLocked = 0.5;
/** No sample counts for less noise than this share of the ROI's typical one, nor for less than rounding to whole counts. */
constexpr double kLeastNoise = 0.05, kRounding = 0.23;
constexpr double kSizeToDeviation = 1.2533141373155;
/** Share of the samples' variance that is left over where the descent has gone to a wrong place, or the chip elsewhere. */
constexpr double kAstray = 0.05;
/** What a frame needs to become part of the reference: px from the anchor, light, samples that go along. */
constexpr double kNearAnchor = 2, kMostLight = 2, kMostSamples = 0.8;
/** Less than this of the light, or of the samples, is no measurement. */
constexpr double kLeastLight = 0.1, kLeastSamples = 0.5;
/** A line standing on less light than this, counts, has no ratio to speak of. */
constexpr double kDimmest = 1;

bool isFinite(const TrackedLine& at) {
  for (double value : at.by) {
    if (!std::isfinite(value)) return false;
  }
  return true;
}

/** Adds what is known of the shape beforehand; `inflation` is the variance of a unit weight. */
void addPrior(const Anchor& anchor, const TrackedLine& at, double inflation, TrackNormals& normals) {
  for (int k = 1; k < kTracked; ++k) {
    for (int j = 1; j < kTracked; ++j) {
      const int low = std::max(k, j) - 1, high = std::min(k, j) - 1;
      const double precision = inflation * anchor.prior[low * (low + 1) / 2 + high];
      normals.matrix[k][j] += precision;
      normals.right[k] -= precision * at.by[j];
      normals.cost += precision * at.by[k] * at.by[j];
    }
  }
}

/** Solves matrix * step = right by Cholesky's factors, the diagonal raised by `damping`; parameters without information stay. */
bool solve(const TrackNormals& normals, double damping, double* step, double* variance) {
  double low[kTracked][kTracked] = {}, scale[kTracked];
  for (int i = 0; i < kTracked; ++i) scale[i] = normals.matrix[i][i] > 0 ? 1 / std::sqrt(normals.matrix[i][i]) : 0;
  for (int i = 0; i < kTracked; ++i) {
    for (int j = 0; j <= i; ++j) {
      double value = i == j ? (scale[i] > 0 ? 1 + damping : 1) : normals.matrix[i][j] * scale[i] * scale[j];
      for (int k = 0; k < j; ++k) value -= low[i][k] * low[j][k];
      if (i == j && !(value > 1e-12)) return false;
      low[i][j] = i == j ? std::sqrt(value) : value / low[j][j];
    }
  }
  const auto apply = [&low, &scale](const double* right, double* out) {
    for (int i = 0; i < kTracked; ++i) {
      out[i] = right[i] * scale[i];
      for (int k = 0; k < i; ++k) out[i] -= low[i][k] * out[k];
      out[i] /= low[i][i];
    }
    for (int i = kTracked - 1; i >= 0; --i) {
      for (int k = i + 1; k < kTracked; ++k) out[i] -= low[k][i] * out[k];
      out[i] /= low[i][i];
    }
    for (int i = 0; i < kTracked; ++i) out[i] *= scale[i];
  };
  apply(normals.right, step);
  if (variance != nullptr) {
    const double unit[kTracked] = {1};
    double column[kTracked];
    apply(unit, column);
    *variance = column[0];
  }
  return true;
}

}  // namespace

/** Levenberg and Marquardt's descent with the present weights; false when it leaves the ROI or does not arrive. */
bool Tracking::descend(const Anchor& anchor, bool released, double tolerance, TrackedLine& at, double* variance) {
  const auto evaluate = [&](const TrackedLine& line, TrackNormals& out) {
    vectorUnit().trackNormals(roi_, anchor, line, released, out);
    if (released) addPrior(anchor, line, inflation_, out);
  };
  const double width = std::exp(anchor.logWidth);
  // No step is longer: px, px, px per row, and shares of the shape.
  const double most[kTracked] = {0.5 * width, 0.2 * width, 0.2 * width / roi_.rows, 0.2, 0.3, 0.2};
  TrackNormals normals;
  evaluate(at, normals);
  double damping = 0;
  for (int pass = 0; pass < kSteps; ++pass) {
    double step[kTracked], excess = 1;
    if (!(normals.matrix[0][0] > 0) || !solve(normals, damping, step, nullptr)) return false;
    for (int k = 0; k < kTracked; ++k) excess = std::max(excess, std::fabs(step[k]) / most[k]);
    TrackedLine trial = at;
    for (int k = 0; k < kTracked; ++k) trial.by[k] += step[k] / excess;
    const double centre = anchor.centre + trial.shift();
    if (!isFinite(trial) || centre < -0.25 * roi_.width || centre > 1.25 * roi_.width) return false;
    if (std::fabs(step[0]) < tolerance) {
      at = trial;
      return variance == nullptr || solve(normals, 0, step, variance);
    }
    TrackNormals there;
    evaluate(trial, there);
    const bool better = there.cost <= normals.cost * (1 + 1e-12);
    if (better) at = trial, normals = there;
    damping = better ? damping * 0.1 : std::max(1e-3, damping * 10);
  }
  return false;
}

/** Puts the frame and its reference side by side; false where too few of the samples can be compared. */
bool Tracking::load(const float* samples, float top, const std::uint16_t* pixels) {
  const std::size_t size = static_cast<std::size_t>(roi_.rows) * roi_.stride;
  double* memory = samples_.reserve(6 * size);
  roi_.y = memory, roi_.reference = memory + size, roi_.gain = memory + 2 * size;
  roi_.weight = memory + 3 * size, roi_.predicted = memory + 4 * size, roi_.residual = memory + 5 * size;
  roi_.scale = rows_.reserve(static_cast<std::size_t>(roi_.rows));
  long usable = 0;
  double light = 0, reference = 0;
  for (int row = 0; row < roi_.rows; ++row) {
    const float* from = samples + static_cast<long>(row) * roi_.width;
    const std::uint16_t* known = pixels + static_cast<long>(row) * roi_.width;
    const long first = static_cast<long>(row) * roi_.stride;
    for (int i = 0; i < roi_.stride; ++i) {
      const bool good = i < roi_.width && known[i] != kCutOff && from[i] < top;
      roi_.y[first + i] = good ? from[i] : 0;
      roi_.reference[first + i] = good ? known[i] / 256.0 : 0;
      roi_.weight[first + i] = good ? 1 / std::max(1.0, known[i] / 256.0) : 0;
      usable += good;
      light += roi_.y[first + i];
      reference += roi_.reference[first + i];
    }
  }
  usable_ = static_cast<double>(usable) / (static_cast<double>(roi_.rows) * roi_.width);
  return usable_ >= kLeastSamples && light > kLeastLight * reference && reference > kLeastLight * light;
}

/** The deviation of the residuals of the last trace by what was foretold. */
void Tracking::learnNoise() {
  // So many rows know the noise to two percent.
  constexpr int kEnoughRows = 24;
  NoiseSizes found{};
  vectorUnit().trackSizes(roi_, std::max(1, roi_.rows / kEnoughRows), found);
  if (found.typical < 0) return;
  noise_.binsPerCount = kNoiseBins / std::max(found.high - found.low, 1e-9);
  noise_.first = found.low + 0.5 / noise_.binsPerCount;
  // Bins of few samples lean on the whole ROI.
  constexpr double kLeaning = 30;
  const double least = std::max(kLeastNoise * found.typical, kRounding);
  for (int bin = 0; bin < kNoiseBins; ++bin) {
    const double size = (found.sizes[bin] + kLeaning * found.typical) / (found.counts[bin] + kLeaning);
    noise_.inverse[bin] = 1 / (kSizeToDeviation * std::max(least, size));
  }
}

/** The frame, moved back to where the anchor is and brought to its light, joins the mean. */
void Tracking::join(const Anchor& anchor, const float* samples, float top, std::uint16_t* pixels) const {
  for (int row = 0; row < roi_.rows; ++row) {
    for (int i = 0; i < roi_.width; ++i) {
      const long at = static_cast<long>(row) * roi_.stride + i, to = static_cast<long>(row) * roi_.width + i;
      if (samples[to] >= top) pixels[to] = kCutOff;
      // What does not go along (a grain of dust) is left out.
      if (pixels[to] == kCutOff || !(roi_.weight[at] > 0) || !(roi_.predicted[at] > 0)) continue;
      const double value = roi_.y[at] * roi_.reference[at] / roi_.predicted[at];
      const double mean = roi_.reference[at] + (value - roi_.reference[at]) / (anchor.frames + 1);
      pixels[to] = static_cast<std::uint16_t>(std::clamp(std::nearbyint(256 * mean), 0.0, kCutOff - 1.0));
    }
  }
}

/** The shift from the anchor: first with its shape held, then, once the line has moved, with the shape released. */
bool Tracking::follow(const Anchor& anchor, TrackedLine& at, double* variance) {
  inflation_ = 1;
  if (!settle(anchor, false, at, variance)) return false;
  if (std::fabs(at.shift()) < kLocked) return true;
  return settle(anchor, true, at, variance);
}

/** Descents and new weights in turn; the noise is learnt in the first rounds and then held, so that the rest converges. */
bool Tracking::settle(const Anchor& anchor, bool released, TrackedLine& at, double* variance) {
  for (int round = 0; round < kRounds; ++round) {
    const double before = at.shift();
    const bool learning = round < kLearningRounds;
    if (!descend(anchor, released, learning ? kNear : kFinest, at, variance)) return false;
    vectorUnit().trackTrace(roi_, anchor, at);
    if (!learning && std::fabs(at.shift() - before) < kSettled) return true;
    if (learning) learnNoise();
    vectorUnit().trackWeigh(roi_, noise_);
    // How much the samples know by themselves, against what is known beforehand; misfit of a held shape does not count.
    if (released && round + 1 == kLearningRounds) worth();
  }
  return true;
}

/** The best of shifts all over the ROI. */
TrackedLine Tracking::farStart(const Anchor& anchor) const {
  TrackedLine best{};
  double least = std::numeric_limits<double>::infinity();
  const double step = std::exp(anchor.logWidth) / 2;
  for (double shift = -anchor.centre; anchor.centre + shift < roi_.width; shift += step) {
    TrackNormals normals;
    const TrackedLine trial{{shift}};
    vectorUnit().trackNormals(roi_, anchor, trial, false, normals);
    if (normals.cost < least) best = trial, least = normals.cost;
  }
  return best;
}

TrackAnswer Tracking::measure(Line line, const float* samples, int rows, int width, float top, Joint& joint,
                              Anchor& anchor, std::uint16_t* pixels, bool grow) {
  TrackAnswer answer{};
  if (!(anchor.frames > 0)) return begin(line, samples, rows, width, top, joint, anchor, pixels, grow);
  std::fill_n(answer.columns, kTrackingColumns, kNaN);
  answer.standardError = kNaN;
  answer.residualDistance = 1;
  answer.status = kNotConverged;
  roi_.line = line, roi_.rows = rows, roi_.width = width;
  roi_.stride = (width + kPadding - 1) / kPadding * kPadding;
  noise_.ceiling = top;
  if (!load(samples, top, pixels)) return answer;
  vectorUnit().trackGain(roi_, anchor);
  TrackedLine at{};
  double variance = 0;
  const std::size_t size = static_cast<std::size_t>(rows) * roi_.stride;
  bool found = follow(anchor, at, &variance);
  if (!found || (leftOver_ = leftOver()) > kAstray) {
    // The weights are of a wrong place.
    for (std::size_t i = 0; i < size; ++i) roi_.weight[i] = roi_.reference[i] > 0 ? 1 / std::max(1.0, roi_.reference[i]) : 0;
    vectorUnit().trackGain(roi_, anchor);
    at = farStart(anchor);
    found = follow(anchor, at, &variance);
    leftOver_ = leftOver();
  }
  if (!found) return answer;
  judge(samples, anchor, at, variance, answer);
  const double light = answer.columns[2];
  answer.joined = grow && answer.status == kOk && std::fabs(at.shift()) < kNearAnchor && light < kMostLight &&
                  light > 1 / kMostLight && kept_ > kMostSamples && leftOver_ < kAstray;
  if (answer.joined) {
    join(anchor, samples, top, pixels);
    anchor.frames += 1;
  }
  return answer;
}

/** Without a reference: a joint fit, which becomes the anchor where it may. */
TrackAnswer Tracking::begin(Line line, const float* samples, int rows, int width, float top, Joint& joint, Anchor& anchor,
                            std::uint16_t* pixels, bool grow) const {
  const JointAnswer fit = joint.measure(line, samples, rows, width, top);
  TrackAnswer answer{};
  std::fill_n(answer.columns, kTrackingColumns, kNaN);
  answer.standardError = fit.standardError;
  answer.explained = fit.explained;
  answer.peakToNoise = fit.peakToNoise;
  answer.residualDistance = fit.residualDistance;
  answer.status = fit.status;
  if (fit.status != kOk) return answer;
  answer.columns[0] = fit.columns[0];
  answer.columns[1] = 0;
  answer.columns[2] = 1;
  answer.columns[3] = fit.columns[6];
  if (!grow) return answer;
  if (!(fit.ground > kDimmest)) return answer;
  Anchor made{1, fit.line.centre, fit.line.slope, fit.line.logWidth, fit.line.phase, fit.height / fit.ground, {}};
  if (!shapeKnown(line, rows, width, fit.standardError, made)) return answer;
  anchor = made;
  const std::size_t count = static_cast<std::size_t>(rows) * width;
  for (std::size_t i = 0; i < count; ++i) {
    pixels[i] = samples[i] >= top ? kCutOff : static_cast<std::uint16_t>(std::nearbyint(256 * std::max(0.0F, samples[i])));
  }
  answer.joined = true;
  return answer;
}

}  // namespace phorest
