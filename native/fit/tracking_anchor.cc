// The reference of tracking: its beginning from a joint fit, what is known about its line, and how frames join it.
#include <algorithm>
#include <cmath>
#include <limits>

#include "fit/tracking.h"
#include "fit/voigt.h"
#include "statistics/root_of_squares.h"

namespace phorest {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
/** Camera noise assumed until there is a second frame: counts^2, and per count. */
constexpr double kFirstFloor = 0.15, kFirstPerCount = 0.03;
/** The dark level is assumed to be at most this fraction of the darkest light. */
constexpr double kDarkestShare = 0.95;
/** px: a smaller step ends the descent. */
constexpr double kFine = 5e-4;
/** Uncertainty of the dark level estimated from the speckle, as a fraction of the light. */
constexpr double kDarkDoubt = 0.05;
/** px^2: grains of speckle, including the effect of the camera's own processing, are not larger. */
constexpr double kLargestGrain = 60;

/** Converts the line of a joint fit to heights and the light below it. */
Anchor anchorOf(const JointAnswer& fit, double dark, double unit) {
  Anchor made{};
  made.frames = 1;
  made.position = fit.columns[0];
  made.error = fit.standardError;
  made.centre = fit.line.centre, made.slope = fit.line.slope, made.logWidth = fit.line.logWidth, made.phase = fit.line.phase;
  made.height = fit.height;
  made.ground = (fit.ground - dark) / std::fabs(made.height);
  made.floor = kFirstFloor * unit * unit, made.perCount = kFirstPerCount;
  return made;
}

void moveBy(Anchor& anchor, const TrackedLine& at) {
  anchor.centre += at.by[1], anchor.slope += at.by[2], anchor.logWidth += at.by[3], anchor.phase += at.by[4];
  anchor.ground += at.by[5];
}

}  // namespace

LinePoint linePoint(Line line, double phase, double t) {
  const double l = 1 / (1 + t * t), m = t * l;
  if (line == Line::gaussian) {
    const double s = std::exp(-0.5 * t * t);
    return {s, -t * s, s * (t * t * t - 3 * t)};
  }
  if (line == Line::lorentzian) return {l, -2 * m * l, m};
  if (line == Line::voigt) {
    double s, u, d;
    voigtAt(VoigtLine(phase), t, s, u, d);
    return {s, u, m};
  }
  const double cosine = std::cos(phase), sine = std::sin(phase);
  return {cosine * l + sine * m, sine * (l - 2 * m * m) - cosine * 2 * m * l, cosine * m - sine * l};
}

/** Converts a joint fit of the frame alone: a position, and no shift. */
TrackAnswer Tracking::answerOf(const JointAnswer& fit, double anchorError) {
  TrackAnswer answer{};
  std::fill_n(answer.columns, kTrackingColumns, kNaN);
  // On a curve that began with another frame's joint fit, the errors of both add up.
  answer.standardError = rootOfSquares(fit.standardError, anchorError);
  answer.explained = fit.explained;
  answer.peakToNoise = fit.peakToNoise;
  answer.residualDistance = fit.residualDistance;
  answer.status = fit.status;
  answer.fellBack = fit.status == kOk;
  if (fit.status != kOk) return answer;
  answer.columns[0] = fit.columns[0];
  answer.columns[3] = fit.columns[6];
  return answer;
}

/** Handles an ROI without a reference: a joint fit, which becomes the anchor if permitted. */
TrackAnswer Tracking::begin(const TrackFrame& frame, Joint& joint, Anchor& anchor, std::uint16_t* pixels, bool grow) {
  const JointAnswer fit = joint.measure(frame.line, frame.samples, frame.rows, frame.width, frame.top, frame.unit);
  TrackAnswer answer = answerOf(fit, 0);
  if (answer.status != kOk || !grow) return answer;
  prepare(frame, 0);
  Anchor made = anchorOf(fit, dark_, frame.unit);
  anchorTo(frame, made);
  double dark = darkOfSpeckle(made);
  // The estimate from the speckle is accurate only to a few counts. If the darkest places are consistent with it, they are more
  // accurate.
  const double doubt = kDarkDoubt * (std::fabs(made.height) + fit.ground);
  if (frame.darkest > 0 && frame.darkest < std::min(dark + doubt, fit.ground)) dark = frame.darkest;
  if (!darkKnown_ && dark > 0) {
    prepare(frame, dark);
    made = anchorOf(fit, dark_, frame.unit);
    anchorTo(frame, made);
  }
  made.dark = dark_;
  made.unit = frame.unit;
  if (!(made.scale >= 0)) return answer;
  anchor = made;
  answer.columns[1] = 0;
  answer.columns[2] = 1;
  answer.fellBack = false;
  answer.joined = true;
  const std::size_t count = static_cast<std::size_t>(frame.rows) * frame.width;
  for (std::size_t i = 0; i < count; ++i) {
    const float value = frame.samples[i];
    pixels[i] = value >= frame.top ? kCutOff : static_cast<std::uint16_t>(std::nearbyint(256 * std::clamp(value, 0.0F, 255.9F)));
  }
  return answer;
}

