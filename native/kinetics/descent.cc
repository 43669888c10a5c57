#include "kinetics/descent.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace phorest::kinetics {
namespace {

/** Longest step of a logarithm: a factor of 20. */
constexpr double kLongestStep = 3;
/** Costs are sums with a rounding error of about this fraction of the squares. */
constexpr double kRounding = 1e-14;

bool solveDamped(const double* matrix, const double* right, double damping, int n, double* to) {
  double a[kMostRates * kMostRates];
  for (int i = 0; i < n * n; ++i) a[i] = matrix[i];
  for (int i = 0; i < n; ++i) a[i * n + i] += damping * std::max(matrix[i * n + i], 1e-300);
  if (!invert(a, n)) return false;
  for (int i = 0; i < n; ++i) {
    to[i] = 0;
    for (int j = 0; j < n; ++j) to[i] += a[i * n + j] * right[j];
  }
  return true;
}

/** Computes gradient and matrix along the free directions. */
void along(const Evaluation& at, const Freedom& freedom, int rates, double* descent, double* normals) {
  const int free = freedom.count;
  for (int a = 0; a < free; ++a) {
    descent[a] = 0;
    for (int p = 0; p < rates; ++p) descent[a] += freedom.directions[p * free + a] * at.descent[p];
    for (int b = 0; b < free; ++b) {
      double sum = 0;
      for (int p = 0; p < rates; ++p) {
        for (int q = 0; q < rates; ++q) sum += freedom.directions[p * free + a] * at.normals[p * rates + q] * freedom.directions[q * free + b];
      }
      normals[a * free + b] = sum;
    }
  }
}

}  // namespace

bool invert(double* m, int n) {
  double factor[36], inverse[36] = {};
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j <= i; ++j) {
      double sum = m[i * n + j];
      for (int k = 0; k < j; ++k) sum -= factor[i * n + k] * factor[j * n + k];
      if (i == j) {
        if (!(sum > 0)) return false;
        factor[i * n + i] = std::sqrt(sum);
      } else {
        factor[i * n + j] = sum / factor[j * n + j];
      }
    }
  }
  for (int c = 0; c < n; ++c) {
    double x[6] = {};
    for (int i = 0; i < n; ++i) {
      double sum = i == c ? 1.0 : 0.0;
      for (int k = 0; k < i; ++k) sum -= factor[i * n + k] * x[k];
      x[i] = sum / factor[i * n + i];
    }
    for (int i = n - 1; i >= 0; --i) {
      double sum = x[i];
      for (int k = i + 1; k < n; ++k) sum -= factor[k * n + i] * inverse[k * n + c];
      inverse[i * n + c] = sum / factor[i * n + i];
    }
  }
  for (int i = 0; i < n * n; ++i) m[i] = inverse[i];
  return true;
}

Range rangeOf(const Problem& problem) {
  Range range{};
  const double span = std::max(problem.span, problem.step);
  const double slowest = std::log(1e-5 / span), fastest = std::log(20 / problem.step);
  const double least = problem.least > 0 ? problem.least : 1, most = problem.most > 0 ? problem.most : 1;
  const double onLow = std::log(1e-5 / (span * most)), onHigh = std::log(20 / (problem.step * least));
  switch (problem.model) {
    case Model::oneToOne: return {{onLow, slowest}, {onHigh, fastest}};
    case Model::massTransport: return {{onLow, slowest, std::log(1e-4)}, {onHigh, fastest, std::log(1e4)}};
    case Model::twoSite: return {{onLow, slowest, onLow, slowest}, {onHigh, fastest, onHigh, fastest}};
    case Model::dissociation: return {{slowest}, {fastest}};
    case Model::steadyState: return {{std::log(least / 1e4)}, {std::log(most * 1e4)}};
    case Model::hill: return {{std::log(least / 1e4), std::log(0.1)}, {std::log(most * 1e4), std::log(10.0)}};
  }
  return range;
}

Freedom allFree(int rates) {
  Freedom freedom;
  freedom.count = rates;
  for (int i = 0; i < rates; ++i) freedom.directions[i * rates + i] = 1;
  return freedom;
}

Freedom freeBut(int rates, const double* direction) {
  Freedom freedom;
  freedom.count = rates - 1;
  int pivot = 0;
  while (pivot < rates - 1 && direction[pivot] == 0) ++pivot;
  int column = 0;
  for (int p = 0; p < rates; ++p) {
    if (p == pivot) continue;
    freedom.directions[p * freedom.count + column] = 1;
    freedom.directions[pivot * freedom.count + column] = -direction[p] / direction[pivot];
    ++column;
  }
  return freedom;
}

Descended descend(Separable& separable, const double* start, const Range& range, const Freedom& freedom, const DescentLimits& limits,
                  const double* rmax) {
  const int rates = shapeOf(separable.problem().model).rates(), free = freedom.count;
  Descended at;
  for (int p = 0; p < rates; ++p) at.rates[p] = std::clamp(start[p], range.low[p], range.high[p]);
  Evaluation now = separable.evaluate(at.rates, rmax);
  at.cost = now.cost;
  at.evaluations = 1;
  double damping = 1e-4;
  if (free == 0) {
    at.hasConverged = true;
    return at;
  }
  while (at.evaluations < limits.evaluations) {
    double descent[kMostRates], normals[kMostRates * kMostRates], step[kMostRates] = {};
    along(now, freedom, rates, descent, normals);
    if (!solveDamped(normals, descent, damping, free, step)) {
      damping = std::max(damping * 10, 1e-6);
      if (damping > 1e12) break;
      continue;
    }
    double trial[kMostRates], longest = 0;
    double whole[kMostRates];
    for (int p = 0; p < rates; ++p) {
      whole[p] = 0;
      for (int a = 0; a < free; ++a) whole[p] += freedom.directions[p * free + a] * step[a];
      longest = std::max(longest, std::fabs(whole[p]));
    }
    const double shortened = longest > kLongestStep ? kLongestStep / longest : 1.0;
    double moved = 0, expected = 0;
    for (int p = 0; p < rates; ++p) {
      trial[p] = std::clamp(at.rates[p] + shortened * whole[p], range.low[p], range.high[p]);
      moved = std::max(moved, std::fabs(trial[p] - at.rates[p]));
      expected += (trial[p] - at.rates[p]) * now.descent[p];
    }
    if (moved < limits.shortest || expected <= limits.gain) {
      at.hasConverged = true;
      break;
    }
    const Evaluation& next = separable.evaluate(trial, rmax);
    ++at.evaluations;
    if (next.cost <= now.cost + kRounding * now.squares && std::isfinite(next.cost)) {
      now = next;
      for (int p = 0; p < rates; ++p) at.rates[p] = trial[p];
      at.cost = now.cost;
      damping = damping > 1e-9 ? damping * 0.1 : 0;
    } else {
      damping = std::max(damping * 10, 1e-6);
      if (damping > 1e12) break;
    }
  }
  return at;
}

}  // namespace phorest::kinetics
