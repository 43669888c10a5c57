// Errors of rates if the noise of successive frames of a curve is correlated: the residuals' autocorrelation, and the covariance
// of the estimates under it.
#pragma once
#include <vector>

#include "kinetics/separable.h"

namespace phorest::kinetics {

/** Largest number of lags. */
constexpr int kLags = 64;

/**
 * Noise of variance `variance`, of which the fraction `share` is autoregressive with `rho` from frame to frame, the rest white.
 */
struct Noise {
  double variance = 0, share = 0, rho = 0;
  /** Correlation of the residuals of successive frames. */
  double neighbours = 0;
  /** Number of frames that count as one: the area under the autocorrelation. */
  double area() const { return 1 + 2 * share * rho / (1 - rho); }
};

/** Residuals, weighted by the roots of the weights, cycle by cycle. */
struct Residuals {
  std::vector<std::vector<double>> cycles;
};

/**
 * Returns the responses minus the model at the rates of the last evaluation; `fitted`: the model, in the unit of the response.
 */
Residuals residualsOf(const Separable& separable, const Evaluation& at, const double* rates, std::vector<double>& fitted);

/** `parameters`: the number of fitted parameters. */
Noise noiseOf(const Residuals& residuals, int parameters);

/** Covariance of the estimates: the rates, then the maximum responses if they are common to all cycles. */
struct Covariance {
  int size = 0;
  /** For independent residuals, over the variance; and for the actual ones. Empty if the data do not determine the estimates. */
  std::vector<double> plain, whole;
  /** Returns the variance of a sum of estimates, from either matrix. */
  static double along(const std::vector<double>& covariance, int size, const double* direction);
};

Covariance covarianceOf(const Separable& separable, const Evaluation& at, const double* rates, const Noise& noise);

}  // namespace phorest::kinetics
