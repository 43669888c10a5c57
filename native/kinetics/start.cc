// Finds the start of a descent: the best points of a coarse grid over the rates, on thinned data. The cost has long valleys and
// plateaus, in which a descent from a single guess may end anywhere.
#include <algorithm>
#include <cmath>
#include <vector>

#include "kinetics/descent.h"

namespace phorest::kinetics {
namespace {

constexpr int kBins = 16;
constexpr double kGridStep = 1.3;  // of a logarithm: a factor of 3.7
constexpr int kDescents = 3;
/** Good points that are closer than this in all rates lead to the same minimum. */
constexpr double kApart = 2;

struct Place {
  double rates[kMostRates];
  double cost;
};

/** Returns evenly spaced values over the range that data can determine, which is narrower than the range searched for bounds. */
std::vector<double> levels(double low, double high) {
  const int count = std::max(2, static_cast<int>(std::ceil((high - low) / kGridStep)) + 1);
  std::vector<double> list(count);
  for (int i = 0; i < count; ++i) list[i] = low + (high - low) * i / (count - 1);
  return list;
}

std::vector<Place> bestOf(std::vector<Place> places, int rates) {
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.cost < b.cost; });
  std::vector<Place> best;
  for (const Place& place : places) {
    const bool isNew = std::all_of(best.begin(), best.end(), [&](const Place& other) {
      double apart = 0;
      for (int p = 0; p < rates; ++p) apart = std::max(apart, std::fabs(place.rates[p] - other.rates[p]));
      return apart > kApart;
    });
    if (isNew) best.push_back(place);
    if (best.size() == kDescents) break;
  }
  return best;
}

/** Returns the rates of simpler models, extended by the additional rates of this model. */
std::vector<Place> extended(const Problem& thinned, const Range& range) {
  Problem simple = thinned;
  simple.model = Model::oneToOne;
  prepare(simple);
  simple.step = thinned.step;
  const Descended one = findStart(simple, rangeOf(simple));
  std::vector<Place> places;
  const auto add = [&](std::initializer_list<double> rates) {
    Place place{};
    int p = 0;
    for (double rate : rates) {
      place.rates[p] = std::clamp(rate, range.low[p], range.high[p]);
      ++p;
    }
    places.push_back(place);
  };
  const double ka = one.rates[0], kd = one.rates[1];
  if (thinned.model == Model::massTransport) {
    for (double m : {0.1, 1.0, 10.0, 100.0}) add({ka + std::log1p(m) * 0.8, kd + std::log1p(m) * 0.8, std::log(m)});
  } else {
    for (double on : {-2.0, 0.0, 2.0}) {
      for (double off : {-3.0, -1.5, 1.5, 3.0}) add({ka, kd, ka + on, kd + off});
    }
  }
  return places;
}

std::vector<Place> gridOf(const Problem& thinned, const Range& range) {
  std::vector<Place> places;
  const int rates = shapeOf(thinned.model).rates();
  const bool isBinding = hasAssociation(thinned.model);
  // Beyond this the responses no longer change.
  const double margin = isBinding || thinned.model == Model::dissociation ? std::log(300.0) : std::log(30.0);
  for (double first : levels(range.low[0] + margin, range.high[0] - std::log(3.0))) {
    if (rates == 1 || thinned.model == Model::hill) {
      places.push_back({{first, 0}, 0});
      continue;
    }
    for (double second : levels(range.low[1] + margin, range.high[1] - std::log(3.0))) places.push_back({{first, second}, 0});
  }
  return places;
}

}  // namespace

Descended findStart(const Problem& full, const Range& range) {
  const Thinned thinned(full, kBins);
  Separable separable(thinned.problem());
  const int rates = shapeOf(full.model).rates();
  std::vector<Place> places = full.model == Model::massTransport || full.model == Model::twoSite
                                  ? extended(thinned.problem(), range)
                                  : gridOf(thinned.problem(), range);
  for (Place& place : places) place.cost = separable.evaluate(place.rates).cost;
  const DescentLimits limits{40, 1e-7 * separable.evaluate(places.front().rates).nullCost, 1e-4};
  Descended best;
  best.cost = INFINITY;
  for (const Place& place : bestOf(places, rates)) {
    const Descended found = descend(separable, place.rates, range, allFree(rates), limits);
    if (found.cost < best.cost) best = found;
  }
  return best;
}

}  // namespace phorest::kinetics
