#include "statistics/median_error.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "statistics/root_of_squares.h"
#include "statistics/select.h"

namespace phorest {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kPi = 3.14159265358979323846;
/** With fewer rows than this, their scatter cannot be estimated; the errors of single rows are used instead. */
constexpr int kFewestRows = 5;
/** Ratio of the standard deviation of a normal distribution to its median absolute deviation. */
constexpr double kMadToDeviation = 1.4826;
/** Residuals beyond this many deviations count as this many. */
constexpr double kOutlier = 2.5;
constexpr int kLinePasses = 3;
/** In deviations: rows farther from the line count less. 1.345 keeps 95 % of the efficiency of least squares. */
constexpr double kHuberLimit = 1.345;
/** In units of 1 / sqrt(rows): a correlation of neighbouring rows below this may be chance. */
constexpr double kChance = 0.3;

int countKnown(const double* values, int count) {
  int known = 0;
  for (int i = 0; i < count; ++i) known += !std::isnan(values[i]);
  return known;
}

/** Returns the mean product of values `lag` rows apart, over the pairs in which both were measured. */
double meanProduct(const std::vector<double>& values, std::size_t lag) {
  double sum = 0;
  int pairs = 0;
  for (std::size_t row = 0; row + lag < values.size(); ++row) {
    const double product = values[row] * values[row + lag];
    const bool known = !std::isnan(product);
    sum += known ? product : 0;
    pairs += known;
  }
  return pairs == 0 ? 0 : sum / pairs;
}

/**
 * exp(-x) for x from 0 to 700, to a relative error of 1e-8, in a loop that the compiler can vectorise. A call of the library
 * function would take longer than everything else for a row.
 */
inline double decay(double x) {
  // Adding 1.5 * 2^52 rounds to an integer, which is then in the low bits of the mantissa.
  constexpr double kRound = 6755399441055744.0;
  const double shifted = x * -1.4426950408889634 + kRound;
  const double r = -x - (shifted - kRound) * 0.69314718055994531;
  double p = 1.0 / 5040;
  p = p * r + 1.0 / 720;
  p = p * r + 1.0 / 120;
  p = p * r + 1.0 / 24;
  p = p * r + 1.0 / 6;
  p = p * r + 0.5;
  p = p * r + 1;
  p = p * r + 1;
  return std::bit_cast<double>(std::bit_cast<std::uint64_t>(p) + (std::bit_cast<std::uint64_t>(shifted) << 52));
}

/**
 * Returns the standard error of the median of independent rows spread along a line: sqrt(sum p(1 - p)) / sum density, p and
 * density at the median. Without tilt it is sqrt(pi / 2) * deviation / sqrt(rows). With tilt, fewer rows matter, and if they are
 * farther apart than their scatter, only the one or two in the middle.
 */
double errorAlongLine(const double* positions, int rows, TiltedLine line, double deviation, double median) {
  double weight = 0;
  for (int row = 0; row < rows; ++row) {
    const double z = (median - line.start - line.slope * row) / deviation;
    // The logistic curve of slope 1.702 is the normal distribution to within 0.01; its p(1 - p), scaled, is the density.
    const double far = 1.702 * std::fabs(z), e = decay(far < 700 ? far : 700), part = e / ((1 + e) * (1 + e));
    weight += positions[row] == positions[row] ? 4 * part : 0;
  }
  // If no other row is near the median, the weight vanishes, but the median always consists of at least one or two rows.
  const int middleRows = 2 - countKnown(positions, rows) % 2;
  return std::min(std::sqrt(kPi / 2) / std::sqrt(weight), 1 / std::sqrt(static_cast<double>(middleRows))) * deviation;
}

}  // namespace

/** Returns the median of the values that are numbers; NaN if there is none. */
double MedianError::median(const double* values, int count) {
  known_.clear();
  for (int i = 0; i < count; ++i) {
    if (!std::isnan(values[i])) known_.push_back(values[i]);
  }
  if (known_.empty()) return kNaN;
  return medianInPlace(known_.data(), known_.size());
}

/** Returns the line through the medians of the first and the last third of the measured rows. */
TiltedLine MedianError::lineOfThirds(const double* positions, int rows) {
  const int count = countKnown(positions, rows), third = (count + 2) / 3;
  for (std::vector<double>* part : {&topRows_, &top_, &bottomRows_, &bottom_}) part->clear();
  for (int row = 0, nth = 0; row < rows; ++row) {
    if (std::isnan(positions[row])) continue;
    if (nth < third) topRows_.push_back(row), top_.push_back(positions[row]);
    if (count - 1 - nth < third) bottomRows_.push_back(row), bottom_.push_back(positions[row]);
    ++nth;
  }
  const double topRow = median(topRows_.data(), third), top = median(top_.data(), third);
  const double apart = median(bottomRows_.data(), third) - topRow;
  const double slope = apart > 0 ? (median(bottom_.data(), third) - top) / apart : 0;
  return {top - slope * topRow, slope};
}

