// Levenberg and Marquardt's descent in the logarithms of the rates, and where it starts.
#pragma once
#include "kinetics/separable.h"

namespace phorest::kinetics {

/** Lowest and highest logarithm of each rate that data of these times and concentrations could show anything of. */
struct Range {
  double low[kMostRates], high[kMostRates];
};

Range rangeOf(const Problem& problem);

/** Directions in which the rates may move: columns of [rate][free]; all of them, or what keeps one quantity. */
struct Freedom {
  int count = 0;
  double directions[kMostRates * kMostRates] = {};
};

Freedom allFree(int rates);
/** Keeps the sum of direction·rates: `direction` has entries of −1, 0 and 1. */
Freedom freeBut(int rates, const double* direction);

struct Descended {
  double rates[kMostRates] = {};
  double cost = 0;
  int evaluations = 0;
  bool hasConverged = false;
};

struct DescentLimits {
  int evaluations = 60;
  /** Ends where a step is expected to win less than this of the cost, or is shorter than `shortest`. */
  double gain = 0;
  double shortest = 1e-9;
};

Descended descend(Separable& separable, const double* start, const Range& range, const Freedom& freedom, const DescentLimits& limits,
                  const double* rmax = nullptr);

/** The best rates from a grid over the range, on thinned data, then descended on them. */
Descended findStart(const Problem& full, const Range& range);

/** Inverse of a symmetric positive matrix of at most 6 rows, in place; false where it is none. */
bool invert(double* matrix, int size);

}  // namespace phorest::kinetics
