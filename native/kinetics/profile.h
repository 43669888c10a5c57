// Profile likelihood: how far one quantity may go while all others follow. Where the cost does not rise on a side, the data
// bound the quantity on the other side only.
#pragma once
#include "kinetics/descent.h"

namespace phorest::kinetics {

/** What is known of a quantity from its profile, as a logarithm. */
struct Limits {
  /** 95 % limits; NaN where the cost does not rise so far. */
  double low = 0, high = 0;
  /** Standard deviations of a normal distribution that the rise of the cost on either side is worth, at most kSure. */
  double lowReached = 0, highReached = 0;
};

/** Standard deviations that both sides must be worth for a quantity to be a number: chance makes one of a bound once in 30,000. */
constexpr double kSure = 4;

class Profile {
 public:
  /**
   * `optimum`: of the full problem; `range` of its rates. `sure`: the rise, as a multiple of the noise that was estimated from
   * the residuals, that is worth kSure; more than kSure where few frames are independent.
   */
  Profile(const Problem& full, const Range& range, const Descended& optimum, double sure);

  /** Of Σ direction·rates. `error`: standard error as the covariance has it; `unit`: cost that is one squared standard deviation. */
  Limits along(const double* direction, double error, double unit, double quantile);
  /** Of the logarithm of the one maximum response. */
  Limits ofRmax(double error, double unit, double quantile);

 private:
  struct Step {
    double reached;
    bool isAtEdge;
  };
  /** The rise of the cost at `found`. At the edge of the range, where rates are kept from following, it says nothing. */
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
