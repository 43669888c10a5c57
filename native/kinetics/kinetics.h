// Fits one curve set: descent, noise, covariance and profiles.
#pragma once
#include <vector>

#include "kinetics/noise.h"
#include "kinetics/problem.h"

namespace phorest::kinetics {

/**
 * A rate, a KD (after the rates, one per site) or the common Rmax (last). Everything except `value` of Rmax is a natural
 * logarithm.
 */
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
  /** Offset, drift over half of the cycle's time and its middle, then a bulk shift per segment; NaN if there is none. */
  std::vector<std::vector<double>> locals;
  std::vector<double> fitted;
  /** Covariance of the rates, then of the common maximum responses; empty if the data do not determine them. */
  std::vector<double> covariance;
};

/** Fits a prepared problem. `profiles`: whether to search for limits, which takes longer than the fit. */
Fit fit(const Problem& problem, bool profiles);

}  // namespace phorest::kinetics
