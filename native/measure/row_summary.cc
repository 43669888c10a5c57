#include "measure/row_summary.h"

#include <cmath>
#include <limits>

#include "fit/fit.h"
#include "statistics/select.h"

namespace phorest {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace

double RowSummaries::median(const std::vector<double>& values) {
  scratch_.clear();
  for (const double value : values) {
    if (!std::isnan(value)) scratch_.push_back(value);
  }
  return scratch_.empty() ? kNaN : medianInPlace(scratch_.data(), scratch_.size());
}

void RowSummaries::run(const SummaryInput& input, RowSummary* out) {
  const MeasuredRows& rows = input.rows;
  for (int roi = 0; roi < rows.rois; ++roi) {
    const int first = rows.rowStart[roi], count = rows.rowStart[roi + 1] - first;
    for (auto* values : {&positions_, &rowErrors_, &explained_, &widths_, &contrasts_}) values->resize(count);
    int measured = 0;
    for (int k = 0; k < count; ++k) {
      const int row = first + k;
      const double* columns = rows.columns + static_cast<std::size_t>(row) * rows.quantities;
      const bool ok = rows.status[row] == kOk;
      positions_[k] = ok ? columns[input.positionColumn] : kNaN;
      rowErrors_[k] = ok ? input.standardError[row] : kNaN;
      explained_[k] = ok ? input.explained[row] : kNaN;
      // A Gaussian with a negative sigma is the same curve.
      widths_[k] = ok && input.widthColumn >= 0 ? std::fabs(columns[input.widthColumn]) : kNaN;
      contrasts_[k] = input.peakToNoise[row];
      measured += !std::isnan(positions_[k]);
    }
    const double position = median(positions_);
    out[roi] = {position,
                measured == 0 ? kNaN : error_.of(positions_.data(), rowErrors_.data(), count, input.rounding, position),
                count == 0 ? 0 : static_cast<double>(measured) / count,
                median(explained_),
                median(widths_),
                median(contrasts_),
                median(rowErrors_)};
  }
}

}  // namespace phorest
