// Fits one curve set: descent, noise, covariance and profiles.
#pragma once
#include <vector>

#include "kinetics/noise.h"
#include "kinetics/problem.h"

namespace phorest::kinetics {

/** A rate, a KD (after the rates, one per site) or the common Rmax (last). All but `value` of Rmax are natural logarithms. */
struct Quantity {
  double value, error, low, high, lowReached, highReached;
};
constexpr int kQuantityNumbers = 6;

struct Fit {
  double cost = 0, nullCost = 0, squares = 0;
  int points = 0, parameters = 0, evaluations = 0;
  bool hasConverged = false, isAtBound = false;
  Noise noise;
  std::vector<Quantity> quantities;
  std::vector<double> linear, linearErrors;
  /** Offset, drift over half of the cycle's time and its middle, then a bulk shift per segment; NaN where there is none. */
  std::vector<std::vector<double>> locals;
  std::vector<double> fitted;
  /** Of the rates, then of the common maximum responses; empty where they are not fixed. */
  std::vector<double> covariance;
};

/** The problem must be prepared. `profiles`: whether to look for limits, which costs more than the fit. */
Fit fit(const Problem& problem, bool profiles);

}  // namespace phorest::kinetics
