#include "kinetics/kinetics.h"

#include <cmath>
#include <limits>
#include <optional>

#include "kinetics/descent.h"
#include "kinetics/profile.h"

namespace phorest::kinetics {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kAtBound = 0.05;

/** Returns the quantile of Student's t that corresponds to `z` of the normal distribution, by its expansion about that. */
double studentFor(double z, double freedom) {
  const double v = std::max(freedom, 2.0);
  return z + (z * z * z + z) / (4 * v) + (5 * std::pow(z, 5) + 16 * z * z * z + 3 * z) / (96 * v * v);
}

/** For 95 %, two-sided. */
constexpr double kLimit95 = 1.959963984540054;

/** Error and cost unit of a sum of estimates. */
struct Scale {
  double error, unit;
};

Scale scaleOf(const Covariance& covariance, const Noise& noise, const double* direction) {
  if (covariance.plain.empty()) return {INFINITY, noise.variance * noise.area()};
  const double plain = Covariance::along(covariance.plain, covariance.size, direction);
  const double whole = Covariance::along(covariance.whole, covariance.size, direction);
  const bool isUsable = plain > 0 && whole > 0 && std::isfinite(whole);
  return isUsable ? Scale{std::sqrt(whole), whole / plain} : Scale{INFINITY, noise.variance * noise.area()};
}

class Fitting {
 public:
  Fitting(const Problem& problem, bool profiles)
      : problem_(problem), shape_(shapeOf(problem.model)), profiles_(profiles), range_(rangeOf(problem)), separable_(problem) {}

  Fit run() {
    const Descended start = findStart(problem_, range_);
    const double squares = separable_.evaluate(start.rates).squares;
    best_ = descend(separable_, start.rates, range_, allFree(shape_.rates()), {80, 1e-15 * squares, 1e-10});
    const Evaluation at = separable_.evaluate(best_.rates);
    describe(at);
    const Residuals residuals = residualsOf(separable_, at, best_.rates, fit_.fitted);
    fit_.noise = noiseOf(residuals, problem_.parameters);
    covariance_ = covarianceOf(separable_, at, best_.rates, fit_.noise);
    fit_.covariance = covariance_.whole;
    addQuantities();
    addLinearErrors();
    return fit_;
  }

 private:
  void describe(const Evaluation& at) {
    fit_.cost = at.cost;
    fit_.nullCost = at.nullCost;
    fit_.squares = at.squares;
    fit_.points = problem_.points;
    fit_.parameters = problem_.parameters;
    fit_.evaluations = best_.evaluations;
    fit_.hasConverged = best_.hasConverged;
    fit_.linear = at.linear;
    for (int p = 0; p < shape_.rates(); ++p) {
      fit_.isAtBound = fit_.isAtBound || best_.rates[p] < range_.low[p] + kAtBound || best_.rates[p] > range_.high[p] - kAtBound;
    }
    for (int c = 0; c < static_cast<int>(problem_.cycles.size()); ++c) {
      const Cycle& cycle = problem_.cycles[c];
      const std::vector<double> found = separable_.localsOf(c);
      std::vector<double> line = {cycle.offset ? found[0] : kNone, cycle.drift ? found[cycle.offset ? 1 : 0] / problem_.prepared[c].half : kNone,
                                  problem_.prepared[c].middle};
      for (const Segment& segment : cycle.segments) line.push_back(segment.bulk >= 0 ? found[segment.bulk] : kNone);
      fit_.locals.push_back(std::move(line));
    }
  }

  void addQuantities() {
    const bool isFitted = fit_.points > fit_.parameters && fit_.noise.variance > 0 && profiles_;
    const double freedom = fit_.points / fit_.noise.area() - fit_.parameters;
    const double quantile = studentFor(kLimit95, freedom);
    const int rates = shape_.rates();
    std::vector<double> direction(covariance_.size, 0.0);
    const auto add = [&](Profile* profile, double value, bool isRmax) {
      const Scale scale = scaleOf(covariance_, fit_.noise, direction.data());
      Limits limits{kNone, kNone, 0, 0};
      if (profile != nullptr) {
        limits = isRmax ? profile->ofRmax(scale.error, scale.unit, quantile) : profile->along(direction.data(), scale.error, scale.unit, quantile);
      }
      const double from = isRmax ? std::log(std::fabs(value)) : value;
      fit_.quantities.push_back({value, scale.error, from + limits.low, from + limits.high, limits.lowReached, limits.highReached});
    };
    std::optional<Profile> profile;
    if (isFitted) profile.emplace(problem_, range_, best_, studentFor(kSure, freedom));
    Profile* use = isFitted ? &*profile : nullptr;
    for (int p = 0; p < rates; ++p) {
      direction.assign(covariance_.size, 0.0);
      direction[p] = 1;
      add(use, best_.rates[p], false);
    }
    for (int site = 0; site < shape_.sites && hasAssociation(problem_.model); ++site) {
      const int ka = site * shape_.perSite;
      direction.assign(covariance_.size, 0.0);
      direction[ka] = -1;
      direction[ka + 1] = 1;
      add(use, best_.rates[ka + 1] - best_.rates[ka], false);
    }
    if (!problem_.isRmaxGlobal() || shape_.sites > 1) return;
    direction.assign(covariance_.size, 0.0);
    direction[rates] = 1 / std::fabs(fit_.linear[0]);
    add(fit_.linear[0] == 0 ? nullptr : use, fit_.linear[0], true);
  }

  void addLinearErrors() {
    const int rates = shape_.rates();
    for (std::size_t i = 0; i < fit_.linear.size(); ++i) {
      double error = kNone;
      if (problem_.isRmaxGlobal()) {
        const int at = rates + static_cast<int>(i);
        if (!covariance_.whole.empty()) error = std::sqrt(covariance_.whole[at * covariance_.size + at]);
      } else if (shape_.sites == 1) {
        // With the current rates: what is left of the response after the locals are removed.
        const double own = separable_.productsOf(static_cast<int>(i))[0];
        if (own > 0) error = std::sqrt(fit_.noise.variance * fit_.noise.area() / own);
      }
      fit_.linearErrors.push_back(error);
    }
  }

  const Problem& problem_;
  Shape shape_;
  bool profiles_;
  Range range_;
  Separable separable_;
  Descended best_;
  Covariance covariance_;
  Fit fit_;
};

}  // namespace

Fit fit(const Problem& problem, bool profiles) { return Fitting(problem, profiles).run(); }

}  // namespace phorest::kinetics