/**
 * Fits the line as tracking holds it: all rows have the same light below it, and no offsets. The fit's covariance, widened for
 * grains of speckle, is its uncertainty.
 */
void Tracking::anchorTo(const TrackFrame& frame, Anchor& anchor) {
  roi_.absolute = true;
  for (int row = 0; row < roi_.rows; ++row) {
    const float* from = frame.samples + static_cast<long>(row) * roi_.width;
    const long first = static_cast<long>(row) * roi_.stride;
    for (int i = 0; i < roi_.stride; ++i) {
      const bool inside = i < roi_.width;
      const double y = inside ? from[i] - dark_ : 0;
      roi_.y[first + i] = y;
      roi_.base[first + i] = inside ? 1 : 0;
      roi_.kept[first + i] = roi_.spread[first + i] = 0;
      roi_.weight[first + i] = inside ? 1 / (1 + std::fabs(y)) : 0;
    }
  }
  anchor.ground = std::max(anchor.ground, 0.0);
  unsigned free = kShapeBits;
  if (roi_.rows == 1) free &= ~(1U << 2);
  TrackedLine at{};
  inflation_ = 1;
  if (settle(anchor, free, at)) moveBy(anchor, at);
  at = {};
  evaluate(anchor, at, free, normals_);
  roi_.typical = median({roi_.scale, roi_.scale + roi_.rows});
  vectorUnit().trackTrace(roi_, anchor, at);
  learnNoise();
  vectorUnit().trackWeigh(roi_, noise_);
  evaluate(anchor, at, free, normals_);
  worth(anchor, at);
  double squares = 0, lights = 0;
  for (int row = 0; row < roi_.rows; ++row) {
    for (int i = 0; i < roi_.width; ++i) {
      const long sample = static_cast<long>(row) * roi_.stride + i;
      if (!(roi_.weight[sample] > 0)) continue;
      const double predicted = roi_.predicted[sample], residual = roi_.residual[sample];
      squares += std::max(0.0, residual * residual - anchor.floor - anchor.perCount * predicted);
      lights += predicted * predicted;
    }
  }
  anchor.speckle = std::clamp(lights > 0 ? std::sqrt(squares / lights) : 0, kLeastSpeckle, kMostSpeckle);
  anchor.grain = std::clamp(1 + (bothArea_ - 1) / speckledShare(anchor), 1.0, kLargestGrain);
  weighGrains(anchor);
  TrackedLine again{};
  if (descend(anchor, free, kFine, again)) moveBy(anchor, again);
  else evaluate(anchor, {}, free, normals_);
  const double ofSample = inflation_ / bothArea_, each = std::max(ofSample, inflationBesideGrains(anchor));
  for (int k = 0; k < kShape; ++k) {
    for (int j = 0; j <= k; ++j) anchor.prior[k * (k + 1) / 2 + j] = normals_.matrix[k + 1][j + 1] / each;
  }
  anchor.height = std::copysign(roi_.typical, anchor.height);
  anchor.scale = scaleOf(anchor);
}

/**
 * counts: the light at which the speckle of the anchor's frame would vanish, extrapolated from its size in bins of the light,
 * because speckle is proportional to the light alone. 0 if that is nowhere near the observed light.
 */
double Tracking::darkOfSpeckle(const Anchor& anchor) const {
  double n = 0, x = 0, y = 0, xx = 0, xy = 0;
  for (int bin = 0; bin < kNoiseBins; ++bin) {
    const double light = noise_.node[bin], variance = 1 / (noise_.inverse[bin] * noise_.inverse[bin]);
    const double speckle = std::sqrt(std::max(0.0, variance - anchor.floor - anchor.perCount * (light - noise_.node[0])));
    // Each sample determines the deviation to the same relative precision.
    const double weight = noise_.count[bin] / variance;
    n += weight, x += weight * light, y += weight * speckle, xx += weight * light * light, xy += weight * light * speckle;
  }
  const double slope = (n * xy - x * y) / (n * xx - x * x);
  if (!(slope > 0)) return 0;
  // The darkest light of the line still contains light.
  return std::clamp(x / n - y / n / slope, 0.0, kDarkestShare * noise_.node[0]);
}

