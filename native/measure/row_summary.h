// What an ROI's rows say together: its position and what the doubt about that is made of.
#pragma once
#include <vector>

#include "statistics/median_error.h"
#include "statistics/statistics.h"

namespace phorest {

/** ROW_SUMMARY in kernel.ts; px unless said otherwise, NaN where nothing is known. */
struct RowSummary {
  double position;       // median of the measured rows
  double standardError;  // of that median
  double measured;       // share of the rows
  double explained;      // median share of their variance
  double lineWidth;      // median
  double contrast;       // median height over noise, of rows that were not measured too
  double rowError;       // median standard error of a single row
};
constexpr int kRowSummary = 7;
static_assert(sizeof(RowSummary) == kRowSummary * sizeof(double), "summaries are handed out as plain numbers");

/** What summaries are made of: one value per row of all ROIs, and which columns hold position and width. */
struct SummaryInput {
  MeasuredRows rows;
  const double *standardError, *explained, *peakToNoise;
  int positionColumn, widthColumn;  // no width: -1
  double rounding;                  // deviation of a position that was rounded, 0 where none was
};

/** Keeps its memory from picture to picture; one per thread. */
class RowSummaries {
 public:
  /** Fills `out` [roi]. Throws std::bad_alloc. */
  void run(const SummaryInput& input, RowSummary* out);

 private:
  double median(const std::vector<double>& values);

  MedianError error_;
  std::vector<double> positions_, rowErrors_, explained_, widths_, contrasts_, scratch_;
};

}  // namespace phorest
