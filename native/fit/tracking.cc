// Tracking of one ROI: the start of the descent, its weights, and which parameters are free. The descent is in
// tracking_descent.cc, the reference in tracking_anchor.cc, the error of a result in tracking_error.cc.
#include "fit/tracking.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace phorest {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
/** Lanes of the widest vector unit; the stride of a row is a multiple of it. */
constexpr int kPadding = 8;
constexpr int kRounds = 8, kLearningRounds = 2;
/**
 * px: smaller steps end a round while the noise is being estimated (first), or end the descent (second); the remaining error is
 * far smaller.
 */
constexpr double kNear = 1e-2, kFinest = 5e-4;
/** px: a round that changes the position by less is the last. */
constexpr double kSettled = 2e-4;
/** A change by this fraction of the error does not matter either. */
constexpr double kHardly = 0.02;
/** The noise of a sample is at least this fraction of the ROI's typical one, and at least that of rounding to whole counts. */
constexpr double kLeastNoise = 0.05;
constexpr double kSizeToDeviation = 1.2533141373155;
/** Counts of the image: less light than this is rounded to black. */
constexpr double kBlack = 0.5;
/** With a smaller fraction of the light, or of the samples, there is no measurement. */
constexpr double kLeastLight = 0.1, kLeastSamples = 0.5;
/** Conditions for a frame to join the reference: px from the anchor, factor of the light, fraction of samples that agree. */
constexpr double kNearAnchor = 2, kMostLight = 2, kMostSamples = 0.8;

}  // namespace

/** `dark`: dark level of the reference, if that of the camera is unknown. */
void Tracking::prepare(const TrackFrame& frame, double dark) {
  roi_.line = frame.line, roi_.rows = frame.rows, roi_.width = frame.width;
  roi_.stride = (frame.width + kPadding - 1) / kPadding * kPadding;
  darkKnown_ = std::isfinite(frame.dark);
  dark_ = darkKnown_ ? frame.dark : dark;
  noise_.ceiling = frame.top - dark_;
  noise_.black = kBlack * frame.unit - dark_;
  noise_.perUnit = 1 / frame.unit;
  const double rounding = std::max(frame.unit, kFinestRounding);
  roi_.least = kLeastVariance * rounding * rounding;
  roi_.alike = 1;
  const std::size_t size = static_cast<std::size_t>(roi_.rows) * roi_.stride;
  double* memory = samples_.reserve(10 * size);
  roi_.y = memory, roi_.base = memory + size, roi_.kept = memory + 2 * size, roi_.gain = memory + 3 * size;
  roi_.weight = memory + 4 * size, roi_.predicted = memory + 5 * size, roi_.residual = memory + 6 * size;
  roi_.spread = memory + 7 * size, roi_.sense = memory + 8 * size, roi_.pull = memory + 9 * size;
  double* perRow = rows_.reserve(3 * static_cast<std::size_t>(roi_.rows));
  roi_.scale = perRow, roi_.offset = perRow + roi_.rows, roi_.rowGain = perRow + 2 * roi_.rows;
}

/** Compares the frame with its reference; returns false if too few of the samples can be compared. */
bool Tracking::load(const TrackFrame& frame, const std::uint16_t* pixels, const Anchor& anchor) {
  roi_.absolute = false;
  long usable = 0;
  double light = 0, reference = 0;
  for (int row = 0; row < roi_.rows; ++row) {
    const float* from = frame.samples + static_cast<long>(row) * roi_.width;
    const std::uint16_t* known = pixels + static_cast<long>(row) * roi_.width;
    const long first = static_cast<long>(row) * roi_.stride;
    for (int i = 0; i < roi_.stride; ++i) {
      const bool good = i < roi_.width && known[i] != kCutOff && from[i] < frame.top;
      roi_.y[first + i] = good ? from[i] - dark_ : 0;
      roi_.kept[first + i] = good ? known[i] / 256.0 - anchor.dark : 0;
      roi_.weight[first + i] = good ? 1 : 0;
      usable += good;
      light += roi_.y[first + i];
      reference += roi_.kept[first + i];
    }
  }
  const double share = static_cast<double>(usable) / (static_cast<double>(roi_.rows) * roi_.width);
  if (!(share >= kLeastSamples && light > kLeastLight * reference && reference > kLeastLight * light)) return false;
  roi_.together = noiseTogether(anchor);
  vectorUnit().trackGain(roi_, anchor);
  return true;
}

