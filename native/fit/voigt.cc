// The values of a Voigt line that are computed once: the series, and the scales of a line.
#include "fit/voigt.h"

#include <algorithm>
#include <cmath>

namespace phorest {
namespace {

/** The terms are a cosine transform of exp(-x^2) (L^2 + x^2) on the circle, to which x = L tan(angle / 2) maps the axis. */
FaddeevaSeries weideman() {
  constexpr int kPoints = 2 * kFaddeevaTerms;
  FaddeevaSeries series{};
  series.length = std::sqrt(kFaddeevaTerms / M_SQRT2);
  for (int k = -kPoints + 1; k < kPoints; ++k) {
    const double angle = k * M_PI / kPoints, x = series.length * std::tan(angle / 2);
    const double value = std::exp(-x * x) * (series.length * series.length + x * x) / (2 * kPoints);
    for (int n = 0; n < kFaddeevaTerms; ++n) series.terms[n] += value * std::cos((n + 1) * angle);
  }
  return series;
}

/**
 * Near 1 the Gaussian is so narrow that z is large and derivatives lose digits; from here on the line is extrapolated, accurate
 * to 3e-5.
 */
constexpr double kMostShare = 0.99;
/**
 * Half-width of a Voigt line from those of its parts: f = a l + sqrt(b l^2 + g^2), to 0.02 %. J. J. Olivero and R. L. Longbothum,
 * J. Quant. Spectrosc. Radiat. Transfer 17 (1977) 233; b is chosen so that a pure Lorentzian has its own.
 */
constexpr double kOwn = 0.5346, kJoined = (1 - kOwn) * (1 - kOwn);

}  // namespace

const FaddeevaSeries kFaddeeva = weideman();

VoigtLine::VoigtLine(double asked) : share(std::clamp(asked, 0.0, kMostShare)), beyond(asked - share) {
  const double rest = 1 - kOwn * share, gaussian = rest * rest - kJoined * share * share;  // squared half-width
  scale = std::sqrt(M_LN2 / gaussian);
  growth = scale * (kOwn * rest + kJoined * share) / gaussian;
  const double y = scale * share;
  const Complex<double> middle = faddeeva(0.0, y), slope = faddeevaSlope(0.0, y, middle);
  height = 1 / middle.real;
  fall = -slope.imaginary * (growth * share + scale) * height;
}

}  // namespace phorest
