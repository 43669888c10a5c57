// Fits lines to rows: start on the binned row, refine there and then on all samples, evaluate, store. Rows that need unusually
// many passes are postponed and refined together, so that they do not hold up their neighbours.
#pragma once
#include <cmath>
#include <limits>

#include "fit/fit.h"
#include "fit/fit_fano.h"
#include "fit/fit_gaussian.h"
#include "fit/fit_start.h"
#include "fit/lanes.h"
#include "fit/sample_span.h"

namespace phorest::PHOREST_TARGET {

constexpr double kWidestInRows = 4.0;     // larger widths, in row lengths, cannot be measured
constexpr double kLongestStep = 1.0;      // of the centre, in widths
constexpr double kLongestLogStep = 0.4;   // of the width: a factor of 1.5
constexpr double kStartTolerance = 1e-2;
constexpr double kNewtonTolerance = 3e-4; // after such a Newton step, the remaining error is about its square
constexpr double kGaussTolerance = 1e-6;
constexpr int kStartPasses = 8, kUsualPasses = 4, kMostPasses = 80;

/** The descent of a group's rows from their starts to the minimum. */
struct Descent {
  Lanes centre, width, trialCentre, trialWidth;
  Lanes bestSse, du, dv, variance;
  Mask done, newton;
  bool finished;
  Descent(Lanes atCentre, Lanes atWidth, Mask flat)
      : centre(atCentre), width(atWidth), trialCentre(atCentre), trialWidth(atWidth),
        bestSse(fill(std::numeric_limits<double>::infinity())), du(fill(0.0)), dv(fill(0.0)), variance(fill(-1.0)),
        done(flat), newton(Mask{}), finished(all(flat)) {}
};

/** Evaluates every row with the sums that its own width allows, so that its result does not depend on its neighbours. */
template <class Model>
static inline Pass evaluateTrial(const Descent& way, const Samples& samples) {
  const auto evaluate = [&way, &samples](bool smooth) __attribute__((always_inline)) {
    return Model::evaluate(samples.y, samples.count, samples.first, samples.spacing, way.trialCentre, way.trialWidth,
                           samples.total, smooth);
  };
  const Mask wide = way.trialWidth >= samples.smoothWidth;
  const bool allWide = all(wide);
  Pass pass = evaluate(allWide);
  if (allWide || all(~wide)) return pass;
  const Pass smooth = evaluate(true);
  pass.sse = select(wide, smooth.sse, pass.sse);
  pass.du = select(wide, smooth.du, pass.du);
  pass.dv = select(wide, smooth.dv, pass.dv);
  pass.variance = select(wide, smooth.variance, pass.variance);
  pass.newton = wide ? smooth.newton : pass.newton;
  return pass;
}

/** Does one pass: evaluates the last step, and takes the next. */
template <class Model>
static inline void advance(Descent& way, const Samples& samples, int rowWidth, double newtonTolerance) {
  const Pass at = evaluateTrial<Model>(way, samples);
  const Mask lower = at.sse <= way.bestSse + 1e-13 * samples.total;
  const Mask accept = lower & ~way.done;
  way.bestSse = select(accept, at.sse, way.bestSse);
  way.centre = select(accept, way.trialCentre, way.centre);
  way.width = select(accept, way.trialWidth, way.width);
  way.variance = select(accept, at.variance, way.variance);
  way.newton = accept ? at.newton : way.newton;
  // A step that is too long is shortened as a whole, because only its direction is known to be downhill. One that increased the
  // cost is halved.
  const Lanes excess = larger(absolute(at.du) * (1 / kLongestStep), absolute(at.dv) * (1 / kLongestLogStep));
  const Lanes shortened = 1.0 / larger(excess, fill(1.0));
  way.du = select(accept, at.du * shortened, 0.5 * way.du);
  way.dv = select(accept, at.dv * shortened, 0.5 * way.dv);
  way.trialCentre = within(way.centre + way.width * way.du, -1.0 * rowWidth, 2.0 * rowWidth);
  way.trialWidth = within(way.width * exponential(way.dv), kNarrowestWidth, kWidestInRows * rowWidth);
  const Lanes move = larger(absolute(way.trialCentre - way.centre), absolute(way.trialWidth - way.width));
  const Mask small = move < way.width * select(way.newton & accept, fill(newtonTolerance), fill(kGaussTolerance));
  const Mask arrived = small & ~way.done;
  way.centre = select(arrived, way.trialCentre, way.centre);
  way.width = select(arrived, way.trialWidth, way.width);
  way.done |= arrived;
  way.finished = all(way.done);
}

/** Moves centre and width to the minimum; `group.done` says which rows have converged. */
template <class Model>
static inline void refine(Group& group, const Samples& samples, int rowWidth, int passes, double newtonTolerance) {
  Descent way(group.centre, group.width, group.flat);
  for (int pass = 0; pass < passes && !way.finished; ++pass) advance<Model>(way, samples, rowWidth, newtonTolerance);
  group.centre = way.centre;
  group.width = way.width;
  group.variance = way.variance;
  group.done = way.done;
}

/** Refines both starts on the binned row, which is cheap, and keeps the better one. */
template <class Model>
static inline void approach(Group& group, const FitMemory& memory, int rowWidth) {
  Start best, other;
  search<Model>(group, memory, best, other);
  const Samples binned{group.binned, memory.bins, (memory.bin - 1) / 2.0, 1.0 * memory.bin, group.binnedTotal,
                       fill(0.8 * kSmoothWidth * memory.bin)};
  // Alternating, because neither waits for the other: the end of a pass is a long chain of small sums.
  Descent first(best.centre, best.width, group.flat), second(other.centre, other.width, group.flat);
  for (int pass = 0; pass < kStartPasses && !(first.finished && second.finished); ++pass) {
    if (!second.finished) advance<Model>(second, binned, rowWidth, kStartTolerance);
    if (!first.finished) advance<Model>(first, binned, rowWidth, kStartTolerance);
  }
  const Mask worse = first.bestSse > second.bestSse;
  group.centre = select(worse, second.centre, first.centre);
  group.width = select(worse, second.width, first.width);
}

/**
 * Estimates the noise of one sample from successive differences: their mean absolute value, with outliers cut at three times it.
 */
static inline Lanes differenceNoise(const Lanes* y, int n) {
  const auto difference = [y](int i) { return absolute(y[i] - y[i - 1]); };
  const Lanes limit = 3.0 * sum(1, n, difference) / (n - 1);
  const Lanes cut = sum(1, n, [difference, limit](int i) { return smaller(difference(i), limit); });
  // For normal noise, mean |difference| = 2 sigma / sqrt(pi); rounding to whole counts alone contributes 1/12.
  const Lanes sigma = 0.88622692545 * cut / (n - 1);
  return sigma * sigma + 1.0 / 12;
}

/** Amplitude (>= 0), asymmetry and offset of a Fano line, from its even and odd parts. */
struct FanoTerms {
  double amplitude, asymmetry, offset;
  FanoTerms(double even, double odd, double base) {
    const double size = std::sqrt(even * even + odd * odd);
    // A line without an odd part would have an infinite asymmetry: use one that no measurement can distinguish from it.
    if (std::fabs(odd) < 1e-9 * size) odd = odd < 0 ? -1e-9 * size : 1e-9 * size;
    amplitude = even > 0 ? odd * odd / (2 * (even + size)) : (size - even) / 2;
    asymmetry = size == 0 ? 0 : odd / (2 * amplitude);
    offset = base - amplitude;
  }
};

template <class Model>
static inline void store(Group& group, const FitRows& rows, const FitOutputs& out, Mask wanted) {
  const int n = rows.width;
  const Curve curve = Model::finish(group.y, n, group.centre, group.width, group.residual, group.spare);
  const Lanes noise = differenceNoise(group.y, n);
  Lanes correlation[kLagCount] = {};
  const Lanes* residual = group.residual;
  for (int i = kLags[kLagCount - 1]; i < n; ++i) {
    for (int k = 0; k < kLagCount; ++k) correlation[k] += residual[i] * residual[i - kLags[k]];
  }
  constexpr int columns = Model::kFano ? 6 : 5;
  for (int lane = 0; lane < group.used; ++lane) {
    if (!wanted[lane]) continue;
    const int row = group.rows[lane];
    double* column = out.columns + static_cast<long>(row) * columns;
    for (int k = 0; k < columns; ++k) column[k] = std::numeric_limits<double>::quiet_NaN();
    out.standardError[row] = std::numeric_limits<double>::quiet_NaN();
    for (int k = 0; k < kLagCount; ++k) out.correlation[row * kLagCount + k] = 0;
    if (group.flat[lane]) {
      out.status[row] = kFlat;
      out.explained[row] = 0;
      out.peakToNoise[row] = 0;
      continue;
    }
    const double centre = group.centre[lane], width = group.width[lane], sse = curve.sse[lane];
    const double even = curve.even[lane], odd = curve.odd[lane], base = curve.base[lane] + group.mean[lane];
    const double error = std::sqrt(sse / n), height = std::sqrt(even * even + odd * odd);
    out.explained[row] = 1 - sse / group.total[lane];
    out.peakToNoise[row] = height / std::sqrt(noise[lane]);
    for (int k = 0; k < kLagCount; ++k) {
      out.correlation[row * kLagCount + k] = sse > 0 ? static_cast<float>(correlation[k][lane] / sse) : 0;
    }
    const bool inside = centre > -1.0 * n && centre < 2.0 * n && width > kNarrowestWidth && width < kWidestInRows * n;
    if (!group.done[lane] || !inside || !(group.variance[lane] > 0) || !std::isfinite(sse)) {
      out.status[row] = kNotConverged;
      continue;
    }
    out.status[row] = kOk;
    out.standardError[row] = width * std::sqrt(group.variance[lane] * sse / (n - Model::kParameters));
    if constexpr (Model::kFano) {
      const FanoTerms terms(even, odd, base);
      column[0] = terms.amplitude, column[1] = terms.asymmetry, column[2] = centre;
      column[3] = width, column[4] = terms.offset, column[5] = error;
    } else {
      column[0] = even, column[1] = centre, column[2] = width, column[3] = base, column[4] = error;
    }
  }
}

template <class Model>
static void fitRows(const FitRows& rows, const FitMemory& memory, const FitOutputs& out) {
  const int n = rows.width, bin = memory.bin, bins = memory.bins;
  Lanes* lanes = reinterpret_cast<Lanes*>(memory.lanes);
  double* starts = memory.starts;
  Group group;
  group.y = lanes;
  group.residual = lanes + n;
  group.spare = lanes + 2 * n;
  group.binned = lanes + 3 * n;
  const auto fillRows = [&group](int used, auto rowOf) {
    group.used = used;
    for (int lane = 0; lane < kLanes; ++lane) group.rows[lane] = rowOf(lane < used ? lane : used - 1);
  };
  int left = 0;
  for (int first = 0; first < rows.rows; first += kLanes) {
    fillRows(rows.rows - first < kLanes ? rows.rows - first : kLanes, [first](int lane) { return first + lane; });
    load(group, rows, bin, bins);
    approach<Model>(group, memory, n);
    refine<Model>(group, {group.y, n, 0.0, 1.0, group.total, fill(kSmoothWidth)}, n, kUsualPasses, kNewtonTolerance);
    for (int lane = 0; lane < group.used; ++lane) {
      if (group.done[lane]) continue;
      memory.unfinished[left++] = group.rows[lane];
      starts[2 * group.rows[lane]] = group.centre[lane];
      starts[2 * group.rows[lane] + 1] = group.width[lane];
    }
    store<Model>(group, rows, out, group.done);
  }
  for (int first = 0; first < left; first += kLanes) {
    const int* list = memory.unfinished + first;
    fillRows(left - first < kLanes ? left - first : kLanes, [list](int lane) { return list[lane]; });
    load(group, rows, bin, bins);
    for (int lane = 0; lane < kLanes; ++lane) {
      group.centre[lane] = starts[2 * group.rows[lane]];
      group.width[lane] = starts[2 * group.rows[lane] + 1];
    }
    refine<Model>(group, {group.y, n, 0.0, 1.0, group.total, fill(kSmoothWidth)}, n, kMostPasses, kNewtonTolerance);
    store<Model>(group, rows, out, ~Mask{});
  }
}

static void fit(Line line, const FitRows& rows, const FitMemory& memory, const FitOutputs& out) {
  if (line == Line::gaussian) {
    fitRows<Gaussian>(rows, memory, out);
  } else {
    fitRows<Fano>(rows, memory, out);
  }
}

}  // namespace phorest::PHOREST_TARGET
