// What the residuals of a frame say about the camera, and whether they come from another place of the chip.
#include <algorithm>
#include <cmath>

#include "fit/tracking.h"

namespace phorest {
namespace {

/** From this many deviations on, the residuals are more than a camera's noise. */
constexpr double kSure = 2;

}  // namespace

/** Estimates the camera's noise from that of this frame and its reference. */
void Tracking::learnCamera(Anchor& anchor) const {
  double n = 0, x = 0, y = 0, xx = 0, xy = 0;
  for (int bin = 0; bin < kNoiseBins; ++bin) {
    const double light = noise_.node[bin];
    const double variance = 1 / (noise_.inverse[bin] * noise_.inverse[bin]) / (1 + 1 / anchor.frames);
    // Each sample determines the variance to the same relative precision; the darkest ones determine the floor.
    const double weight = noise_.count[bin] / (variance * variance);
    n += weight, x += weight * light, y += weight * variance, xx += weight * light * light, xy += weight * light * variance;
  }
  const double spread = n * xx - x * x;
  const double perCount = spread > 0 ? std::max(0.0, (n * xy - x * y) / spread) : 0;
  const double floor = std::max(0.0, (y - perCount * x) / n), share = 1 / anchor.frames;
  const double morePerCount = (perCount - anchor.perCount) * share, moreFloor = (floor - anchor.floor) * share;
  anchor.perCount += morePerCount;
  anchor.floor += moreFloor;
  // The camera noise in the anchor's frame was taken for speckle.
  double squares = 0, lights = 0;
  for (long sample = 0; sample < static_cast<long>(roi_.rows) * roi_.stride; ++sample) {
    if (!(roi_.weight[sample] > 0)) continue;
    const double light = roi_.predicted[sample];
    squares += moreFloor + morePerCount * light, lights += light * light;
  }
  if (!(lights > 0)) return;
  const double left = anchor.speckle * anchor.speckle - squares / lights;
  anchor.speckle = std::clamp(std::sqrt(std::max(0.0, left)), kLeastSpeckle, kMostSpeckle);
}

/**
 * Whether the residuals grow with the square of the light, as speckle does: no camera's noise grows faster than the light. Both
 * models are fitted to the noise as a function of the light, with non-negative terms.
 */
bool Tracking::leavesSpeckle() const {
  constexpr unsigned kOfCamera = 0b011, kAll = 0b111;
  // Relative variance of a variance that is estimated from the mean size of normal deviates, times their number.
  constexpr double kOfSizes = 4 * (M_PI / 2 - 1);
  const double alike = std::max(1.0, bothArea_ / rowsPerNoise(roi_.rows)), brightest = std::fabs(noise_.node[kNoiseBins - 1]);
  TrackNormals normals{};
  for (int bin = 0; bin < kNoiseBins; ++bin) {
    const double light = std::max(0.0, noise_.node[bin]) / brightest;
    const double variance = 1 / (noise_.inverse[bin] * noise_.inverse[bin]);
    const double weight = noise_.count[bin] / (kOfSizes * alike * variance * variance);
    const double powers[] = {1, light, light * light};
    for (int k = 0; k < 3; ++k) {
      normals.right[k] += weight * powers[k] * variance;
      for (int j = 0; j < 3; ++j) normals.matrix[k][j] += weight * powers[k] * powers[j];
    }
  }
  const auto explained = [&](unsigned allowed) {
    double most = 0;
    for (unsigned free = 1; free <= allowed; ++free) {
      double found[kSuspected], sum = 0;
      if ((free & ~allowed) != 0 || !solve(normals, free, 0, found, nullptr)) continue;
      bool positive = true;
      for (int k = 0; k < 3; ++k) positive = positive && found[k] >= 0, sum += found[k] * normals.right[k];
      if (positive) most = std::max(most, sum);
    }
    return most;
  };
  return explained(kAll) - explained(kOfCamera) > kSure * kSure;
}

/**
 * Returns the correlation of this frame with the reference apart from the line, in deviations expected by chance. Samples are
 * weighted by how visible speckle of the same contrast would be in them. Overwrites spread and pull.
 */
double Tracking::foundAgain() {
  const auto inverseAt = [&](double light) {
    double inverse = noise_.inverse[0];
    for (int bin = 0; bin + 1 < kNoiseBins; ++bin) {
      inverse += noise_.rise[bin] * std::clamp((light - noise_.node[bin]) * noise_.perCount[bin], 0.0, 1.0);
    }
    return inverse;
  };
  double both = 0, squares = 0;
  for (int row = 0; row < roi_.rows; ++row) {
    for (int i = 0; i < roi_.stride; ++i) {
      const long at = static_cast<long>(row) * roi_.stride + i;
      const bool compared = roi_.weight[at] > 0 && roi_.gain[at] > kDarkGrain * roi_.rowGain[row];
      const double light = roi_.predicted[at], inverse = inverseAt(light);
      const double known = compared ? (light - roi_.offset[row]) * (1 - roi_.rowGain[row] / roi_.gain[at]) : 0;
      const double seen = compared ? roi_.residual[at] + known : 0, counts = light * inverse * inverse;
      roi_.spread[at] = counts * known, roi_.pull[at] = counts * seen;
      const double product = roi_.spread[at] * roi_.pull[at];
      both += product, squares += product * product;
    }
  }
  JointRows shape{};
  shape.rows = roi_.rows, shape.width = roi_.width, shape.stride = roi_.stride;
  // The chance correlation of two fields extends no farther than that of each of them.
  const double alike = std::sqrt(correlationAreas(shape, roi_.spread).both * correlationAreas(shape, roi_.pull).both);
  return squares > 0 ? both / std::sqrt(alike * squares) : 0;
}

/**
 * Whether the frame shows another place of the chip: the reference's speckle is not in it, or other speckle is left over. With a
 * reference of one frame, all its residuals were taken for speckle. A noisy camera reproduces only a part of them, so there any
 * correlation is enough.
 */
bool Tracking::looksForeign(const Anchor& anchor) {
  if (along_ && (anchor.frames < 2 || !elsewhere_)) return false;
  if (elsewhere_ && ((anchor.frames >= 2 && leftOver_ > kHardlyLeft) || foundAgain() < kSure)) return true;
  return leavesSpeckle();
}

}  // namespace phorest
