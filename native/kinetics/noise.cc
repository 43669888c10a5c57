#include "kinetics/noise.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kinetics/descent.h"

namespace phorest::kinetics {
namespace {

constexpr int kMostEstimates = kMostRates + kMostSites;
/** A mixture of white and correlated noise must explain the autocorrelation better than the latter alone by this amount. */
constexpr double kMixtureGain = 12;
constexpr double kMostRho = 0.995;
constexpr int kRounds = 4;
/** With fewer points in a cycle, its correlation cannot be estimated. */
constexpr std::size_t kFewest = 24;

/** Visits the value of a local's column (times the root of the weight) at each point. */
template <typename Visit>
void forLocals(const Cycle& cycle, const Prepared& prepared, Visit visit) {
  if (cycle.offset) visit(0, 0, cycle.points, prepared.root.data());
  if (cycle.drift) visit(cycle.offset ? 1 : 0, 0, cycle.points, prepared.rootTime.data());
  for (const Segment& segment : cycle.segments) {
    if (segment.bulk >= 0) visit(segment.bulk, segment.begin, segment.end, prepared.root.data());
  }
}

/** Subtracts `coefficients` of the locals from a column. */
void takeLocals(const Cycle& cycle, const Prepared& prepared, const double* coefficients, double* column) {
  forLocals(cycle, prepared, [&](int local, int begin, int end, const double* values) {
    for (int i = begin; i < end; ++i) column[i] -= coefficients[local] * values[i];
  });
}

/** Computes sums of products of residuals by lag, and the numbers of products. */
void autocovariance(const Residuals& residuals, int lags, std::vector<double>& sums, std::vector<double>& counts) {
  sums.assign(lags + 1, 0.0);
  counts.assign(lags + 1, 0.0);
  for (const auto& r : residuals.cycles) {
    const int n = static_cast<int>(r.size());
    for (int lag = 0; lag <= std::min(lags, n - 1); ++lag) {
      double sum = 0;
      const double *a = r.data(), *b = r.data() + lag;
      double parts[4] = {};
      int i = 0;
      for (; i + 4 <= n - lag; i += 4) {
        for (int lane = 0; lane < 4; ++lane) parts[lane] += a[i + lane] * b[i + lane];
      }
      for (; i < n - lag; ++i) sum += a[i] * b[i];
      sums[lag] += sum + (parts[0] + parts[1]) + (parts[2] + parts[3]);
      counts[lag] += n - lag;
    }
  }
}

/** Chooses white noise, autoregressive noise, or a mixture, whichever the correlations r[1..] of `count` residuals require. */
void chooseShape(const std::vector<double>& r, double count, Noise& noise) {
  const int lags = static_cast<int>(r.size()) - 1;
  noise.share = 1;
  noise.rho = lags < 1 ? 0 : std::clamp(r[1], 0.0, kMostRho);
  const auto misfit = [&](double share, double rho) {
    double sum = 0, power = share;
    for (int lag = 1; lag <= lags; ++lag) {
      power *= rho;
      sum += (r[lag] - power) * (r[lag] - power);
    }
    return sum;
  };
  const double alone = misfit(1, noise.rho);
  double least = alone, share = 1, rho = noise.rho;
  for (int step = 0; step < 40 && lags > 2; ++step) {
    // Evenly spaced in the length of the correlation's memory, 2 to 200 frames.
    const double trial = 1 - 0.5 * std::pow(100.0, -step / 39.0);
    double cross = 0, own = 0, power = 1;
    for (int lag = 1; lag <= lags; ++lag) {
      power *= trial;
      cross += power * r[lag];
      own += power * power;
    }
    const double part = std::clamp(cross / own, 0.0, 1.0), sum = misfit(part, trial);
    if (sum < least) {
      least = sum;
      share = part;
      rho = trial;
    }
  }
  const double scatter = (1 + rho * rho) / (1 - rho * rho) * share * share + (1 - share * share);
  if (count * (alone - least) > kMixtureGain * scatter) {
    noise.share = share;
    noise.rho = rho;
  }
}

/** Variance of sums over frames in order of time, with correlated noise of variance 1. */
class Correlated {
 public:
  Correlated(const Noise& noise, int size, double sign, double* to) : noise_(noise), size_(size), sign_(sign), to_(to) {}

  /** Adds the next frame; `now` contains the factor of its noise in each sum. */
  void next(const double* now) {
    for (int p = 0; p < size_; ++p) {
      echo_[p] = noise_.rho * (echo_[p] + before_[p]);
      before_[p] = now[p];
    }
    for (int a = 0; a < size_; ++a) {
      for (int b = 0; b <= a; ++b) {
        to_[a * size_ + b] += sign_ * (now[a] * now[b] + noise_.share * (now[a] * echo_[b] + now[b] * echo_[a]));
      }
    }
  }

