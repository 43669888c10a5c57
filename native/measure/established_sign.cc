#include "measure/established_sign.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace phorest {
namespace {

/**
 * curve_fit's tolerance: relative errors wanted in the sum of squares and in the parameters, and the largest number of
 * evaluations.
 */
constexpr double kTolerance = 1.49012e-8;
constexpr int kMostEvaluations = 1200;
/** MINPACK's first step bound, in units of the scaled start. */
constexpr double kFirstRadius = 100;
constexpr int kMostDampings = 10;
constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

constexpr int kSize = 5;

double lengthOf(const double* scale, const double* vector) {
  double sum = 0;
  for (int i = 0; i < kSize; ++i) sum += scale[i] * vector[i] * scale[i] * vector[i];
  return std::sqrt(sum);
}

/** Cholesky factor of a symmetric matrix plus par times the squares of `scale` on its diagonal. */
struct Factor {
  double lower[kSize][kSize];
  bool regular = true;

  Factor(const double (&matrix)[kSize][kSize], double par, const double* scale) {
    for (int i = 0; i < kSize; ++i) {
      for (int j = 0; j <= i; ++j) {
        double sum = matrix[i][j] + (i == j ? par * scale[i] * scale[i] : 0);
        for (int k = 0; k < j; ++k) sum -= lower[i][k] * lower[j][k];
        if (i == j && !(sum > kEpsilon * kEpsilon * matrix[i][i])) {
          regular = false;
          return;
        }
        lower[i][j] = i == j ? std::sqrt(sum) : sum / lower[j][j];
      }
    }
  }

  /** Solves with the factor only. */
  void forward(double* x) const {
    for (int i = 0; i < kSize; ++i) {
      for (int k = 0; k < i; ++k) x[i] -= lower[i][k] * x[k];
      x[i] /= lower[i][i];
    }
  }

  void solve(double* x) const {
    forward(x);
    for (int i = kSize - 1; i >= 0; --i) {
      for (int k = i + 1; k < kSize; ++k) x[i] -= lower[k][i] * x[k];
      x[i] /= lower[i][i];
    }
  }
};

}  // namespace

/** The normal equations at a point. */
struct EstablishedSign::Normal {
  double matrix[kSize][kSize] = {};
  double gradient[kSize] = {};
};

/** Computes y = a (q g + u)^2 / (g^2 + u^2) + o, u = x - r, minus the row; returns its norm. */
double EstablishedSign::residuals(const double* at, std::vector<double>& out) const {
  const auto [a, q, r, g, o] = std::array{at[0], at[1], at[2], at[3], at[4]};
  double sum = 0;
  for (std::size_t x = 0; x < row_.size(); ++x) {
    const double u = static_cast<double>(x) - r, n = q * g + u;
    out[x] = a * n * n / (g * g + u * u) + o - row_[x];
    sum += out[x] * out[x];
  }
  return std::sqrt(sum);
}

EstablishedSign::Normal EstablishedSign::normal(const double* at, const std::vector<double>& residual) const {
  const auto [a, q, r, g] = std::array{at[0], at[1], at[2], at[3]};
  Normal normal;
  for (std::size_t x = 0; x < row_.size(); ++x) {
    const double u = static_cast<double>(x) - r, n = q * g + u, d = 1 / (g * g + u * u), s = n * n * d;
    const double slopes[kSize] = {s, 2 * a * n * g * d, 2 * a * d * (u * s - n), 2 * a * d * (n * q - g * s), 1};
    for (int i = 0; i < kSize; ++i) {
      normal.gradient[i] += slopes[i] * residual[x];
      for (int j = 0; j <= i; ++j) normal.matrix[i][j] += slopes[i] * slopes[j];
    }
  }
  return normal;
}

