// Errors of rates when frames of one curve share their noise: the residuals' autocorrelation, and the covariance of the
// estimates under it.
#pragma once
#include <vector>

#include "kinetics/separable.h"

namespace phorest::kinetics {

/** Largest number of lags. */
constexpr int kLags = 64;

/** Noise of variance `variance`, of which the part `share` is autoregressive with `rho` from frame to frame, the rest white. */
struct Noise {
  double variance = 0, share = 0, rho = 0;
  /** Correlation of neighbouring frames' residuals. */
  double neighbours = 0;
  /** Frames that count as one: the area under the autocorrelation. */
  double area() const { return 1 + 2 * share * rho / (1 - rho); }
};

/** What the residuals are, weighted by the roots of the weights, cycle by cycle. */
struct Residuals {
  std::vector<std::vector<double>> cycles;
};

/** Responses minus the model at the rates of the last evaluation; `fitted`: the model, in the unit of the response. */
Residuals residualsOf(const Separable& separable, const Evaluation& at, const double* rates, std::vector<double>& fitted);

/** `parameters`: as many as were fitted. */
Noise noiseOf(const Residuals& residuals, int parameters);

/** Estimates: the rates, then the maximum responses where these are common to all cycles. */
struct Covariance {
  int size = 0;
  /** As if residuals were independent, over the variance; and as they are. Empty where the data do not fix the estimates. */
  std::vector<double> plain, whole;
  /** Variance of a sum of estimates, of the one or the other. */
  static double along(const std::vector<double>& covariance, int size, const double* direction);
};

Covariance covarianceOf(const Separable& separable, const Evaluation& at, const double* rates, const Noise& noise);

}  // namespace phorest::kinetics
