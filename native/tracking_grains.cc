// Speckle is alike over a grain: what that does to what the anchor's frame knows of its line.
#include <algorithm>

#include "tracking.h"

namespace phorest {
namespace {

/** Where less of the variance than this is speckle, its grains cannot be seen. */
constexpr double kLeastSpeckled = 0.2;

}  // namespace

/** A grain of speckle is one sample and not many: where speckle is what is left over, the samples of a grain share one weight. */
void Tracking::weighGrains(const Anchor& anchor) {
  for (long sample = 0; sample < static_cast<long>(roi_.rows) * roi_.stride; ++sample) {
    const double light = std::max(0.0, roi_.predicted[sample]), speckle = anchor.speckle * anchor.speckle * light * light;
    const double variance = speckle + anchor.floor + anchor.perCount * light;
    roi_.weight[sample] *= variance / (variance + (anchor.grain - 1) * speckle);
  }
}

/** By how much the variance is larger than that of samples with grains of speckle: light that is uneven over more than a grain. */
double Tracking::inflationBesideGrains(const Anchor& anchor) {
  vectorUnit().trackTrace(roi_, anchor, {});
  const double others = anchor.speckle * anchor.speckle * (anchor.grain - 1);
  for (long sample = 0; sample < static_cast<long>(roi_.rows) * roi_.stride; ++sample) {
    const double light = std::max(0.0, roi_.predicted[sample]);
    roi_.spread[sample] = others * light * light;
  }
  worth();
  return inflation_;
}

/** How much of the residuals' variance, each weighed by its own, is speckle; the camera's noise, which has no grains, is the rest. */
double Tracking::speckledShare(const Anchor& anchor) const {
  double share = 0, count = 0;
  for (long sample = 0; sample < static_cast<long>(roi_.rows) * roi_.stride; ++sample) {
    if (!(roi_.weight[sample] > 0)) continue;
    const double light = std::max(0.0, roi_.predicted[sample]), speckle = anchor.speckle * anchor.speckle * light * light;
    share += speckle / (speckle + anchor.floor + anchor.perCount * light), ++count;
  }
  return count > 0 ? std::max(share / count, kLeastSpeckled) : 1;
}

}  // namespace phorest
