// How far a band has moved since a reference: the shape of the line is held, the speckle is that of the reference, and
// each row has its own light. Where the reference comes from and what the equations are: docs/kernel.md, "Tracking".
#pragma once
#include <cstdint>

#include "buffer.h"
#include "joint.h"

namespace phorest {

/** position, shift, light, error; the order of QUANTITIES.tracking in method.ts. */
constexpr int kTrackingColumns = 4;

/** What is known of an ROI's reference beside its pixels; the order of TRACKING_NUMBERS in tracking.ts. */
struct Anchor {
  double frames;  // in the mean of the pixels; 0: there is no reference
  double centre, slope, logWidth, phase;
  double ratio;    // height of the line over the light it stands on
  double prior[15];  // inverse covariance of centre, slope, log width, phase and log |ratio|, lower triangle
};
constexpr int kAnchorNumbers = 21;
static_assert(sizeof(Anchor) == kAnchorNumbers * sizeof(double), "an anchor is read and written as plain numbers");

/** Pixels of a reference are kept in 256ths of a count; this one stands for a pixel that was cut off by the camera. */
constexpr std::uint16_t kCutOff = 65535;

constexpr int kTracked = 6;

/**
 * Where the line is and what it looks like: shift since the reference, and what was wrong with the anchor's centre, slope,
 * log width, phase and log ratio, which reference and frame share.
 */
struct TrackedLine {
  double by[kTracked];
  double shift() const { return by[0]; }
};

/** Cost sum(weight * residual^2), and Gauss-Newton's matrix and right side. */
struct TrackNormals {
  double cost;
  double right[kTracked];
  double matrix[kTracked][kTracked];
};

/** The pixels of one ROI; rows are `stride` apart, and samples beyond `width` have no weight. */
struct TrackRows {
  Line line;
  int rows, width, stride;
  double* y;
  double* reference;
  double* gain;  // reference over the anchor's line: speckle and light
  double* weight;
  double* predicted;
  double* residual;
  double* scale;  // [row], light of the row relative to the reference
};

/** Deviations of the noise that must lie between what is foretold and the top of the camera's scale. */
constexpr double kHeadroom = 3;

/** Sums over the samples that can be compared: squares of their influence, its derivatives, Tukey's weights, and 1. */
struct TrackPulls {
  double influences, slopes, inside, compared;
};

struct TrackAnswer {
  double columns[kTrackingColumns];  // NaN unless the status is ok
  double standardError;              // px, of the shift
  double explained;
  double peakToNoise;
  double residualDistance;
  RowStatus status;
  bool joined;  // the frame became part of the reference
};

/** Keeps its memory from ROI to ROI; one per thread. */
class Tracking {
 public:
  /**
   * Measures an ROI against its reference. Where `grow`, a sound frame joins the reference (`pixels`, `anchor` change); an
   * ROI without one is measured by a joint fit. Values from `top` on are cut off by the camera. Throws std::bad_alloc.
   */
  TrackAnswer measure(Line line, const float* samples, int rows, int width, float top, Joint& joint, Anchor& anchor,
                      std::uint16_t* pixels, bool grow);

 private:
  TrackAnswer begin(Line line, const float* samples, int rows, int width, float top, Joint& joint, Anchor& anchor,
                    std::uint16_t* pixels, bool grow) const;
  static bool shapeKnown(Line line, int rows, int width, double centreError, Anchor& anchor);
  bool load(const float* samples, float top, const std::uint16_t* pixels);
  bool follow(const Anchor& anchor, TrackedLine& at, double* variance);
  bool settle(const Anchor& anchor, bool released, TrackedLine& at, double* variance);
  bool descend(const Anchor& anchor, bool released, double tolerance, TrackedLine& at, double* variance);
  TrackedLine farStart(const Anchor& anchor) const;
  void learnNoise();
  double leftOver() const;
  void worth();
  void judge(const float* samples, const Anchor& anchor, const TrackedLine& at, double variance, TrackAnswer& answer);
  void join(const Anchor& anchor, const float* samples, float top, std::uint16_t* pixels) const;

  TrackRows roi_{};
  double usable_ = 0;  // share of the samples
  NoiseCurve noise_;
  double inflation_ = 1;  // of the variance: residuals are alike, and not quite of the size the weights say
  double alongArea_ = 1, kept_ = 0, leftOver_ = 0;
  Buffer<double> samples_, rows_;
};

}  // namespace phorest
