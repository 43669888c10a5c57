// Finds the start of the joint fit.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "fit/joint.h"

namespace phorest {
namespace {

/** Number of bands into which rows are averaged to find the start; one more band is the mean of all rows. */
constexpr int kBands = 8;

/** The line shape that rows are fitted with to find the start; symmetric shapes have the same centre. */
Line rowLineOf(Line line) { return line == Line::fano ? Line::fano : Line::gaussian; }

/** Converts the line of a row fit: columns amplitude, mu, sigma or amplitude, asymmetry, resonance, gamma. */
SharedLine lineOf(Line line, const double* columns) {
  if (line == Line::fano) return {columns[2], 0, std::log(columns[3]), 2 * std::atan2(1, columns[1])};
  /**
   * Half-width at half height of a Gaussian, in standard deviations; a Lorentzian fitted to the same rows is slightly narrower.
   */
  constexpr double kHalfWidth = 1.17741;
  const double logWidth = std::log(std::fabs(columns[2]));
  if (line == Line::gaussian) return {columns[1], 0, logWidth, 0};
  return {columns[1], 0, logWidth + std::log(kHalfWidth), line == Line::voigt ? 0.5 : 0};
}

}  // namespace

/** Starts at the better of two lines: the one through the mean row, and the one through the rows of the bands. */
bool Joint::start(const float* samples, SharedLine& line) {
  const int bands = std::min(kBands, roi_.rows), width = roi_.width;
  std::vector<float> means(static_cast<std::size_t>(bands + 1) * width, 0.0F);
  std::vector<double> middle(bands);
  for (int band = 0; band <= bands; ++band) {
    const int first = band == bands ? 0 : band * roi_.rows / bands;
    const int end = band == bands ? roi_.rows : (band + 1) * roi_.rows / bands;
    float* mean = means.data() + static_cast<std::size_t>(band) * width;
    for (int row = first; row < end; ++row) {
      for (int i = 0; i < width; ++i) mean[i] += samples[static_cast<long>(row) * width + i] / static_cast<float>(end - first);
    }
    if (band < bands) middle[band] = (first + end - 1) / 2.0 - (roi_.rows - 1) / 2.0;
  }
  constexpr int kMost = kBands + 1;
  double columns[kMost * columnsOf(Line::fano)], standardError[kMost], explained[kMost], peakToNoise[kMost];
  std::uint8_t status[kMost];
  float correlation[kMost * kLagCount];
  const Line rowLine = rowLineOf(roi_.line);
  fit(rowLine, {means.data(), bands + 1, width, width}, scratch_[static_cast<int>(rowLine)],
      {columns, standardError, explained, peakToNoise, status, correlation});
  const auto of = [rowLine, &columns](int band) { return columns + static_cast<long>(band) * columnsOf(rowLine); };

  std::vector<double> centres, logWidths, slopes, cosines, sines;
  for (int band = 0; band < bands; ++band) {
    if (status[band] != kOk) continue;
    const SharedLine found = lineOf(roi_.line, of(band));
    centres.push_back(found.centre);
    logWidths.push_back(found.logWidth);
    cosines.push_back(std::cos(found.phase));
    sines.push_back(std::sin(found.phase));
    for (int other = 0; other < band; ++other) {
      if (status[other] != kOk) continue;
      slopes.push_back((found.centre - lineOf(roi_.line, of(other)).centre) / (middle[band] - middle[other]));
    }
  }
  std::vector<SharedLine> candidates;
  if (status[bands] == kOk) candidates.push_back(lineOf(roi_.line, of(bands)));
  if (!centres.empty()) {
    const double phase = roi_.line == Line::fano ? std::atan2(median(sines), median(cosines)) : lineOf(roi_.line, of(0)).phase;
    candidates.push_back({median(centres), slopes.empty() ? 0 : median(slopes), median(logWidths), phase});
  }
  double least = std::numeric_limits<double>::infinity();
  for (const SharedLine& candidate : candidates) {
    Normals normals;
    vectorUnit().normals(roi_, candidate, normals);
    if (normals.cost < least) line = candidate, least = normals.cost;
  }
  return std::isfinite(least);
}

}  // namespace phorest