void MedianError::follow(const double* positions, int rows, TiltedLine line) {
  residuals_.resize(rows);
  for (int row = 0; row < rows; ++row) residuals_[row] = positions[row] - line.start - line.slope * row;
}

/** Returns the deviation of the residuals about 0, from the median of their sizes. */
double MedianError::roughDeviation() {
  sizes_.resize(residuals_.size());
  std::transform(residuals_.begin(), residuals_.end(), sizes_.begin(), [](double value) { return std::fabs(value); });
  return kMadToDeviation * median(sizes_.data(), static_cast<int>(sizes_.size()));
}

/** Returns the same with outliers cut at kOutlier deviations; 0 if half of the residuals vanish. */
double MedianError::robustDeviation() {
  const double rough = roughDeviation(), cut = kOutlier * rough;
  double squares = 0;
  int count = 0;
  for (const double residual : residuals_) {
    if (std::isnan(residual)) continue;
    const double size = std::min(std::fabs(residual), cut);
    squares += size * size;
    ++count;
  }
  // The line uses two degrees of freedom.
  return rough == 0 ? 0 : std::sqrt(squares / std::max(1, count - 2));
}

TiltedLine MedianError::robustLine(const double* positions, int rows) {
  TiltedLine line = lineOfThirds(positions, rows);
  for (int pass = 0; pass < kLinePasses; ++pass) {
    follow(positions, rows, line);
    const double limit = kHuberLimit * roughDeviation();
    if (limit == 0) return line;
    double sum = 0, sumRow = 0, sumRowRow = 0, sumValue = 0, sumRowValue = 0;
    for (int row = 0; row < rows; ++row) {
      const double value = positions[row];
      if (std::isnan(value)) continue;
      const double distance = std::fabs(residuals_[row]), weight = distance <= limit ? 1 : limit / distance;
      sum += weight;
      sumRow += weight * row;
      sumRowRow += weight * row * row;
      sumValue += weight * value;
      sumRowValue += weight * row * value;
    }
    const double spread = sum * sumRowRow - sumRow * sumRow;
    if (!(spread > 0)) return line;
    const double slope = (sum * sumRowValue - sumRow * sumValue) / spread;
    line = {(sumValue - slope * sumRow) / sum, slope};
  }
  return line;
}

/**
 * Returns the number of rows per independent row, at least 1: 1 + 2 sum of the correlations of signs up to the first lag that is
 * not positive. Removing a line lowers every correlation by about 2 time / rows, which the second pass corrects.
 */
double MedianError::correlationTime(double deviation) {
  const double rows = static_cast<double>(residuals_.size()), cut = kOutlier * deviation;
  kept_.resize(residuals_.size());
  // An unknown residual stays NaN: clamp lets NaN pass.
  std::transform(residuals_.begin(), residuals_.end(), kept_.begin(),
                 [cut](double residual) { return std::clamp(residual, -cut, cut); });
  const double own = meanProduct(kept_, 0);
  double lost = 0, time = 1;
  for (int pass = 0; pass < 2; ++pass) {
    time = 1;
    double linear = 1;
    for (std::size_t lag = 1; static_cast<double>(lag) <= rows / 4; ++lag) {
      const double correlation = (meanProduct(kept_, lag) / own + lost) / (1 + lost);
      // A correlation that independent rows may have by chance ends the sum.
      if (!(correlation > lost + kChance / std::sqrt(rows))) break;
      linear += 2 * correlation;
      // The median depends on which side of it a row is, not on how far away.
      time += 2 * (1 - static_cast<double>(lag) / rows) * (2 / kPi) * std::asin(std::min(1.0, correlation));
    }
    lost = std::min(0.3, 2 * (linear - 1) / rows);
  }
  return time;
}

double MedianError::of(const double* positions, const double* rowErrors, int rows, double rounding, double position) {
  const int measured = countKnown(positions, rows);
  const double typicalRow = median(rowErrors, rows);
  // The median of three tilted rows is the middle one; that of two is their mean.
  if (measured < kFewestRows) return rootOfSquares(typicalRow / std::sqrt(measured == 2 ? 2.0 : 1.0), rounding);
  const TiltedLine line = robustLine(positions, rows);
  follow(positions, rows, line);
  const double deviation = robustDeviation();
  // Rows without any scatter are copies of each other, so together they are as uncertain as each of them.
  if (deviation == 0) return rootOfSquares(std::isnan(typicalRow) ? 0 : typicalRow, rounding);
  const double independent = errorAlongLine(positions, rows, line, deviation, position);
  return rootOfSquares(independent * std::sqrt(correlationTime(deviation)), rounding);
}

}  // namespace phorest
