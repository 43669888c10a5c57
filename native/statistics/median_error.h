// Computes the standard error of an ROI's position, the median of its rows, from the rows' scatter about a tilted line.
#pragma once
#include <cstddef>
#include <vector>

namespace phorest {

/** px, and px per row. */
struct TiltedLine {
  double start, slope;
};

/** Rows of one ROI, NaN where a row was not measured; keeps its memory from ROI to ROI, one per thread. */
class MedianError {
 public:
  /**
   * Returns the standard error of `position`, px, the median of the rows, from their scatter about a straight (tilted) line. Rows
   * are correlated if speckle grains span several of them, which leaves fewer independent ones. `rowErrors` are those of single
   * rows, `rounding` the deviation of a rounded value, 0 if it was not rounded. NaN if nothing is known. Throws std::bad_alloc.
   */
  double of(const double* positions, const double* rowErrors, int rows, double rounding, double position);

  /** Fits a straight line through the rows, by least squares with Huber's weights from a robust start. Throws std::bad_alloc. */
  TiltedLine robustLine(const double* positions, int rows);

 private:
  double median(const double* values, int count);
  TiltedLine lineOfThirds(const double* positions, int rows);
  void follow(const double* positions, int rows, TiltedLine line);
  double roughDeviation();
  double robustDeviation();
  double correlationTime(double deviation);

  std::vector<double> known_, residuals_, sizes_, kept_;
  std::vector<double> topRows_, top_, bottomRows_, bottom_;
};

}  // namespace phorest
