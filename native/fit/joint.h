// One line through all rows of an ROI at once: centre + slope * row, shared width and shape, amplitude and offset of each
// row eliminated (variable projection), rows and samples weighted by what their noise is measured to be.
#pragma once
#include <vector>

#include "buffer.h"
#include "fit/fit.h"

namespace phorest {

/** position, slope, width, asymmetry, amplitude, offset, error; the order of QUANTITIES.joint in method.ts. */
constexpr int kJointColumns = 7;

/**
 * y = offset + height * S(t), t = (x - centre - slope * row) / exp(logWidth), rows counted from the middle of the ROI.
 * Gaussian: S = exp(-t^2 / 2). Fano: S = L cos(phase) + tL sin(phase), L = 1/(1 + t^2), which is a Fano line of
 * q = cot(phase / 2). Lorentzian: S = L, no phase. Voigt: a Gaussian convolved with a Lorentzian, t in half-widths of the
 * whole, `phase` being the Lorentzian's share of the half-width (voigt.h).
 */
struct SharedLine {
  double centre, slope, logWidth, phase;
};

constexpr int kShared = 4;

/** Number of model values at which the noise is known. */
constexpr int kNoiseBins = 8;

/** The pixels of one ROI; rows are `stride` apart, and samples beyond `width` have no weight. */
struct JointRows {
  Line line;
  int rows, width, stride;
  double* y;         // without the ROI's mean
  double* weight;    // 0 for what does not count
  double* model;     // of the last trace, without the ROI's mean, at the height and offset typical of its rows
  double* residual;  // likewise
  double* height;    // [row], may be negative
  double* offset;    // [row]
  double* firmness;  // [row], inverse variance of the height
  double typicalHeight, typicalOffset;  // of all rows
};

/** How the noise of a sample depends on the model, and where the camera's scale ends; values are without the ROI's mean. */
struct NoiseCurve {
  double first = 0, binsPerCount = 0;  // model value in the middle of the first bin, and bins in one count
  double inverse[kNoiseBins] = {};     // one over the deviation of the residual there
  double ceiling = 0;                  // from where on the camera cuts off
};

/** What the noise is learnt from: the range of the model, and the sizes of the residuals by its value. */
struct NoiseSizes {
  double low, high;  // of the model
  double typical;    // mean size of a residual; negative without any
  double sizes[kNoiseBins], counts[kNoiseBins];
  double models[kNoiseBins];  // sum of the model over the samples; of tracking only
};

/** Residuals of more than this many deviations have no weight (Tukey's biweight): 1.7 % of precision for immunity to dust. */
constexpr double kTukey = 5;
/** A grain of dust must not pass for noise: sizes above this multiple of the typical one are clipped to it. */
constexpr double kDust = 5;

/** Counts: no camera is free of noise of this size, which is rounding to 9 bits. */
constexpr double kFinestRounding = 0.5;
/** Squares of the picture's own counts: rounding to whole ones alone leaves more. */
constexpr double kLeastVariance = 0.053;

/** In widths: a step that ends the fit. */
constexpr double kSettledWidths = 1e-4;

/** Cost sum(weight * residual^2), and Gauss-Newton's matrix and right side for the four shared parameters. */
struct Normals {
  double cost;
  double right[kShared];
  double matrix[kShared][kShared];
};

/**
 * Solves matrix * step = right by Cholesky's factors, the diagonal raised by `damping`; false when it is singular.
 * `variance`, where wanted, becomes the first element of the inverse.
 */
bool solve(const Normals& normals, double damping, double* step, double* variance);

/** The middle value (of an even number the upper one), NaN of none. */
double median(std::vector<double> values);

/** Areas under the autocorrelation of residuals. */
struct Areas {
  double along, both;  // px along the row, px^2
};

/** A distance at which residuals are still alike, how much, and for how many distances of both signs it stands. */
struct Lag {
  int lag;
  double rho, stands;
};

/** How residuals are alike: along the row and down, as far as that is more than chance, and in between. */
struct Correlation {
  int rows, width;  // of the part that was fitted
  std::vector<Lag> rightward, down;
  std::vector<double> rho;  // [down][rightward]
};

/** Samples and rows: a grain of speckle does not reach farther. */
constexpr int kFarthestLag = 12;

/** The correlation of the residuals is measured up to these distances, in samples and rows. */
Correlation correlationOf(const JointRows& roi, const double* influence, int farthest = kFarthestLag);

/** How many functions a fit has: those that each row has for itself, and those of all rows. */
struct Fitted {
  double perRow = 2, shared = 0;
};

/**
 * Area under a correlation, by lags up to `farthest`. Each function that was fitted swallows of the slow noise as much as one
 * independent sample has, alike all along the function; that is given back.
 */
Areas areasUnder(const Correlation& correlation, const Fitted& fitted = {}, int farthest = kFarthestLag);

/** Both for grains of speckle. */
inline Areas correlationAreas(const JointRows& roi, const double* influence) {
  return areasUnder(correlationOf(roi, influence));
}

/** Noise of one sample from successive differences, as for single rows; `unit`: counts per count of the picture. */
double differenceNoise(const float* samples, int rows, int width, double unit);

/** What became of an ROI. */
struct JointAnswer {
  double columns[kJointColumns];  // NaN unless the status is ok
  double standardError;           // px
  double explained;
  double peakToNoise;
  double residualDistance;  // px along the row that count as one
  double inflation;         // of the variance that the weights promise: residuals are alike, and some are not trusted
  RowStatus status;
  SharedLine line;        // as it was fitted; the columns are made of it
  double height, ground;  // counts: of the typical row, the height negative for a dip
};

/** Which line an ROI's light has, and by how much. */
struct LineChoice {
  Line line;
  JointAnswer answer;     // of that line
  double scores[kLines];  // twice the negative logarithm of each line's likelihood, above that of the likeliest one
};

/** Keeps its memory from ROI to ROI; one per thread. */
class Joint {
 public:
  /**
   * Measures an ROI of `rows` x `width` samples without gaps, values from `top` on cut off by the camera; `unit`: counts per
   * count of the picture. Throws std::bad_alloc.
   */
  JointAnswer measure(Line line, const float* samples, int rows, int width, float top, double unit);
  /** Measures it by every line, and chooses one; the first where none has been found. */
  LineChoice choose(const float* samples, int rows, int width, float top, double unit);

 private:
  void load(const float* samples, float top);
  void follow(const SharedLine& line);
  bool start(const float* samples, SharedLine& line);
  bool minimise(SharedLine& line, Normals& normals, double tolerance);
  void learnNoise();
  /** How much a sample counts, 0 to 1, and the derivative of its pull on the line by its residual. */
  struct Pull {
    double weight, slope;
  };
  Pull pullOf(long at, double inverse) const;
  double inverseNoiseAt(double model) const;
  void judge(const float* samples, const SharedLine& line, const Normals& normals, JointAnswer& answer);

  JointRows roi_{};
  double mean_ = 0, total_ = 0;
  double unit_ = 1;
  NoiseCurve noise_;
  FitScratch scratch_[2];  // by the line of the rows: a bank of starts belongs to one of them
  Buffer<double> samples_, rows_;
};

}  // namespace phorest