/** Estimates the standard deviation of the residuals of the last trace by predicted light. */
void Tracking::learnNoise() {
  NoiseSizes found{};
  vectorUnit().trackSizes(roi_, roi_.absolute ? 1 : rowsPerNoise(roi_.rows), found);
  if (found.typical < 0) return;
  // Bins with few samples are pulled towards the value of the whole ROI.
  constexpr double kLeaning = 30;
  const double least = std::max(kLeastNoise * found.typical, std::sqrt(roi_.least));
  const double range = std::max(found.high - found.low, 1e-9);
  for (int bin = 0; bin < kNoiseBins; ++bin) {
    const double size = (found.sizes[bin] + kLeaning * found.typical) / (found.counts[bin] + kLeaning);
    noise_.inverse[bin] = 1 / (kSizeToDeviation * std::max(least, size));
    // Most samples of a bin may be near one end of it: many are dark, few have the largest brightness.
    const double middle = found.low + (noiseEdge(bin) + noiseEdge(bin + 1)) / 2 * range;
    noise_.count[bin] = found.counts[bin];
    noise_.node[bin] = found.counts[bin] > 0 ? found.models[bin] / found.counts[bin] : middle;
  }
  for (int bin = 0; bin + 1 < kNoiseBins; ++bin) {
    noise_.rise[bin] = noise_.inverse[bin + 1] - noise_.inverse[bin];
    noise_.perCount[bin] = 1 / (noise_.node[bin + 1] - noise_.node[bin]);
  }
}

/** Alternates descents and new weights. The noise is estimated in the first rounds and then fixed, so that the rest converges. */
bool Tracking::settle(const Anchor& anchor, unsigned free, TrackedLine& at) {
  double error = 0;
  for (int round = 0; round < kRounds; ++round) {
    const double before = at.by[0] + at.by[1];
    const bool learning = round < kLearningRounds;
    if (!descend(anchor, free, std::max(learning ? kNear : kFinest, kHardly * error), at)) return false;
    if ((free & kShapeBits) != 0 && !roi_.absolute) {
      double step[kSuspected], variances[kSuspected];
      if (!solve(normals_, free, 0, step, variances)) return false;
      error = std::sqrt(variances[0]);
    }
    // No more precision is needed if the shape will be released; but the first answer may be affected by dust.
    if (free == kShiftBit && round > 0 && isFar(anchor, at)) return true;
    if (roi_.absolute) roi_.typical = median({roi_.scale, roi_.scale + roi_.rows});
    vectorUnit().trackTrace(roi_, anchor, at);
    if (!learning && std::fabs(at.by[0] + at.by[1] - before) < std::max(kSettled, kHardly * error)) return true;
    if (learning) learnNoise();
    vectorUnit().trackWeigh(roi_, noise_);
    // How much the samples know by themselves, compared to prior knowledge; the misfit of a held shape does not count.
    if ((free & kShapeBits) != 0 && round + 1 == kLearningRounds) worth(anchor, at);
  }
  return true;
}

/** px^2: contribution of the uncertainty of the shape to the variance of a shift. */
double varianceOfShape(const Anchor& anchor, const TrackedLine& at) {
  return at.shift() * at.shift() * anchor.scale * anchor.scale;
}

/** Whether that contribution is far larger than that of the camera's noise. */
bool Tracking::isFar(const Anchor& anchor, const TrackedLine& at) const {
  constexpr double kFar = 4;
  return varianceOfShape(anchor, at) * normals_.matrix[0][0] > kFar;
}

/**
 * Finds a first answer with the shape held. If it is far away, it may be a gradient of the light, where that can be distinguished
 * from a shift.
 */
bool Tracking::approach(const Anchor& anchor, TrackedLine& at) {
  free_ = kShiftBit;
  if (!settle(anchor, free_, at)) return false;
  if (!darkKnown_ || !isFar(anchor, at)) return true;
  TrackedLine tilted{};
  double step[kSuspected], variances[kSuspected];
  constexpr unsigned kBoth = kShiftBit | kGradientBit;
  bool believed = settle(anchor, kBoth, tilted) && solve(normals_, kBoth, 0, step, variances);
  if (believed) {
    worth(anchor, tilted);
    believed = tilted.by[6] * tilted.by[6] > kBelieved * kBelieved * variances[6] * inflation_;
    inflation_ = 1;
  }
  // Residuals and weights must match the returned line.
  if (!believed) return settle(anchor, free_, at);
  at = tilted;
  free_ = kBoth;
  return true;
}

