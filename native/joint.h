// One line through all rows of an ROI at once: centre + slope * row, shared width and shape, amplitude and offset of each
// row eliminated (variable projection), rows and samples weighted by what their noise is measured to be.
#pragma once
#include <cstdint>

#include "buffer.h"
#include "fit.h"

namespace phorest {

/** position, slope, width, asymmetry, amplitude, offset, error; the order of QUANTITIES.joint in method.ts. */
constexpr int kJointColumns = 7;

/**
 * y = offset + height * (L cos(phase) + tL sin(phase)), t = (x - centre - slope * row) / exp(logWidth), L = 1/(1 + t^2),
 * rows counted from the middle of the ROI. It is a Fano line of q = cot(phase / 2): phase 0 is a Lorentzian peak.
 */
struct SharedLine {
  double centre, slope, logWidth, phase;
};

constexpr int kShared = 4;

/** The noise is known at so many values of the model. */
constexpr int kNoiseBins = 8;

/** The pixels of one ROI; rows are `stride` apart, and samples beyond `width` have no weight. */
struct JointRows {
  int rows, width, stride;
  double* y;         // without the ROI's mean
  double* weight;    // 0 for what does not count
  double* model;     // of the last trace
  double* residual;  // likewise
  double* height;    // [row], may be negative
  double* offset;    // [row]
  double* firmness;  // [row], inverse variance of the height
};

/** Cost sum(weight * residual^2), and Gauss-Newton's matrix and right side for the four shared parameters. */
struct Normals {
  double cost;
  double right[kShared];
  double matrix[kShared][kShared];
};

/** What became of an ROI. */
struct JointAnswer {
  double columns[kJointColumns];  // NaN unless the status is ok
  double standardError;           // px
  double explained;
  double peakToNoise;
  double residualDistance;  // px along the row that count as one
  RowStatus status;
};

/** Keeps its memory from ROI to ROI; one per thread. */
class Joint {
 public:
  /** Measures an ROI of `rows` x `width` samples without gaps, values from `saturation` on not counted. Throws std::bad_alloc. */
  JointAnswer measure(const float* samples, int rows, int width, float saturation);

 private:
  void load(const float* samples, float saturation);
  bool start(const float* samples, SharedLine& line);
  bool minimise(SharedLine& line, Normals& normals);
  void weigh(bool learnNoise);
  double deviationAt(double model) const;
  void judge(const float* samples, const SharedLine& line, const Normals& normals, JointAnswer& answer);

  JointRows roi_{};
  double mean_ = 0, total_ = 0, ceiling_ = 0;
  double firstBin_ = 0, binWidth_ = 0;  // model values: middle of the first bin, and from bin to bin
  double noise_[kNoiseBins] = {};       // deviation of the residual there
  FitScratch scratch_;
  Buffer<double> samples_, rows_;
};

}  // namespace phorest
