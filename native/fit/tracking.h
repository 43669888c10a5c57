// How far a band has moved since a reference: the shape of the line is held, the speckle is that of the reference, and
// each row has its own light and its own offset. Where the reference comes from and what the equations are:
// docs/kernel.md, "Tracking".
#pragma once
#include <cstdint>

#include "buffer.h"
#include "fit/joint.h"

namespace phorest {

/** position, shift, light, error; the order of QUANTITIES.tracking in method.ts. */
constexpr int kTrackingColumns = 4;

/** centre, slope, log width, phase and ground: what frame and reference share. */
constexpr int kShape = 5;

/** What is known of an ROI's reference in addition to its pixels; kernel.ts, ANCHOR_NUMBERS. */
struct Anchor {
  double frames;           // in the mean of the pixels; 0: there is no reference
  double position, error;  // px: of the joint fit that the curve begins with
  double centre, slope, logWidth, phase;
  double ground;           // light that the line stands on, in heights of the line
  double height;           // counts, negative for a dip
  double speckle, grain;   // deviation, as a share of the light; px^2 that are alike
  double floor, perCount;  // variance of a pixel without speckle: counts^2, and more of them per count of light
  double dark;             // counts: what the camera adds without light, as known or as the speckle tells
  double scale;            // px per px: how well the scale of a shift is known
  double unit;             // counts of the reference per count of the picture
  double prior[kShape * (kShape + 1) / 2];  // inverse covariance of the shape, lower triangle
};
constexpr int kAnchorNumbers = 31;
static_assert(sizeof(Anchor) == kAnchorNumbers * sizeof(double), "an anchor is read and written as plain numbers");

/** Pixels of a reference are kept in 256ths of a count; this one stands for a pixel that was cut off by the camera. */
constexpr std::uint16_t kCutOff = 65535;

/** The shift, the shape, and the gradient of the light along the rows. */
constexpr int kTracked = 1 + kShape + 1;
/** In addition: width and asymmetry of this frame alone. Only their effect on the other parameters matters. */
constexpr int kSuspected = kTracked + 2;

/** Sets of parameters, by their bits. */
constexpr unsigned kShiftBit = 1, kShapeBits = 62, kGradientBit = 64, kAloneBits = 384;

/**
 * Where the line is and what it looks like: shift since the reference, what was wrong with the anchor's centre, slope, log
 * width, phase and ground, and by which share the light has grown from one end of the rows to the other.
 */
struct TrackedLine {
  double by[kTracked];
  double shift() const { return by[0]; }
};

/** Cost sum(weight * residual^2), and Gauss-Newton's matrix and right side. */
struct TrackNormals {
  double cost;
  double right[kSuspected];
  double matrix[kSuspected][kSuspected];
};

/** The pixels of one ROI; rows are `stride` apart, and samples beyond `width` have no weight. */
struct TrackRows {
  Line line;
  int rows, width, stride;
  /** A line is fitted to the pixels as they are: without a reference, rows without offsets. */
  bool absolute;
  double* y;
  /** Light per light of the line is base + kept / (light of the anchor's line): speckle as far as the reference knows it. */
  double *base, *kept;
  double* gain;  // that for the anchor's line
  double* weight;
  double* predicted;
  double* residual;
  double* spread;   // variance from speckle that the reference does not know, as far as it is slow
  double *sense, *pull;  // size of a sample's derivative by the shift, over its deviation, and its influence times that
  double* scale;    // [row], light of the row relative to the reference
  double* offset;   // [row], counts
  double* rowGain;  // [row], light of the reference per light of the line
  double least;     // counts^2: no sample's variance is less
  double alike;     // px^2 over which speckle is alike when it is asked what the samples know of the shape
  double together;  // noise of the samples of a grain's width in a row, over what it is where each has its own
  double typical;   // scale of a row, where a line is fitted to the pixels as they are
};

/** The noise is learnt from every n-th row only: this number of rows determines it to two percent. */
constexpr int rowsPerNoise(int rows) { return rows < 48 ? 1 : rows / 24; }

/** Samples on either side of one that are as alike as a grain is wide. */
inline int reachOfGrain(const Anchor& anchor) { return static_cast<int>((__builtin_sqrt(anchor.grain) - 1) / 2); }

/** Deviations from which on a gradient of the light is believed. */
constexpr double kBelieved = 3;
/** Deviations of the noise that must lie between what is foretold and the top of the camera's scale. */
constexpr double kHeadroom = 3;
/** Share of the samples' variance up to which what is left over needs no other sign that frame and reference belong together. */
constexpr double kHardlyLeft = 0.05;
/** Share of the row's light: a grain that is darker is not compared. */
constexpr double kDarkGrain = 0.05;
/** Speckle is never thought to be less or more than these shares of the light. */
constexpr double kLeastSpeckle = 0.01, kMostSpeckle = 0.7;

/** Where in the range of the light the bins of the noise begin, 0 to 1: dark samples are many, and their noise differs most. */
constexpr double noiseEdge(int bin) { return static_cast<double>(bin) * bin / (kNoiseBins * kNoiseBins); }

/** The noise of a sample by its light, and where the camera's scale begins and ends; counts. */
struct TrackNoise {
  double node[kNoiseBins], inverse[kNoiseBins];           // light, and one over the deviation there
  double count[kNoiseBins];                               // of the samples that tell it
  double rise[kNoiseBins - 1], perCount[kNoiseBins - 1];  // from node to node: of the inverse, and one over the distance
  double black, ceiling;  // below the first a sample is rounded to black, from the second on it is cut off
  double perUnit;         // counts of the picture per count
};

/**
 * Sums over the samples that can be compared: squares of their influence, its derivatives, Tukey's weights, and 1, the last
 * only where the camera sees light. The first three are also weighted by how much the sample says about a shift.
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
  bool joined;    // the frame became part of the reference
  bool fellBack;  // a joint fit had to do: there is no shift
  bool changed;   // the line has changed its shape, or the light its profile, so that the shift may be wrong
};

/** What tracking is given: samples without gaps, and from where on the camera cuts off; counts. */
struct TrackFrame {
  Line line;
  const float* samples;
  int rows, width;
  float top;
  double dark;      // what the camera adds without light; NaN: unknown
  double unit = 1;  // counts per count of the picture
  double darkest = 0;  // light of the darkest places of the picture; 0: not looked for
};

/** A line of height 1 at t, its derivative by t, and the function that asymmetry adds. */
struct LinePoint {
  double s, u, odd;
};
LinePoint linePoint(Line line, double phase, double t);

/** Keeps its memory from ROI to ROI; one per thread. */
class Tracking {
 public:
  /**
   * Measures an ROI against its reference. Where `grow`, a sound frame joins the reference (`pixels`, `anchor` change). An
   * ROI without one, or that cannot be compared with it, is measured by a joint fit. Throws std::bad_alloc.
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
  bool along_ = false, elsewhere_ = false;  // the frame has the reference's speckle for certain; certainly has not
  double dark_ = 0;
  TrackNoise noise_{};
  double inflation_ = 1;  // of the variance: residuals are alike, and not quite of the size the weights say
  double alongArea_ = 1, bothArea_ = 1, kept_ = 0, leftOver_ = 0;
  TrackPulls pulls_{};
  Buffer<double> samples_, rows_;
};

/** px^2: what is not known of the shape adds to the variance of a shift. */
double varianceOfShape(const Anchor& anchor, const TrackedLine& at);

/** Solves the equations of the parameters in `free`; the others stay. `variances`, where wanted: the inverse's diagonal. */
bool solve(const TrackNormals& normals, unsigned free, double damping, double* step, double* variances);

}  // namespace phorest
