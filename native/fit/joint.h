// Fits one line through all rows of an ROI at once: centre + slope * row, with shared width and shape; amplitude and offset of
// each row are eliminated (variable projection); rows and samples are weighted by their measured noise.
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

/** Number of model values at which the noise is estimated. */
constexpr int kNoiseBins = 8;

/** The pixels of one ROI; rows are `stride` apart, and samples beyond `width` have no weight. */
struct JointRows {
  Line line;
  int rows, width, stride;
  double* y;         // without the ROI's mean
  double* weight;    // 0 for samples that do not count
  double* model;     // of the last trace, without the ROI's mean, at the height and offset typical of its rows
  double* residual;  // likewise
  double* height;    // [row], may be negative
  double* offset;    // [row]
  double* firmness;  // [row], inverse variance of the height
  double typicalHeight, typicalOffset;  // of all rows
};

/** How the noise of a sample depends on the model, and where the camera's range ends; values are without the ROI's mean. */
struct NoiseCurve {
  double first = 0, binsPerCount = 0;  // model value in the middle of the first bin, and bins in one count
  double inverse[kNoiseBins] = {};     // one over the deviation of the residual there
  double ceiling = 0;                  // the camera clips values from here on
};

/** Data for the noise estimate: the range of the model, and the sizes of the residuals by model value. */
struct NoiseSizes {
  double low, high;  // of the model
  double typical;    // mean size of a residual; negative if there is none
  double sizes[kNoiseBins], counts[kNoiseBins];
  double models[kNoiseBins];  // sum of the model over the samples; only for tracking
};

/**
 * Residuals of more than this many deviations have no weight (Tukey's biweight): costs 1.7 % of precision for robustness against
 * dust.
 */
constexpr double kTukey = 5;
/** A grain of dust must not count as noise: sizes above this multiple of the typical one are clipped to it. */
constexpr double kDust = 5;

/** Counts: every camera has at least this noise, which is that of rounding to 9 bits. */
constexpr double kFinestRounding = 0.5;
/** Squares of the image's own counts: rounding to whole counts alone leaves more. */
constexpr double kLeastVariance = 0.053;

/** In widths: a smaller step ends the fit. */
constexpr double kSettledWidths = 1e-4;

/** Cost sum(weight * residual^2), and the Gauss-Newton matrix and right-hand side for the four shared parameters. */
struct Normals {
  double cost;
  double right[kShared];
  double matrix[kShared][kShared];
};

/**
 * Solves matrix * step = right with a Cholesky factorisation, the diagonal raised by `damping`; returns false if it is singular.
 * `variance`, if wanted, becomes the first element of the inverse.
 */
bool solve(const Normals& normals, double damping, double* step, double* variance);

/** Returns the middle value (of an even number the upper one), NaN if there is none. */
double median(std::vector<double> values);

/** Areas under the autocorrelation of the residuals. */
struct Areas {
  double along, both;  // px along the row, px^2
};

/**
 * A distance at which residuals are still correlated, the correlation, and the number of distances (of both signs) that it
 * represents.
 */
struct Lag {
  int lag;
  double rho, stands;
};

/** The correlation of residuals: along the rows, across them, and in between, as far as it is more than chance. */
struct Correlation {
  int rows, width;  // size of the part that was fitted
  std::vector<Lag> rightward, down;
  std::vector<double> rho;  // [down][rightward]
};

/** Samples and rows: a grain of speckle is not larger. */
constexpr int kFarthestLag = 12;

/** Measures the correlation of the residuals up to these distances, in samples and rows. */
Correlation correlationOf(const JointRows& roi, const double* influence, int farthest = kFarthestLag);

/** Number of functions in a fit: those of each row, and those common to all rows. */
struct Fitted {
  double perRow = 2, shared = 0;
};

/**
 * Returns the area under a correlation, for lags up to `farthest`. Each fitted function absorbs as much of the slow noise as one
 * independent sample has, equally along the function; this is corrected for.
 */
Areas areasUnder(const Correlation& correlation, const Fitted& fitted = {}, int farthest = kFarthestLag);

/** Returns both areas for grains of speckle. */
inline Areas correlationAreas(const JointRows& roi, const double* influence) {
  return areasUnder(correlationOf(roi, influence));
}

/** Estimates the noise of one sample from successive differences, as for single rows; `unit`: counts per count of the image. */
double differenceNoise(const float* samples, int rows, int width, double unit);

/** The result of an ROI. */
struct JointAnswer {
  double columns[kJointColumns];  // NaN unless the status is ok
  double standardError;           // px
  double explained;
  double peakToNoise;
  double residualDistance;  // px along the row that count as one independent sample
  double inflation;         // factor of the variance over that of the weights: residuals are correlated, some not trusted
  RowStatus status;
  SharedLine line;        // as fitted; the columns are derived from it
  double height, ground;  // counts: of the typical row, the height negative for a dip
};

/** Which line shape an ROI has, and with what margin. */
struct LineChoice {
  Line line;
  JointAnswer answer;     // of that line
  double scores[kLines];  // twice the negative log-likelihood of each line, relative to the most likely one
};

/** Keeps its memory from ROI to ROI; one per thread. */
class Joint {
 public:
  /**
   * Measures an ROI of `rows` x `width` samples without gaps, in which values from `top` on are clipped by the camera; `unit`:
   * counts per count of the image. Throws std::bad_alloc.
   */
  JointAnswer measure(Line line, const float* samples, int rows, int width, float top, double unit);
  /** Measures it with every line shape, and chooses one; the first if none was found. */
  LineChoice choose(const float* samples, int rows, int width, float top, double unit);

 private:
  void load(const float* samples, float top);
  void follow(const SharedLine& line);
  bool start(const float* samples, SharedLine& line);
  bool minimise(SharedLine& line, Normals& normals, double tolerance);
  void learnNoise();
  /** The weight of a sample, 0 to 1, and the derivative of its pull on the line by its residual. */
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
  FitScratch scratch_[2];  // by the line of the rows: a bank of starts belongs to one line shape
  Buffer<double> samples_, rows_;
};

}  // namespace phorest
