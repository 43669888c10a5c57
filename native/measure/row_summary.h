// Summarises the rows of an ROI: its position, and the values from which its uncertainty is computed.
#pragma once
#include <vector>

#include "statistics/median_error.h"
#include "statistics/statistics.h"

namespace phorest {

/** ROW_SUMMARY in kernel.ts; px unless noted otherwise, NaN if unknown. */
struct RowSummary {
  double position;       // median of the measured rows
  double standardError;  // of that median
  double measured;       // share of the rows
  double explained;      // median share of their variance
  double lineWidth;      // median
  double contrast;       // median height over noise, including rows that were not measured
  double rowError;       // median standard error of a single row
};
constexpr int kRowSummary = 7;
static_assert(sizeof(RowSummary) == kRowSummary * sizeof(double), "summaries are handed out as plain numbers");

/** Input of the summaries: one value per row of all ROIs, and which columns hold position and width. */
struct SummaryInput {
  MeasuredRows rows;
  const double *standardError, *explained, *peakToNoise;
  int positionColumn, widthColumn;  // -1: there is no width
  double rounding;                  // deviation of a rounded position, 0 if it was not rounded
};

/** Keeps its memory from image to image; one per thread. */
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
