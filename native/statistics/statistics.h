// The established statistics of each quantity over an ROI's measured rows, identical to those of numpy.
#pragma once
#include <cstdint>
#include <vector>

namespace phorest {

/** Mean, STD, LQ, Median, UQ, Max, Min, Smoothness: STATISTICS in method.ts. */
constexpr int kStatistics = 8;

/** Rows of all ROIs, in the form of KernelAnswer. */
struct MeasuredRows {
  const double* columns;  // [row][quantity]
  const std::uint8_t* status;
  const std::int32_t* rowStart;  // [roi + 1]
  int rois, quantities;
};

/** Keeps its memory from image to image; one per thread. */
class RowStatistics {
 public:
  /**
   * Fills `out` [roi][quantity][kStatistics], rounded to 3 decimals, halves to even; NaN if no row was measured. Smoothness is
   * the deviation of successive differences over the rounded Max minus the rounded Min, 0 if that vanishes. Deviations are those
   * of the values themselves, quantiles linear between ranks. Throws std::bad_alloc.
   */
  void run(const MeasuredRows& rows, double* out);

 private:
  void summarise(double* out);

  std::vector<double> values_, ranked_;
};

}  // namespace phorest
