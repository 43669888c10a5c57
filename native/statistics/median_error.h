// The standard error of an ROI's position, the median of its rows: from the rows' own scatter about a tilted line.
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
   * px: standard error of `position`, the median of the rows, from their own scatter about a straight (tilted) line. Rows
   * are correlated where speckle grains span several of them, which leaves fewer independent ones. `rowErrors` are those
   * of single rows, `rounding` the deviation of a value that was rounded, 0 where none was. NaN where nothing is known.
   * Throws std::bad_alloc.
   */
  double of(const double* positions, const double* rowErrors, int rows, double rounding, double position);

  /** The straight line through the rows, by least squares with Huber's weights from a robust start. Throws std::bad_alloc. */
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