/**
 * Returns the uncertainty of the scale of small shifts, px per px: the effect of an error of the shape on the regression on the
 * derivative of the light's logarithm by the shift. NaN if the shape is unknown.
 */
double Tracking::scaleOf(const Anchor& anchor) const {
  // Computed numerically along the visible line in the middle row; the others only repeat it.
  const auto lightAt = [&](double x, const double* by) {
    const double t = (x - anchor.centre - by[0]) / std::exp(anchor.logWidth + by[2]);
    const double shape = linePoint(roi_.line, anchor.phase + by[3], t).s;
    return std::max(0.0005, anchor.ground + by[4] + (anchor.height < 0 ? -shape : shape));
  };
  constexpr double kStep = 1e-4;
  const auto slopeAt = [&](double x, const double* by) {
    return -(std::log(lightAt(x + kStep, by)) - std::log(lightAt(x - kStep, by))) / (2 * kStep);
  };
  double sums[3] = {}, products[kShape + 1][kShape + 3] = {};
  for (int i = 0; i < roi_.width; ++i) {
    double by[kShape] = {}, f[kShape + 1];
    const double light = lightAt(i, by), counts = std::fabs(anchor.height) * light;
    const double weight = 1 / std::max(roi_.least, anchor.floor + anchor.perCount * counts);
    f[0] = light * slopeAt(i, by);
    for (int k = 0; k < kShape; ++k) {
      by[k] = kStep;
      const double more = slopeAt(i, by);
      by[k] = -kStep;
      f[k + 1] = light * (more - slopeAt(i, by)) / (2 * kStep);
      by[k] = 0;
    }
    sums[0] += weight, sums[1] += weight * light, sums[2] += weight * light * light;
    for (int k = 0; k <= kShape; ++k) {
      products[k][0] += weight * f[k] * f[0];
      products[k][1] += weight * f[k];
      products[k][2] += weight * f[k] * light;
    }
  }
  // Removes what each row's light and offset can imitate.
  const double determinant = sums[0] * sums[2] - sums[1] * sums[1];
  if (!(determinant > 0)) return kNaN;
  const auto without = [&](int k) {
    const double a = products[k][1], b = products[k][2], c = products[0][1], d = products[0][2];
    return products[k][0] - (a * c * sums[2] - (a * d + b * c) * sums[1] + b * d * sums[0]) / determinant;
  };
  const double own = without(0);
  if (!(own > 0)) return kNaN;
  TrackNormals known{};
  for (int k = 0; k < kShape; ++k) {
    for (int j = 0; j < kShape; ++j) {
      known.matrix[k][j] = anchor.prior[std::max(k, j) * (std::max(k, j) + 1) / 2 + std::min(k, j)];
    }
    known.right[k] = without(k + 1) / own;
  }
  // The slope along the rows is centred on the middle row.
  known.right[1] = 0;
  double step[kSuspected], variance = 0;
  if (!solve(known, kShapeBits >> 1, 0, step, nullptr)) return kNaN;
  for (int k = 0; k < kShape; ++k) variance += step[k] * known.right[k];
  return std::sqrt(std::max(0.0, variance));
}

/** Moves the frame back to the anchor, scales it to its light, and adds it to the mean. */
void Tracking::join(const TrackFrame& frame, const Anchor& anchor, const TrackedLine& at, std::uint16_t* pixels) const {
  vectorUnit().trackHome(roi_, anchor, at);
  for (int row = 0; row < roi_.rows; ++row) {
    for (int i = 0; i < roi_.width; ++i) {
      const long sample = static_cast<long>(row) * roi_.stride + i, to = static_cast<long>(row) * roi_.width + i;
      if (frame.samples[to] >= frame.top) pixels[to] = kCutOff;
      // Samples that do not agree (a grain of dust) are left out.
      if (pixels[to] == kCutOff || !(roi_.weight[sample] > 0)) continue;
      const double before = pixels[to] / 256.0;
      const double mean = before + (roi_.spread[sample] + anchor.dark - before) / (anchor.frames + 1);
      const double kept = std::nearbyint(256 * mean);
      pixels[to] = kept < kCutOff ? static_cast<std::uint16_t>(std::max(0.0, kept)) : kCutOff;
    }
  }
}

}  // namespace phorest
