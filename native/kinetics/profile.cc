#include "kinetics/profile.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace phorest::kinetics {
namespace {

/** Number of bins of a stretch: limits change by less than a thousandth of their distance (docs/kinetics.md). */
constexpr int kBins = 64;
constexpr double kLongest = 3;    // of a logarithm, from one point to the next
constexpr double kClose = 0.01;   // to the quantile
constexpr double kEdge = 1e-6;
/** A rate at the edge is a bound if the cost would still fall by this many standard deviations beyond it. */
constexpr double kWants = 0.05;
/** With smaller errors of a logarithm, the cost is a parabola over the whole search range. */
constexpr double kCertain = 0.03;
constexpr int kMostSteps = 40;
constexpr double kFarthestRmax = 14;

}  // namespace

Profile::Profile(const Problem& full, const Range& range, const Descended& optimum, double sure)
    : thinned_(full, kBins), separable_(thinned_.problem()), range_(range), sure_(sure) {
  const double gain = 1e-14 * separable_.evaluate(optimum.rates).squares;
  best_ = descend(separable_, optimum.rates, range, allFree(shapeOf(full.model).rates()), {60, gain, 1e-7});
  rmax_ = separable_.evaluate(best_.rates).linear[0];
}

Profile::Step Profile::stepOf(const Descended& found, double unit, const double* rmax) {
  const int rates = shapeOf(thinned_.problem().model).rates();
  const double reached = std::sqrt(std::max(0.0, found.cost - best_.cost) / unit);
  const Evaluation* at = nullptr;
  for (int p = 0; p < rates; ++p) {
    const bool isLow = found.rates[p] <= range_.low[p] + kEdge, isHigh = found.rates[p] >= range_.high[p] - kEdge;
    if (!isLow && !isHigh) continue;
    if (at == nullptr) at = &separable_.evaluate(found.rates, rmax);
    const double outward = isLow ? -at->descent[p] : at->descent[p];
    const double own = at->normals[p * rates + p];
    if (outward > 0 && own > 0 && outward * outward / own > kWants * kWants * unit) return {reached, true};
  }
  return {reached, false};
}

/**
 * Moves from the optimum to one side until the rise is the quantile, and on until it is sure_. Returns the distance of the
 * former, NaN if it is not reached. `evaluate(distance)` returns the rise.
 */
template <typename Evaluate>
double Profile::side(int sign, double error, double quantile, double farthest, double& reached, Evaluate evaluate) {
  const double most = kLongest;
  double step = std::isfinite(error) && error > 0 ? std::min(quantile * error, most) : 0.5;
  double at = 0, rise = 0, limit = std::numeric_limits<double>::quiet_NaN();
  reached = 0;
  for (int count = 0; count < kMostSteps && rise < sure_; ++count) {
    const double next = std::min(at + step, farthest);
    const Step found = evaluate(sign * next);
    if (found.isAtEdge) break;
    if (std::isnan(limit) && found.reached >= quantile - kClose) {
      double low = at, lowRise = rise, high = next, highRise = found.reached;
      limit = high;
      for (int round = 0; round < 12 && std::fabs(highRise - quantile) > kClose; ++round) {
        const double share = std::clamp((quantile - lowRise) / (highRise - lowRise), 0.05, 0.95);
        const double middle = low + share * (high - low);
        const double middleRise = evaluate(sign * middle).reached;
        if (middleRise < quantile - kClose) {
          low = middle;
          lowRise = middleRise;
        } else {
          high = middle;
          highRise = middleRise;
        }
        limit = high;
      }
      if (error < kCertain) {
        reached = kSure;
        return limit;
      }
    }
    at = next;
    rise = std::max(rise, found.reached);
    if (next >= farthest) break;
    step = std::min(step * (rise > 0.8 * sure_ ? 1.0 : 1.7), most);
  }
  reached = kSure * std::min(rise / sure_, 1.0);
  return limit;
}

Limits Profile::along(const double* direction, double error, double unit, double quantile) {
  const int rates = shapeOf(thinned_.problem().model).rates();
  const Freedom freedom = freeBut(rates, direction);
  int moved = 0;
  while (direction[moved] == 0) ++moved;
  double low = 0, high = 0;  // how far the quantity can go within the range
  for (int p = 0; p < rates; ++p) {
    const double up = range_.high[p] - best_.rates[p], down = best_.rates[p] - range_.low[p];
    high += direction[p] > 0 ? up : direction[p] < 0 ? down : 0;
    low += direction[p] > 0 ? down : direction[p] < 0 ? up : 0;
  }
  Limits limits;
  for (int sign : {-1, 1}) {
    double from[kMostRates];
    double last = 0;
    std::copy(best_.rates, best_.rates + kMostRates, from);
    const auto evaluate = [&](double distance) -> Step {
      double start[kMostRates];
      std::copy(from, from + kMostRates, start);
      start[moved] += (distance - last) / direction[moved];
      const Descended found = descend(separable_, start, range_, freedom, {30, 2e-3 * unit, 1e-6});
      double value = 0;
      for (int p = 0; p < rates; ++p) value += direction[p] * (found.rates[p] - best_.rates[p]);
      Step step = stepOf(found, unit);
      step.isAtEdge = step.isAtEdge || std::fabs(value - distance) > 1e-6 * (1 + std::fabs(distance));
      std::copy(found.rates, found.rates + kMostRates, from);
      last = value;
      return step;
    };
    const double limit = side(sign, error, quantile, sign < 0 ? low : high, sign < 0 ? limits.lowReached : limits.highReached, evaluate);
    (sign < 0 ? limits.low : limits.high) = sign * limit;
  }
  return limits;
}

Limits Profile::ofRmax(double error, double unit, double quantile) {
  const int rates = shapeOf(thinned_.problem().model).rates();
  Limits limits;
  for (int sign : {-1, 1}) {
    double from[kMostRates];
    std::copy(best_.rates, best_.rates + kMostRates, from);
    const auto evaluate = [&](double distance) -> Step {
      const double rmax = rmax_ * std::exp(distance);
      const Descended found = descend(separable_, from, range_, allFree(rates), {40, 2e-3 * unit, 1e-6}, &rmax);
      std::copy(found.rates, found.rates + kMostRates, from);
      return stepOf(found, unit, &rmax);
    };
    const double limit = side(sign, error, quantile, kFarthestRmax, sign < 0 ? limits.lowReached : limits.highReached, evaluate);
    (sign < 0 ? limits.low : limits.high) = sign * limit;
  }
  return limits;
}

}  // namespace phorest::kinetics
