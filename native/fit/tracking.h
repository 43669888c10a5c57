// How far a band has moved since a reference. The shape of the line is held, the speckle is that of the reference, and each row
// has its own light and its own offset. docs/kernel.md, "Tracking", explains the reference and the equations.
#pragma once
#include <cstdint>

#include "buffer.h"
#include "fit/joint.h"

namespace phorest {

/** position, shift, light, error; the order of QUANTITIES.tracking in method.ts. */
constexpr int kTrackingColumns = 4;

/** centre, slope, log width, phase and ground: what frame and reference share. */
constexpr int kShape = 5;

/** What is known about an ROI's reference in addition to its pixels; kernel.ts, ANCHOR_NUMBERS. */
struct Anchor {
  double frames;           // number of frames in the mean of the pixels; 0: there is no reference
  double position, error;  // px: position and error of the joint fit that the curve begins with
  double centre, slope, logWidth, phase;
  double ground;           // light below the line, in heights of the line
  double height;           // counts, negative for a dip
  double speckle, grain;   // deviation, as a fraction of the light; px^2 that are correlated
  double floor, perCount;  // variance of a pixel without speckle: counts^2, and more of them per count of light
  double dark;             // counts: signal of the camera without light, as known or as estimated from the speckle
  double scale;            // px per px: uncertainty of the scale of a shift
  double unit;             // counts of the reference per count of the picture
  double prior[kShape * (kShape + 1) / 2];  // inverse covariance of the shape, lower triangle
};
constexpr int kAnchorNumbers = 31;
static_assert(sizeof(Anchor) == kAnchorNumbers * sizeof(double), "an anchor is read and written as plain numbers");

/** Pixels of a reference are stored in 1/256 of a count; this value stands for a pixel that was clipped by the camera. */
constexpr std::uint16_t kCutOff = 65535;

/** The shift, the shape, and the gradient of the light along the rows. */
constexpr int kTracked = 1 + kShape + 1;
/** In addition: width and asymmetry of this frame alone. Only their effect on the other parameters matters. */
constexpr int kSuspected = kTracked + 2;

/** Sets of parameters, by their bits. */
constexpr unsigned kShiftBit = 1, kShapeBits = 62, kGradientBit = 64, kAloneBits = 384;

/**
 * Where the line is and how it looks: shift since the reference; errors of the anchor's centre, slope, log width, phase and
 * ground; and the fraction by which the light has grown from one end of the rows to the other.
 */
struct TrackedLine {
  double by[kTracked];
  double shift() const { return by[0]; }
};

/** Cost sum(weight * residual^2), and the Gauss-Newton matrix and right-hand side. */
struct TrackNormals {
  double cost;
  double right[kSuspected];
  double matrix[kSuspected][kSuspected];
};

/** The pixels of one ROI; rows are `stride` apart, and samples beyond `width` have no weight. */
struct TrackRows {
  Line line;
  int rows, width, stride;
  /** A line is fitted directly to the pixels: without a reference, rows without offsets. */
  bool absolute;
  double* y;
  /** Light per light of the line is base + kept / (light of the anchor's line): the speckle, as far as the reference knows it. */
  double *base, *kept;
  double* gain;  // the same for the anchor's line
  double* weight;
  double* predicted;
  double* residual;
  double* spread;   // variance from speckle that is not in the reference, as far as it is slow
  double *sense, *pull;  // size of a sample's derivative by the shift over its deviation, and that times its influence
  double* scale;    // [row], light of the row relative to the reference
  double* offset;   // [row], counts
  double* rowGain;  // [row], light of the reference per light of the line
  double least;     // counts^2: smallest variance of a sample
  double alike;     // px^2 over which speckle is correlated, for the question of what the samples say about the shape
  double together;  // noise of the samples of a grain's width in a row, relative to independent samples
  double typical;   // scale of a row, if a line is fitted directly to the pixels
};

/** The noise is estimated from every n-th row only: this number of rows determines it to two percent. */
constexpr int rowsPerNoise(int rows) { return rows < 48 ? 1 : rows / 24; }

/** Number of samples on either side of a sample that are correlated with it over a grain. */
inline int reachOfGrain(const Anchor& anchor) { return static_cast<int>((__builtin_sqrt(anchor.grain) - 1) / 2); }

/** A gradient of the light is accepted from this many deviations on. */
constexpr double kBelieved = 3;
/** Deviations of the noise that must lie between the predicted light and the top of the camera's range. */
constexpr double kHeadroom = 3;
/** Up to this fraction of the samples' variance, the residuals need no other sign that frame and reference belong together. */
constexpr double kHardlyLeft = 0.05;
/** Fraction of the row's light: darker grains are not compared. */
constexpr double kDarkGrain = 0.05;
/** Limits of the speckle, as fractions of the light. */
constexpr double kLeastSpeckle = 0.01, kMostSpeckle = 0.7;

/**
 * Returns where bin number `bin` of the noise begins in the range of the light, 0 to 1: there are many dark samples, and their
 * noise varies most.
 */
constexpr double noiseEdge(int bin) { return static_cast<double>(bin) * bin / (kNoiseBins * kNoiseBins); }

/** The noise of a sample by its light, and the ends of the camera's range; counts. */
struct TrackNoise {
  double node[kNoiseBins], inverse[kNoiseBins];           // light, and one over the deviation there
  double count[kNoiseBins];                               // number of samples of the bin
  double rise[kNoiseBins - 1], perCount[kNoiseBins - 1];  // from node to node: of the inverse, and one over the distance
  double black, ceiling;  // below the first a sample is rounded to black, from the second on it is clipped
  double perUnit;         // counts of the picture per count
};

/**
 * Sums over the samples that can be compared: squares of their influence, its derivatives, Tukey's weights, and 1, the last only
 * where the camera sees light. The first three also exist weighted by how much the sample says about a shift.
 */
struct TrackPulls {
  double influences, slopes, inside, compared;
  double toldInfluences, toldSlopes, toldInside;
};

struct TrackAnswer {
  double columns[kTrackingColumns];  // NaN unless the status is ok
  double standardError;              // px, of the shift
  double explained;
  double peakToNoise;
  double residualDistance;
  RowStatus status;
  bool joined;    // the frame joined the reference
  bool fellBack;  // a joint fit was used instead: there is no shift
  bool changed;   // the shape of the line or the profile of the light has changed, so that the shift may be wrong
};

/** Input of tracking: samples without gaps, and the value from which on the camera clips; counts. */
struct TrackFrame {
  Line line;
  const float* samples;
  int rows, width;
  float top;
  double dark;      // signal of the camera without light; NaN: unknown
  double unit = 1;  // counts per count of the picture
  double darkest = 0;  // light of the darkest places of the image; 0: not measured
};

/** A line of height 1 at t, its derivative by t, and the function that an asymmetry adds. */
struct LinePoint {
  double s, u, odd;
};
LinePoint linePoint(Line line, double phase, double t);

/** Keeps its memory from ROI to ROI; one per thread. */
class Tracking {
 public:
  /**
   * Measures an ROI against its reference. With `grow`, a sound frame joins the reference (`pixels`, `anchor` change). An ROI
   * without a reference, or that cannot be compared with it, is measured with a joint fit. Throws std::bad_alloc.
   */
  TrackAnswer measure(const TrackFrame& frame, Joint& joint, Anchor& anchor, std::uint16_t* pixels, bool grow);

