// A Fano line has four equivalent forms: (amplitude, q, offset) or (-amplitude q^2, -1/q, offset + amplitude (1 + q^2)), each
// with (q, gamma) or (-q, -gamma). Finds which of them the established system reports, by repeating its fit: MINPACK's
// Levenberg-Marquardt least squares without bounds, from the start of the established system.
#pragma once
#include <cstdint>
#include <vector>

namespace phorest {

/** How the established form differs from the canonical one (amplitude >= 0, gamma > 0), as bits; FANO_FORM in kernel.ts. */
constexpr std::uint8_t kExchanged = 1, kNegativeGamma = 2;

/** Keeps its memory from row to row; one per thread. */
class EstablishedSign {
 public:
  /**
   * Returns the bits for one row of `count` samples. If the established system finds no minimum, the form that it nearly always
   * has is used: kExchanged. Throws std::bad_alloc.
   */
  std::uint8_t find(const float* samples, int count);

 private:
  static constexpr int kParameters = 5;
  struct Point {
    double at[kParameters];
    double norm;  // of the residuals
  };
  struct Normal;

  double residuals(const double* at, std::vector<double>& out) const;
  Normal normal(const double* at, const std::vector<double>& residual) const;
  static double damping(const Normal& normal, const double* scale, double radius, double par, double* step);
  bool descend(Point& point);

  std::vector<double> row_, residual_, trial_;
};

}  // namespace phorest
