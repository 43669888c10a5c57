// In both measures, `explained` is the fraction of the row's variance that is not noise between neighbours, `peakToNoise` the
// maximum above the row's mean divided by that noise.
#include "measure/rows.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace phorest {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct RowSummary {
  double mean, deviation, noise;
  int brightest;
};

RowSummary summarise(const float* row, int n) {
  double sum = 0, squares = 0, differences = 0;
  for (int i = 0; i < n; ++i) sum += row[i];
  const double mean = sum / n;
  int brightest = 0;
  for (int i = 0; i < n; ++i) {
    squares += (row[i] - mean) * (row[i] - mean);
    if (row[i] > row[brightest]) brightest = i;
    if (i > 0) differences += std::fabs(row[i] - row[i - 1]);
  }
  // For normal noise, mean |difference| = 2 sigma / sqrt(pi); outliers are cut at three times the mean as in the fits.
  double cut = 0;
  const double limit = n > 1 ? 3 * differences / (n - 1) : 0;
  for (int i = 1; i < n; ++i) cut += std::fmin(std::fabs(row[i] - row[i - 1]), limit);
  const double sigma = n > 1 ? 0.88622692545 * cut / (n - 1) : 0;
  return {mean, std::sqrt(squares / n), std::sqrt(sigma * sigma + 1.0 / 12), brightest};
}

/** Fills what both measures share; returns false if the row is flat and nothing can be measured. */
bool open(const FitOutputs& out, int row, const float* samples, const RowSummary& summary) {
  out.columns[row] = kNaN;
  out.standardError[row] = kNaN;
  out.explained[row] = 0;
  out.peakToNoise[row] = 0;
  out.status[row] = kFlat;
  for (int k = 0; k < kLagCount; ++k) out.correlation[row * kLagCount + k] = 0;
  if (summary.deviation < kFlatDeviation) return false;
  const double ratio = summary.noise / summary.deviation;
  out.explained[row] = std::fmax(0, 1 - ratio * ratio);
  out.peakToNoise[row] = (samples[summary.brightest] - summary.mean) / summary.noise;
  out.status[row] = kOk;
  return true;
}

}  // namespace

void findMaxima(const FitRows& rows, const FitOutputs& out) {
  for (int row = 0; row < rows.rows; ++row) {
    const float* samples = rows.samples + static_cast<long>(row) * rows.stride;
    const RowSummary summary = summarise(samples, rows.width);
    if (!open(out, row, samples, summary)) continue;
    const double candidate = samples[summary.brightest] - 2 * summary.noise;
    int first = 0, last = rows.width - 1;
    while (samples[first] < candidate) ++first;
    while (samples[last] < candidate) --last;
    out.columns[row] = summary.brightest;
    out.standardError[row] = (last - first + 1) / std::sqrt(12.0);
  }
}

void findCentres(const FitRows& rows, const FitOutputs& out) {
  for (int row = 0; row < rows.rows; ++row) {
    const float* samples = rows.samples + static_cast<long>(row) * rows.stride;
    const RowSummary summary = summarise(samples, rows.width);
    if (!open(out, row, samples, summary)) continue;
    const double threshold = summary.mean + 3 * summary.deviation;
    double weight = 0, moment = 0;
    for (int i = 0; i < rows.width; ++i) {
      if (samples[i] < threshold) continue;
      weight += samples[i];
      moment += static_cast<double>(samples[i]) * (i + 1);
    }
    if (weight == 0) {
      out.status[row] = kNothingAboveThreshold;
      continue;
    }
    const double centre = moment / weight;
    double spread = 0;
    for (int i = 0; i < rows.width; ++i) {
      if (samples[i] >= threshold) spread += (i + 1 - centre) * (i + 1 - centre);
    }
    out.columns[row] = centre;
    // A single sample is only known to within its own width.
    out.standardError[row] = std::sqrt(summary.noise * summary.noise * spread / (weight * weight) + 1.0 / 12);
  }
}

}  // namespace phorest