 private:
  TrackAnswer begin(const TrackFrame& frame, Joint& joint, Anchor& anchor, std::uint16_t* pixels, bool grow);
  static TrackAnswer answerOf(const JointAnswer& fit, double anchorError);
  void anchorTo(const TrackFrame& frame, Anchor& anchor);
  double speckledShare(const Anchor& anchor) const;
  void weighGrains(const Anchor& anchor);
  double inflationBesideGrains(const Anchor& anchor);
  double darkOfSpeckle(const Anchor& anchor) const;
  double scaleOf(const Anchor& anchor) const;
  double noiseTogether(const Anchor& anchor) const;
  void prepare(const TrackFrame& frame, double dark);
  bool load(const TrackFrame& frame, const std::uint16_t* pixels, const Anchor& anchor);
  bool compare(const Anchor& anchor, TrackedLine& at, double& variance);
  bool approach(const Anchor& anchor, TrackedLine& at);
  bool follow(const Anchor& anchor, TrackedLine& at, double& variance);
  bool settle(const Anchor& anchor, unsigned free, TrackedLine& at);
  bool isFar(const Anchor& anchor, const TrackedLine& at) const;
  bool descend(const Anchor& anchor, unsigned free, double tolerance, TrackedLine& at);
  void evaluate(const Anchor& anchor, const TrackedLine& at, unsigned free, TrackNormals& out) const;
  TrackedLine farStart(const Anchor& anchor) const;
  void learnNoise();
  void learnCamera(Anchor& anchor) const;
  bool leavesSpeckle() const;
  double foundAgain();
  bool looksForeign(const Anchor& anchor);
  double leftOver();
  void worth(const Anchor& anchor, const TrackedLine& at);
  double inflationOfShift() const;
  bool shiftVariance(const Anchor& anchor, const TrackedLine& at, double& variance);
  double inflationWithoutMisfit();
  bool lookSuspicious(const Anchor& anchor, const TrackedLine& at) const;
  static bool contradictsAnchor(const Anchor& anchor, const TrackedLine& at);
  bool retry(const Anchor& anchor, unsigned free, TrackedLine& at, double& variance);
  bool suspect(const Anchor& anchor, TrackedLine& at, double& variance);
  void judge(const TrackFrame& frame, const Anchor& anchor, const TrackedLine& at, double variance, TrackAnswer& answer);
  void join(const TrackFrame& frame, const Anchor& anchor, const TrackedLine& at, std::uint16_t* pixels) const;

  TrackRows roi_{};
  TrackNormals normals_{};
  unsigned free_ = 0;
  bool darkKnown_ = false;
  bool along_ = false, elsewhere_ = false;  // the frame certainly has the reference's speckle; certainly does not
  double dark_ = 0;
  TrackNoise noise_{};
  double inflation_ = 1;  // factor of the variance: residuals are correlated, and not quite as large as the weights say
  double alongArea_ = 1, bothArea_ = 1, kept_ = 0, leftOver_ = 0;
  TrackPulls pulls_{};
  Buffer<double> samples_, rows_;
};

/** px^2: contribution of the uncertainty of the shape to the variance of a shift. */
double varianceOfShape(const Anchor& anchor, const TrackedLine& at);

/** Solves the equations of the parameters in `free`; the others stay. `variances`, where wanted: the inverse's diagonal. */
bool solve(const TrackNormals& normals, unsigned free, double damping, double* step, double* variances);

}  // namespace phorest