 private:
  const Noise& noise_;
  int size_;
  double sign_;
  double* to_;
  double echo_[kMostEstimates] = {}, before_[kMostEstimates] = {};
};

/**
 * The noise of blanks: one blank is subtracted from several cycles, so their noise is not independent. The variance of a sum over
 * the blank's frames replaces what each cycle had of it individually.
 */
class Shared {
 public:
  Shared(const std::vector<int>& start, int size)
      : start_(start), size_(size), all_(start.empty() ? 0 : static_cast<std::size_t>(start.back()) * size, 0.0), one_(all_) {}

  void add(const Cycle& cycle, int point, const double* now) {
    if (cycle.sharedAt == nullptr || std::isnan(cycle.sharedAt[point])) return;
    const double at = cycle.sharedAt[point], part = cycle.sharedPart[point];
    const int frames = start_.back(), low = std::clamp(static_cast<int>(at), 0, frames - 1), high = std::min(low + 1, frames - 1);
    const double share = std::clamp(at - low, 0.0, 1.0);
    from_ = std::min(from_, low);
    to_ = std::max(to_, high + 1);
    for (int p = 0; p < size_; ++p) {
      one_[static_cast<std::size_t>(low) * size_ + p] += (1 - share) * part * now[p];
      one_[static_cast<std::size_t>(high) * size_ + p] += share * part * now[p];
    }
  }

  void endCycle(const Noise& noise, double* middle) {
    if (from_ >= to_) return;
    addVariance(one_, from_, to_, noise, -1, middle);
    const std::size_t from = static_cast<std::size_t>(from_) * size_, to = static_cast<std::size_t>(to_) * size_;
    for (std::size_t i = from; i < to; ++i) {
      all_[i] += one_[i];
      one_[i] = 0;
    }
    from_ = std::numeric_limits<int>::max();
    to_ = 0;
  }

  void endAll(const Noise& noise, double* middle) const {
    if (!start_.empty()) addVariance(all_, 0, start_.back(), noise, 1, middle);
  }

 private:
  void addVariance(const std::vector<double>& sums, int from, int to, const Noise& noise, double sign, double* middle) const {
    for (std::size_t curve = 0; curve + 1 < start_.size(); ++curve) {
      Correlated correlated(noise, size_, sign, middle);
      const int end = std::min(start_[curve + 1], to);
      for (int frame = std::max(start_[curve], from); frame < end; ++frame) {
        correlated.next(sums.data() + static_cast<std::size_t>(frame) * size_);
      }
    }
  }

