// Evaluates a tracked shift: its error, and whether something other than a shift has happened.
#include <algorithm>
#include <cmath>

#include "fit/tracking.h"

namespace phorest {
namespace {

/**
 * Deviations from which on a gradient of the light is possible, and the largest factor of the variance that removing it may cost.
 */
constexpr double kThinkable = 2, kMostLoss = 4;
/** Another cause is suspected if it is larger than this many of its deviations and would move the shift by this many errors. */
constexpr double kSuspicion = 4, kHarm = 1;
/** Limits in deviations of a chance correlation: above the first, two frames share their speckle. */
constexpr double kAlong = 4, kChance = 2;
/** px^2: a grain of speckle, or of the camera's own processing, is not larger. */
constexpr double kLargestGrain = 60;

}  // namespace

/**
 * Returns the fraction of the variance about the rows' means that the last trace leaves over. Also determines whether the frame
 * has the speckle of the reference, however noisy it is; it does not if the descent has failed, or if the frame shows another
 * place of the chip.
 */
double Tracking::leftOver() {
  double total = 0, left = 0, both = 0, here = 0, there = 0, samples = 0;
  for (int row = 0; row < roi_.rows; ++row) {
    double sum = 0, squares = 0, count = 0;
    for (int i = 0; i < roi_.width; ++i) {
      const long at = static_cast<long>(row) * roi_.stride + i;
      if (!(roi_.base[at] > 0)) continue;
      sum += roi_.y[at], squares += roi_.y[at] * roi_.y[at], ++count;
      // Dust must not trigger the search.
      if (!(roi_.weight[at] > 0)) continue;
      left += roi_.residual[at] * roi_.residual[at];
      if (!(roi_.gain[at] > kDarkGrain * roi_.rowGain[row])) continue;
      const double speckle = (roi_.predicted[at] - roi_.offset[row]) * (1 - roi_.rowGain[row] / roi_.gain[at]);
      const double seen = roi_.residual[at] + speckle;
      both += seen * speckle, here += seen * seen, there += speckle * speckle, ++samples;
    }
    if (count > 0) total += squares - sum * sum / count;
  }
  const double chance = std::sqrt(here * there * bothArea_ / std::max(1.0, samples));
  along_ = both > kAlong * chance;
  // If the speckle is the same, all of it is found again.
  elsewhere_ = both + kChance * chance < there / 2;
  return total > 0 ? left / total : 1;
}

/**
 * Computes the factor by which the variance exceeds that of independent residuals as large as the weights say. Overwrites the
 * spread.
 */
void Tracking::worth(const Anchor& anchor, const TrackedLine& at) {
  vectorUnit().trackPulls(roi_, noise_, anchor, at, pulls_);
  kept_ = pulls_.compared > 0 ? pulls_.inside / pulls_.compared : 0;
  JointRows shape{};
  shape.rows = roi_.rows, shape.width = roi_.width, shape.stride = roi_.stride;
  const Areas areas = correlationAreas(shape, roi_.spread);
  alongArea_ = areas.along, bothArea_ = areas.both;
  inflation_ = pulls_.slopes > 0 ? bothArea_ * pulls_.influences * pulls_.inside / (pulls_.slopes * pulls_.slopes) : 1;
}

/**
 * Returns the same factor for the shift, after worth(), with each residual weighted by its pull on the shift, because noise with
 * a grain may exist only where it is bright. It is at least that of all samples, because a line that does not fit has absorbed
 * what it could on its flanks.
 */
double Tracking::inflationOfShift() const {
  if (!(pulls_.toldSlopes > 0)) return inflation_;
  JointRows shape{};
  shape.rows = roi_.rows, shape.width = roi_.width, shape.stride = roi_.stride;
  const double own = pulls_.toldInfluences * pulls_.toldInside / (pulls_.toldSlopes * pulls_.toldSlopes);
  return std::max(inflation_, correlationAreas(shape, roi_.pull).both * own);
}

/**
 * Computes the variance of the shift, px^2, from the frame's data after worth(). Where speckle is not known sample by sample, it
 * may be the same grain from which the anchor's shape was derived: what the samples seem to say about the shape there is nothing
 * new.
 */
bool Tracking::shiftVariance(const Anchor& anchor, const TrackedLine& at, double& variance) {
  double step[kSuspected], variances[kSuspected];
  TrackNormals normals = normals_;
  if ((free_ & kShapeBits) != 0) {
    roi_.alike = anchor.grain;
    evaluate(anchor, at, free_, normals);
    roi_.alike = 1;
  }
  if (!solve(normals, free_, 0, step, variances)) return false;
  variance = variances[0] * inflationOfShift();
  return true;
}

/** Returns the factor without what all rows have in common, because noise has no such part. Overwrites the spread. */
double Tracking::inflationWithoutMisfit() {
  if (bothArea_ < 1.2) return inflation_;
  JointRows shape{};
  shape.rows = roi_.rows, shape.width = roi_.width, shape.stride = roi_.stride;
  for (int i = 0; i < roi_.width; ++i) {
    double sum = 0;
    for (int row = 0; row < roi_.rows; ++row) sum += roi_.spread[static_cast<long>(row) * roi_.stride + i];
    for (int row = 0; row < roi_.rows; ++row) roi_.spread[static_cast<long>(row) * roi_.stride + i] -= sum / roi_.rows;
  }
  const Areas areas = correlationAreas(shape, roi_.spread);
  return inflation_ / bothArea_ * std::min({areas.both, bothArea_, kLargestGrain});
}

/**
 * A quick test for that: whether the part of the influences common to all rows (worth() has left them in the spread) looks like a
 * gradient, another width or another asymmetry. Much cheaper, and seldom true without a cause.
 */
bool Tracking::lookSuspicious(const Anchor& anchor, const TrackedLine& at) const {
  /** Deviations; exceeded in one of twelve sound frames. */
  constexpr double kLook = 2.2;
  constexpr int kKnown = 3, kAll = 6;
  // The constant, the light and the shift, which the fit has removed, then the functions to test.
  double products[kAll][kAll] = {}, sums[kAll] = {}, squares = 0, count = 0;
  const double width = std::exp(anchor.logWidth + at.by[3]), phase = anchor.phase + at.by[4], ground = anchor.ground + at.by[5];
  const double sign = anchor.height < 0 ? -1 : 1;
  for (int i = 0; i < roi_.width; ++i) {
    double common = 0, weight = 0, present = 0;
    for (int row = 0; row < roi_.rows; ++row) {
      const long sample = static_cast<long>(row) * roi_.stride + i;
      if (!(roi_.weight[sample] > 0)) continue;
      common += roi_.spread[sample], squares += roi_.spread[sample] * roi_.spread[sample];
      weight += roi_.weight[sample], ++present;
    }
    if (!(present > 0)) continue;
    count += present;
    const double t = (i - anchor.centre - at.by[1] - at.shift()) / width;
    const LinePoint line = linePoint(roi_.line, phase, t);
    const double light = std::max(0.0, ground + sign * line.s), x = i / std::max(1.0, roi_.width - 1.0) - 0.5;
    const double f[kAll] = {1, light, line.u, light * x, line.u * t, line.odd};
    const double scaled = std::sqrt(weight / present);
    for (int k = 0; k < kAll; ++k) {
      sums[k] += scaled * f[k] * common;
      for (int j = 0; j <= k; ++j) products[k][j] += present * scaled * scaled * f[k] * f[j];
    }
  }
  if (!(squares > 0)) return false;
  // Gaussian elimination of the known functions, in order.
  for (int pivot = 0; pivot < kKnown; ++pivot) {
    if (!(products[pivot][pivot] > 0)) continue;
    for (int k = pivot + 1; k < kAll; ++k) {
      const double share = products[k][pivot] / products[pivot][pivot];
      sums[k] -= share * sums[pivot];
      for (int j = pivot + 1; j <= k; ++j) products[k][j] -= share * products[j][pivot];
    }
  }
  for (int k = kKnown; k < kAll; ++k) {
    if (sums[k] * sums[k] > kLook * kLook * products[k][k] * squares / count) return true;
  }
  return false;
}

/** Whether frame and reference require a shape that the anchor's frame, with its speckle, cannot have had. */
bool Tracking::contradictsAnchor(const Anchor& anchor, const TrackedLine& at) {
  /** Sum of five squared deviations; by chance it is exceeded less than once in 100,000 frames. */
  constexpr double kMostSquares = 32;
  double squares = 0;
  for (int k = 0; k < kShape; ++k) {
    for (int j = 0; j < kShape; ++j) {
      const int low = std::max(k, j), high = std::min(k, j);
      squares += anchor.prior[low * (low + 1) / 2 + high] * at.by[k + 1] * at.by[j + 1];
    }
  }
  return squares > kMostSquares;
}

/** Continues with another set of parameters; returns false if that does not converge. */
bool Tracking::retry(const Anchor& anchor, unsigned free, TrackedLine& at, double& variance) {
  const TrackedLine before = at;
  free_ = free;
  if (!settle(anchor, free_, at)) {
    at = before;
    return false;
  }
  worth(anchor, at);
  if (!shiftVariance(anchor, at, variance)) return false;
  if ((free_ & kShapeBits) == 0) variance += varianceOfShape(anchor, at);
  return true;
}

/**
 * Whether the profile of the light or the shape of the line has changed, and the effect on the shift. If the dark level is known
 * and the ground bright enough, a gradient of the light is removed.
 */
bool Tracking::suspect(const Anchor& anchor, TrackedLine& at, double& variance) {
  if (contradictsAnchor(anchor, at)) return true;
  const bool tilted = (free_ & kGradientBit) != 0;
  if (!tilted && !lookSuspicious(anchor, at)) return false;
  TrackNormals normals;
  double step[kSuspected], variances[kSuspected], least = 1, here = 0, own = 0;
  const auto look = [&] {
    least = inflationWithoutMisfit();
    evaluate(anchor, at, free_ | kGradientBit | kAloneBits, normals);
    if (!solve(normals, free_, 0, step, variances)) return false;
    here = step[0], own = variances[0];
    return true;
  };
  if (!look()) return true;
  if (tilted) {
    const bool believed = at.by[6] * at.by[6] > kBelieved * kBelieved * variances[6] * least;
    const double with = own;
    if (!solve(normals, free_ & ~kGradientBit, 0, step, variances)) return true;
    if (believed && with > kMostLoss * variances[0]) return true;
    if (!believed) {
      at.by[6] = 0;
      if (!retry(anchor, free_ & ~kGradientBit, at, variance) || !look()) return true;
    }
  } else if (darkKnown_ && solve(normals, free_ | kGradientBit, 0, step, variances) && variances[0] < kMostLoss * own) {
    const double squared = step[6] * step[6] / (variances[6] * least);
    // A possible gradient adds to the uncertainty.
    if (squared > kThinkable * kThinkable) variance += (step[0] - here) * (step[0] - here);
    if (squared > kBelieved * kBelieved && (!retry(anchor, free_ | kGradientBit, at, variance) || !look())) return true;
  }
  for (int k = 6; k < kSuspected; ++k) {
    const unsigned bit = 1U << k;
    if ((free_ & bit) != 0 || !solve(normals, free_ | bit, 0, step, variances)) continue;
    const double moved = step[0] - here;
    const bool believed = step[k] * step[k] > kSuspicion * kSuspicion * variances[k] * least;
    if (believed && moved * moved > kHarm * kHarm * own * least) return true;
  }
  return false;
}

void Tracking::judge(const TrackFrame& frame, const Anchor& anchor, const TrackedLine& at, double variance, TrackAnswer& answer) {
  /** A smaller fraction of the reference's light counts as none. */
  constexpr double kLeastLight = 0.1;
  const double light = median({roi_.scale, roi_.scale + roi_.rows});
  double squares = 0, count = 0;
  for (int row = 0; row < roi_.rows; ++row) {
    for (int i = 0; i < roi_.width; ++i) {
      const long sample = static_cast<long>(row) * roi_.stride + i;
      if (!(roi_.base[sample] > 0)) continue;
      squares += roi_.residual[sample] * roi_.residual[sample];
      ++count;
    }
  }
  answer.explained = std::max(0.0, 1 - leftOver_);
  answer.residualDistance = alongArea_;
  answer.peakToNoise = std::fabs(anchor.height) * light / differenceNoise(frame.samples, roi_.rows, roi_.width, frame.unit);
  const double position = anchor.position + at.shift();
  const bool inside = position >= 0 && position <= roi_.width - 1;
  if (!(variance > 0 && inflation_ > 0) || !inside || kept_ < 0.5 || !(light > kLeastLight)) return;
  answer.standardError = std::sqrt(variance);
  answer.columns[0] = position;
  answer.columns[1] = at.shift();
  answer.columns[2] = light;
  answer.columns[3] = std::sqrt(squares / count);
  answer.status = kOk;
}

}  // namespace phorest
