#include "statistics/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "row_status.h"
#include "statistics/select.h"

namespace phorest {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/** numpy's `round` to 3 decimals: scale, nearest even, scale back. */
double rounded(double value) {
  const double scaled = value * 1000;
  // Beyond 2^52 a double has no decimals to round.
  if (!(std::fabs(scaled) < 0x1p52)) return value;
  const double below = std::floor(scaled), excess = scaled - below;
  const bool up = excess > 0.5 || (excess == 0.5 && std::fmod(below, 2) != 0);
  return (up ? below + 1 : below) / 1000;
}

/** Returns the deviation about the mean of `count` values; `valueAt` returns the one at an index. */
template <class ValueAt>
double deviation(std::size_t count, ValueAt valueAt, double mean) {
  double squares = 0;
  for (std::size_t i = 0; i < count; ++i) squares += (valueAt(i) - mean) * (valueAt(i) - mean);
  return std::sqrt(squares / static_cast<double>(count));
}

/**
 * Returns the quantile `share`. The values from `left` to before `right` are separated from the others and include the lower of
 * the two ranks needed, unless it is in its place already.
 */
double quantile(std::vector<double>& values, double share, std::size_t left, std::size_t right) {
  const double at = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const auto begin = values.begin();
  select(values.data(), below, left, right);
  const double low = values[below];
  if (below + 1 >= values.size()) return low;
  const double high = *std::min_element(begin + below + 1, values.end()), rest = at - static_cast<double>(below);
  // numpy interpolates from the nearer neighbour, so that the end points are exact.
  return rest < 0.5 ? low + (high - low) * rest : high - (high - low) * (1 - rest);
}

}  // namespace

void RowStatistics::run(const MeasuredRows& rows, double* out) {
  for (int roi = 0; roi < rows.rois; ++roi) {
    for (int quantity = 0; quantity < rows.quantities; ++quantity, out += kStatistics) {
      values_.clear();
      for (int row = rows.rowStart[roi]; row < rows.rowStart[roi + 1]; ++row) {
        if (rows.status[row] != kOk) continue;
        values_.push_back(rows.columns[static_cast<std::size_t>(row) * rows.quantities + quantity]);
      }
      summarise(out);
    }
  }
}

void RowStatistics::summarise(double* out) {
  const std::size_t count = values_.size();
  const auto isKnown = [](double value) { return !std::isnan(value); };
  if (count == 0 || !std::all_of(values_.begin(), values_.end(), isKnown)) {
    std::fill_n(out, kStatistics, kNaN);
    return;
  }
  double sum = 0, differences = 0;
  for (const double value : values_) sum += value;
  const auto valueAt = [this](std::size_t i) { return values_[i]; };
  const auto differenceAt = [this](std::size_t i) { return values_[i + 1] - values_[i]; };
  for (std::size_t i = 0; i + 1 < count; ++i) differences += differenceAt(i);
  const double mean = sum / static_cast<double>(count);
  const auto [lowest, highest] = std::minmax_element(values_.begin(), values_.end());
  const double min = rounded(*lowest), max = rounded(*highest);
  // The median first: the parts before and after it then contain the quartiles.
  ranked_ = values_;
  const std::size_t middle = (count - 1) / 2;
  const double median = quantile(ranked_, 0.5, 0, count);
  const double lower = quantile(ranked_, 0.25, 0, middle);
  const double upper = quantile(ranked_, 0.75, middle, count);
  const double all[kStatistics] = {
      rounded(mean), rounded(deviation(count, valueAt, mean)), rounded(lower), rounded(median), rounded(upper), max, min,
      max == min ? 0
                 : rounded(deviation(count - 1, differenceAt, differences / static_cast<double>(count - 1)) / (max - min))};
  std::copy_n(all, kStatistics, out);
}

}  // namespace phorest