/**
 * Finds the shift from the anchor and its variance. The shape of the anchor is held; if its uncertainty would add more to the
 * error than the frame's own noise, the shape is released.
 */
bool Tracking::follow(const Anchor& anchor, TrackedLine& at, double& variance) {
  double step[kSuspected], variances[kSuspected];
  inflation_ = 1;
  if (!approach(anchor, at)) return false;
  if (!isFar(anchor, at)) {
    worth(anchor, at);
    if (!solve(normals_, free_, 0, step, variances)) return false;
    const double ofShape = varianceOfShape(anchor, at);
    variance = inflationOfShift() * variances[0] + ofShape;
    if (ofShape < variance - ofShape) return true;
    inflation_ = 1;
  }
  free_ |= kShapeBits;
  if (!settle(anchor, free_, at)) return false;
  worth(anchor, at);
  return shiftVariance(anchor, at, variance);
}

/** Returns the best of trial shifts all over the ROI. */
TrackedLine Tracking::farStart(const Anchor& anchor) const {
  TrackedLine best{};
  double least = std::numeric_limits<double>::infinity();
  const double step = std::max(0.5, std::exp(anchor.logWidth) / 2);
  for (int i = 0; i * step < roi_.width; ++i) {
    TrackNormals normals;
    const TrackedLine trial{{i * step - anchor.centre}};
    vectorUnit().trackNormals(roi_, anchor, trial, kShiftBit, normals);
    if (normals.cost < least) best = trial, least = normals.cost;
  }
  return best;
}

/** Finds the shift, and searches the whole ROI if it is not near; returns false if there is none. */
bool Tracking::compare(const Anchor& anchor, TrackedLine& at, double& variance) {
  const bool found = follow(anchor, at, variance);
  if (found) leftOver_ = leftOver();
  if (found && (along_ || leftOver_ <= kHardlyLeft)) return true;
  // The weights belong to a wrong place.
  const std::size_t size = static_cast<std::size_t>(roi_.rows) * roi_.stride;
  for (std::size_t i = 0; i < size; ++i) {
    const double camera = anchor.floor + anchor.perCount * std::max(0.0, roi_.y[i]);
    roi_.weight[i] = roi_.base[i] > 0 ? 1 / std::max(roi_.least, camera) : 0;
  }
  at = farStart(anchor);
  if (!follow(anchor, at, variance)) return false;
  leftOver_ = leftOver();
  return true;
}

TrackAnswer Tracking::measure(const TrackFrame& frame, Joint& joint, Anchor& anchor, std::uint16_t* pixels, bool grow) {
  if (!(anchor.frames > 0)) return begin(frame, joint, anchor, pixels, grow);
  TrackAnswer answer{};
  std::fill_n(answer.columns, kTrackingColumns, kNaN);
  answer.standardError = kNaN;
  answer.residualDistance = 1;
  answer.status = kNotConverged;
  prepare(frame, anchor.dark);
  TrackedLine at{};
  double variance = 0;
  bool found = load(frame, pixels, anchor) && compare(anchor, at, variance);
  Anchor learnt = anchor;
  bool foreign = false;
  if (found && anchor.frames < 2) {
    // After the noise is estimated from this frame, even a frame of another place would seem to match, so this is checked before.
    foreign = grow && looksForeign(anchor);
    // Only now is it known how much of the assumed speckle is noise of the camera.
    learnCamera(learnt);
    at = {};
    found = load(frame, pixels, learnt) && compare(learnt, at, variance);
  }
  if (found) {
    answer.changed = suspect(learnt, at, variance);
    judge(frame, learnt, at, variance, answer);
  }
  if (answer.status != kOk) {
    return answerOf(joint.measure(frame.line, frame.samples, frame.rows, frame.width, frame.top, frame.unit), anchor.error);
  }
  const double light = answer.columns[2];
  answer.joined = grow && !answer.changed && std::fabs(at.shift()) < kNearAnchor && light < kMostLight &&
                  light > 1 / kMostLight && kept_ > kMostSamples && !foreign &&
                  (anchor.frames < 2 || !looksForeign(anchor));
  if (answer.joined) {
    anchor = learnt;
    learnCamera(anchor);
    join(frame, anchor, at, pixels);
    anchor.frames += 1;
  }
  return answer;
}

}  // namespace phorest
