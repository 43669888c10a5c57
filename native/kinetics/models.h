// The responses of the models for a maximum response of 1, and their derivatives by the logarithms of the rates.
#pragma once
#include <vector>

#include "kinetics/problem.h"

namespace phorest::kinetics {

/** Memory for the columns of one cycle; kept between calls. */
struct Columns {
  std::vector<double> values;  // [column][stride]
  int stride = 0;
  double* at(int column) { return values.data() + static_cast<std::size_t>(column) * stride; }
  const double* at(int column) const { return values.data() + static_cast<std::size_t>(column) * stride; }
};

/**
 * Fills the columns of a cycle from its first segment on: for each site the response, then the derivatives by its rates.
 * Rates (all as natural logarithms): 1:1: ka in 1/(M s), kd in 1/s. Mass transport: the same and ka·Rmax/kt. Two sites: ka and
 * kd of each. Dissociation: kd. Steady state: KD in M, and Hill's exponent.
 */
void fillColumns(const Problem& problem, const Cycle& cycle, const double* rates, Columns& to);

}  // namespace phorest::kinetics
