// Levenberg-Marquardt descent in the logarithms of the rates, and its start.
#pragma once
#include "kinetics/separable.h"

namespace phorest::kinetics {

/** Lowest and highest logarithm of each rate that data with these times and concentrations could reveal. */
struct Range {
  double low[kMostRates], high[kMostRates];
};

Range rangeOf(const Problem& problem);

/** Directions in which the rates may move: columns of [rate][free]; all of them, or those that keep one quantity fixed. */
struct Freedom {
  int count = 0;
  double directions[kMostRates * kMostRates] = {};
};

Freedom allFree(int rates);
/** Returns the directions that keep the sum of direction·rates; `direction` has entries of −1, 0 and 1. */
Freedom freeBut(int rates, const double* direction);

struct Descended {
  double rates[kMostRates] = {};
  double cost = 0;
  int evaluations = 0;
  bool hasConverged = false;
};

struct DescentLimits {
  int evaluations = 60;
  /** Stops if a step is expected to reduce the cost by less than this, or is shorter than `shortest`. */
  double gain = 0;
  double shortest = 1e-9;
};

Descended descend(Separable& separable, const double* start, const Range& range, const Freedom& freedom, const DescentLimits& limits,
                  const double* rmax = nullptr);

/** Returns the best rates of a grid over the range, on thinned data, followed by a descent on them. */
Descended findStart(const Problem& full, const Range& range);

/** Inverts a symmetric positive definite matrix of at most 6 rows, in place; returns false if it is not one. */
bool invert(double* matrix, int size);

}  // namespace phorest::kinetics
