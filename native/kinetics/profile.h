// Profile likelihood: how far one quantity can move while all others adapt. If the cost does not rise on one side, the data bound
// the quantity only on the other.
#pragma once
#include "kinetics/descent.h"

namespace phorest::kinetics {

/** What the profile says about a quantity, as a logarithm. */
struct Limits {
  /** 95 % limits; NaN if the cost does not rise far enough. */
  double low = 0, high = 0;
  /** Rise of the cost on either side, as standard deviations of a normal distribution, at most kSure. */
  double lowReached = 0, highReached = 0;
};

/**
 * Standard deviations required on both sides for a quantity to count as determined: chance makes a number of a bound once in
 * 30,000.
 */
constexpr double kSure = 4;

class Profile {
 public:
  /**
   * `optimum`: of the full problem; `range` of its rates. `sure`: the rise, as a multiple of the noise estimated from the
   * residuals, that corresponds to kSure; larger than kSure if few frames are independent.
   */
  Profile(const Problem& full, const Range& range, const Descended& optimum, double sure);

  /**
   * Returns the limits of Σ direction·rates. `error`: its standard error according to the covariance; `unit`: the cost of one
   * squared standard deviation.
   */
  Limits along(const double* direction, double error, double unit, double quantile);
  /** Returns the limits of the logarithm of the single maximum response. */
  Limits ofRmax(double error, double unit, double quantile);

 private:
  struct Step {
    double reached;
    bool isAtEdge;
  };
  /** Returns the rise of the cost at `found`. At the edge of the range, where rates cannot adapt, it means nothing. */
  Step stepOf(const Descended& found, double unit, const double* rmax = nullptr);
  template <typename Evaluate>
  double side(int sign, double error, double quantile, double farthest, double& reached, Evaluate evaluate);

  Thinned thinned_;
  Separable separable_;
  Range range_;
  Descended best_;
  double rmax_ = 0;
  double sure_;
};

}  // namespace phorest::kinetics