/** MINPACK's lmpar: returns the damping for which the step is about as long as `radius`, and the step. */
double EstablishedSign::damping(const Normal& normal, const double* scale, double radius, double par, double* step) {
  const auto stepWith = [&](const Factor& factor) {
    for (int i = 0; i < kSize; ++i) step[i] = -normal.gradient[i];
    factor.solve(step);
    return lengthOf(scale, step);
  };
  // Derivative of the norm by the damping, relative to the norm.
  const auto slope = [&](const Factor& factor, double length) {
    double direction[kSize], sum = 0;
    for (int i = 0; i < kSize; ++i) direction[i] = scale[i] * scale[i] * step[i] / length;
    factor.forward(direction);
    for (const double part : direction) sum += part * part;
    return sum;
  };
  double lowest = 0, excess = std::numeric_limits<double>::infinity();
  const Factor undamped(normal.matrix, 0, scale);
  if (undamped.regular) {
    const double length = stepWith(undamped);
    excess = length - radius;
    if (excess <= 0.1 * radius) return 0;
    lowest = excess / radius / slope(undamped, length);
  }
  double steepness = 0;
  for (int i = 0; i < kSize; ++i) steepness += normal.gradient[i] / scale[i] * normal.gradient[i] / scale[i];
  double highest = std::sqrt(steepness) / radius;
  if (highest == 0) highest = std::numeric_limits<double>::min() / std::min(radius, 0.1);
  par = std::min(std::max(par, lowest), highest);
  if (par == 0) par = std::sqrt(steepness) / std::max(radius + (std::isfinite(excess) ? excess : 0), radius);
  for (int pass = 1;; ++pass) {
    if (par == 0) par = std::max(std::numeric_limits<double>::min(), 0.001 * highest);
    const Factor factor(normal.matrix, par, scale);
    if (!factor.regular) {
      if (pass == kMostDampings) return par;
      par = std::max(2 * par, 0.001 * highest);
      continue;
    }
    const double length = stepWith(factor), before = excess;
    excess = length - radius;
    if (std::fabs(excess) <= 0.1 * radius || (lowest == 0 && excess <= before && before < 0) || pass >= kMostDampings) {
      return par;
    }
    const double correction = excess / radius / slope(factor, length);
    if (excess > 0) lowest = std::max(lowest, par);
    if (excess < 0) highest = std::min(highest, par);
    par = std::max(lowest, par + correction);
  }
}

/** MINPACK's lmder from `point` to the minimum; returns false if it does not converge. */
bool EstablishedSign::descend(Point& point) {
  double scale[kSize] = {}, radius = 0, par = 0;
  bool first = true;
  for (int evaluations = 1; evaluations < kMostEvaluations;) {
    const Normal here = normal(point.at, residual_);
    for (int i = 0; i < kSize; ++i) scale[i] = std::max(scale[i], std::sqrt(here.matrix[i][i]));
    if (first) {
      for (double& one : scale) one = one == 0 ? 1 : one;
      radius = kFirstRadius * lengthOf(scale, point.at);
      if (radius == 0) radius = kFirstRadius;
    }
    for (bool accepted = false; !accepted && evaluations < kMostEvaluations; ++evaluations) {
      double step[kSize];
      par = damping(here, scale, radius, par, step);
      Point trial;
      for (int i = 0; i < kSize; ++i) trial.at[i] = point.at[i] + step[i];
      const double length = lengthOf(scale, step);
      if (first) radius = std::min(radius, length);
      trial.norm = residuals(trial.at, trial_);
      if (!std::isfinite(length) || !std::isfinite(trial.norm)) return false;
      const double ratioOfNorms = trial.norm / point.norm;
      const double gained = ratioOfNorms < 10 ? 1 - ratioOfNorms * ratioOfNorms : -1;
      double linear = 0;  // squared length of the step as the linear model sees it
      for (int i = 0; i < kSize; ++i) {
        for (int j = 0; j < kSize; ++j) linear += step[i] * step[j] * here.matrix[std::max(i, j)][std::min(i, j)];
      }
      const double one = std::max(0.0, linear) / (point.norm * point.norm);
      const double two = par * length * length / (point.norm * point.norm);
      const double promised = one + 2 * two, slope = -(one + two);
      const double ratio = promised == 0 ? 0 : gained / promised;
      if (ratio <= 0.25) {
        double by = gained >= 0 ? 0.5 : 0.5 * slope / (slope + 0.5 * gained);
        if (ratioOfNorms >= 10 || by < 0.1) by = 0.1;
        radius = by * std::min(radius, 10 * length);
        par /= by;
      } else if (par == 0 || ratio >= 0.75) {
        radius = 2 * length;
        par *= 0.5;
      }
      accepted = ratio >= 1e-4;
      if (accepted) {
        point = trial;
        residual_.swap(trial_);
        first = false;
      }
      const bool settled = std::fabs(gained) <= kTolerance && promised <= kTolerance && ratio <= 2;
      if (settled || radius <= kTolerance * lengthOf(scale, point.at)) return true;
      if (radius <= kEpsilon * lengthOf(scale, point.at) || point.norm == 0) return true;
    }
  }
  return false;
}

std::uint8_t EstablishedSign::find(const float* samples, int count) {
  row_.assign(samples, samples + count);
  residual_.resize(row_.size());
  trial_.resize(row_.size());
  const auto [least, most] = std::minmax_element(row_.begin(), row_.end());
  double sum = 0;
  for (const double value : row_) sum += value;
  const auto brightest = std::max_element(row_.begin(), row_.end()) - row_.begin();
  Point point{{*most - *least, 0, static_cast<double>(brightest), count / 4.0, sum / count}, 0};
  point.norm = residuals(point.at, residual_);
  const bool arrived = descend(point);
  // Without a minimum: use the form that nearly all of them have.
  if (!arrived) return kExchanged;
  return static_cast<std::uint8_t>((point.at[0] < 0 ? kExchanged : 0) | (point.at[3] < 0 ? kNegativeGamma : 0));
}

}  // namespace phorest