  const std::vector<int>& start_;
  int size_;
  std::vector<double> all_, one_;
  int from_ = std::numeric_limits<int>::max(), to_ = 0;
};

}  // namespace

Residuals residualsOf(const Separable& separable, const Evaluation& at, const double* rates, std::vector<double>& fitted) {
  const Problem& problem = separable.problem();
  const Shape shape = shapeOf(problem.model);
  Residuals found;
  fitted.clear();
  Columns columns;
  for (int c = 0; c < static_cast<int>(problem.cycles.size()); ++c) {
    const Cycle& cycle = problem.cycles[c];
    const Prepared& prepared = problem.prepared[c];
    separable.weightedColumns(c, rates, columns);
    const std::vector<double> locals = separable.localsOf(c);
    std::vector<double> r(prepared.scaled);
    const int first = cycle.segments.empty() ? cycle.points : cycle.segments.front().begin;
    for (int s = 0; s < shape.sites; ++s) {
      const double size = at.linear[problem.group[c] * shape.sites + s];
      const double* response = columns.at(s * (1 + shape.perSite));
      for (int i = first; i < cycle.points; ++i) r[i] -= size * response[i];
    }
    takeLocals(cycle, prepared, locals.data(), r.data());
    for (int i = 0; i < cycle.points; ++i) fitted.push_back(cycle.response[i] - r[i] / prepared.root[i]);
    found.cycles.push_back(std::move(r));
  }
  return found;
}

Noise noiseOf(const Residuals& residuals, int parameters) {
  Noise noise;
  double count = 0;
  std::size_t longest = 0;
  for (const auto& r : residuals.cycles) {
    count += static_cast<double>(r.size());
    longest = std::max(longest, r.size());
  }
  const int lags = longest < kFewest ? 0 : std::min(kLags, static_cast<int>(longest) / 4);
  std::vector<double> sums, counts;
  autocovariance(residuals, lags, sums, counts);
  if (!(count > parameters) || !(sums[0] > 0)) return noise;
  noise.variance = sums[0] / (count - parameters);
  // A fit absorbs noise, mostly of low frequencies, about equally at every lag. The result depends on the amount, hence the
  // iteration.
  for (int round = 0; round < kRounds; ++round) {
    const double taken = std::min(noise.variance * parameters * noise.area() / count, sums[0] / count);
    std::vector<double> r(lags + 1);
    const double own = sums[0] / count + taken;
    for (int lag = 0; lag <= lags; ++lag) r[lag] = counts[lag] > 0 ? (sums[lag] / counts[lag] + taken) / own : 0.0;
    noise.variance = own;
    noise.neighbours = lags > 0 ? r[1] : 0;
    chooseShape(r, count, noise);
  }
  return noise;
}

double Covariance::along(const std::vector<double>& covariance, int size, const double* direction) {
  double sum = 0;
  for (int a = 0; a < size; ++a) {
    for (int b = 0; b < size; ++b) sum += direction[a] * covariance[a * size + b] * direction[b];
  }
  return sum;
}

Covariance covarianceOf(const Separable& separable, const Evaluation& at, const double* rates, const Noise& noise) {
  const Problem& problem = separable.problem();
  const Shape shape = shapeOf(problem.model);
  const int columns = shape.columns(), per = shape.perSite, size = separable.size();
  Covariance found;
  found.size = shape.rates() + (problem.isRmaxGlobal() ? shape.sites : 0);
  const int n = found.size;
  double normals[kMostEstimates * kMostEstimates] = {}, middle[kMostEstimates * kMostEstimates] = {};
  Columns own;
  Shared shared(problem.sharedStart, n);
  for (int c = 0; c < static_cast<int>(problem.cycles.size()); ++c) {
    const Cycle& cycle = problem.cycles[c];
    const Prepared& prepared = problem.prepared[c];
    const int first = cycle.segments.empty() ? cycle.points : cycle.segments.front().begin;
    separable.weightedColumns(c, rates, own);
    for (int k = 0; k < columns; ++k) {
      std::fill(own.at(k), own.at(k) + first, 0.0);
      std::vector<double> coefficients(std::max(prepared.locals, 1));
      for (int l = 0; l < prepared.locals; ++l) coefficients[l] = separable.crossOf(c)[l * size + k];
      solveFactor(prepared.factor, prepared.locals, coefficients.data());
      takeLocals(cycle, prepared, coefficients.data(), own.at(k));
    }
    const double* g = separable.productsOf(problem.group[c]);
    const double* lines[kMostEstimates];
    double scales[kMostEstimates];
    for (int p = 0; p < n; ++p) {
      const bool isRate = p < shape.rates();
      const int site = isRate ? p / per : p - shape.rates();
      const int column = site * (1 + per) + (isRate ? 1 + p % per : 0);
      lines[p] = own.at(column);
      scales[p] = isRate ? at.linear[problem.group[c] * shape.sites + site] : 1.0;
      if (problem.isRmaxGlobal() || shape.sites > 1) continue;
      // An individual maximum response absorbs its part of the derivative.
      const double part = g[0] > 0 ? g[column] / g[0] : 0.0;
      for (int i = 0; i < cycle.points; ++i) own.at(column)[i] -= part * own.at(0)[i];
    }
    Correlated correlated(noise, n, 1, middle);
    for (int i = 0; i < cycle.points; ++i) {
      double now[kMostEstimates];
      for (int p = 0; p < n; ++p) now[p] = scales[p] * lines[p][i];
      for (int a = 0; a < n; ++a) {
        for (int b = 0; b <= a; ++b) normals[a * n + b] += now[a] * now[b];
      }
      correlated.next(now);
      shared.add(cycle, i, now);
    }
    shared.endCycle(noise, middle);
  }
  shared.endAll(noise, middle);
  double scale[kMostEstimates];
  for (int a = 0; a < n; ++a) {
    for (int b = 0; b < a; ++b) {
      normals[b * n + a] = normals[a * n + b];
      middle[b * n + a] = middle[a * n + b];
    }
    scale[a] = normals[a * n + a] > 0 ? 1 / std::sqrt(normals[a * n + a]) : 0.0;
  }
  for (int a = 0; a < n; ++a) {
    for (int b = 0; b < n; ++b) normals[a * n + b] *= scale[a] * scale[b];
  }
  if (!invert(normals, n)) return found;
  found.plain.resize(n * n);
  found.whole.assign(n * n, 0.0);
  for (int a = 0; a < n; ++a) {
    for (int b = 0; b < n; ++b) found.plain[a * n + b] = normals[a * n + b] * scale[a] * scale[b];
  }
  for (int a = 0; a < n; ++a) {
    for (int b = 0; b < n; ++b) {
      double sum = 0;
      for (int k = 0; k < n; ++k) {
        for (int l = 0; l < n; ++l) sum += found.plain[a * n + k] * middle[k * n + l] * found.plain[l * n + b];
      }
      found.whole[a * n + b] = sum * noise.variance;
    }
  }
  return found;
}

}  // namespace phorest::kinetics
