// Speckle is correlated over a grain: the effect on what the anchor's frame says about its line.
#include <algorithm>
#include <cmath>

#include "fit/tracking.h"

namespace phorest {
namespace {

/** If speckle is a smaller fraction of the variance than this, its grains cannot be seen. */
constexpr double kLeastSpeckled = 0.2;

/** counts^2: contributions of speckle and of the camera to the variance of a sample. */
struct Variances {
  double speckle, camera;
};

Variances variancesAt(const Anchor& anchor, double predicted) {
  const double light = std::max(0.0, predicted);
  return {anchor.speckle * anchor.speckle * light * light, anchor.floor + anchor.perCount * light};
}

}  // namespace

/** A grain of speckle is one sample and not many: where the residual is speckle, the samples of a grain share one weight. */
void Tracking::weighGrains(const Anchor& anchor) {
  for (long sample = 0; sample < static_cast<long>(roi_.rows) * roi_.stride; ++sample) {
    const auto [speckle, camera] = variancesAt(anchor, roi_.predicted[sample]);
    roi_.weight[sample] *= (speckle + camera) / (anchor.grain * speckle + camera);
  }
}

/**
 * Returns the factor by which the variance exceeds that of samples with grains of speckle, because of light that is uneven over
 * more than a grain.
 */
double Tracking::inflationBesideGrains(const Anchor& anchor) {
  vectorUnit().trackTrace(roi_, anchor, {});
  for (long sample = 0; sample < static_cast<long>(roi_.rows) * roi_.stride; ++sample) {
    roi_.spread[sample] = (anchor.grain - 1) * variancesAt(anchor, roi_.predicted[sample]).speckle;
  }
  worth(anchor, {});
  JointRows shape{};
  shape.rows = roi_.rows, shape.width = roi_.width, shape.stride = roi_.stride;
  const Fitted fitted{1, roi_.line == Line::fano || roi_.line == Line::voigt ? 5.0 : 4.0};
  const auto areaOf = [&](const double* influence) {
    return areasUnder(correlationOf(shape, influence, roi_.width), fitted, roi_.width).both;
  };
  const double ofAll = inflation_ / bothArea_ * areaOf(roi_.spread);
  if (!(pulls_.toldSlopes > 0)) return ofAll;
  const double own = pulls_.toldInfluences * pulls_.toldInside / (pulls_.toldSlopes * pulls_.toldSlopes);
  return std::max(ofAll, own * areaOf(roi_.pull));
}

/**
 * Returns the variance of the sum of as many samples of a row as a grain is wide, relative to that of independent ones, from how
 * the difference between frame and reference changes from one such sum to the next but one. A camera that smooths its images has
 * noise with a grain, and then a mean is no better than a single sample. Second differences are insensitive to a shift. At least
 * 1.
 */
double Tracking::noiseTogether(const Anchor& anchor) const {
  const int samples = 2 * reachOfGrain(anchor) + 1;
  if (samples < 2) return 1;
  double seen = 0, expected = 0;
  for (int row = 0; row < roi_.rows; ++row) {
    const long first = static_cast<long>(row) * roi_.stride;
    double light = 0, reference = 0;
    for (int i = 0; i < roi_.width; ++i) light += roi_.y[first + i], reference += roi_.kept[first + i];
    if (!(light > 0 && reference > 0)) continue;
    const double scale = reference / light;
    double differences[3] = {}, variances[3] = {};
    for (int begin = 0, known = 0; begin + samples <= roi_.width; begin += samples) {
      double difference = 0, variance = 0;
      bool whole = true;
      for (int i = begin; i < begin + samples; ++i) {
        const double kept = roi_.kept[first + i], photons = anchor.perCount * std::max(0.0, kept);
        whole = whole && roi_.weight[first + i] > 0;
        difference += scale * roi_.y[first + i] - kept;
        variance += std::max(roi_.least, scale * (scale * anchor.floor + photons) + (anchor.floor + photons) / anchor.frames);
      }
      std::copy_n(differences + 1, 2, differences), std::copy_n(variances + 1, 2, variances);
      differences[2] = difference, variances[2] = variance;
      known = whole ? known + 1 : 0;
      if (known < 3) continue;
      seen += std::fabs(differences[0] - 2 * differences[1] + differences[2]);
      expected += std::sqrt(variances[0] + 4 * variances[1] + variances[2]);
    }
  }
  // Mean absolute value of normal deviates.
  const double ratio = expected > 0 ? seen / (std::sqrt(2 / M_PI) * expected) : 1;
  return std::max(1.0, ratio * ratio);
}

/**
 * Returns the fraction of the residuals' variance, each weighted by its own, that is speckle; the rest is the camera's noise,
 * which has no grains.
 */
double Tracking::speckledShare(const Anchor& anchor) const {
  double share = 0, count = 0;
  for (long sample = 0; sample < static_cast<long>(roi_.rows) * roi_.stride; ++sample) {
    if (!(roi_.weight[sample] > 0)) continue;
    const auto [speckle, camera] = variancesAt(anchor, roi_.predicted[sample]);
    share += speckle / (speckle + camera), ++count;
  }
  return count > 0 ? std::max(share / count, kLeastSpeckled) : 1;
}

}  // namespace phorest
