// Least-squares fits of a Gaussian or a Fano line to pixel rows. Plain C++ without Node headers or image code.
#pragma once
#include <cstdint>
#include <vector>

#include "buffer.h"
#include "row_status.h"

namespace phorest {

/** The order of LINES in method.ts. Rows are fitted by the first two, whole ROIs by all of them. */
enum class Line { gaussian, fano, lorentzian, voigt };
constexpr int kLines = 4;

/** Population standard deviation below which a row counts as flat. */
constexpr double kFlatDeviation = 0.1;

/** Distances, px, at which the autocorrelation of the residuals is computed; values in between are interpolated for its sum. */
constexpr int kLags[] = {1, 2, 3, 5, 8, 12};
constexpr int kLagCount = 6;

constexpr int columnsOf(Line line) { return line == Line::gaussian ? 5 : 6; }
constexpr int parametersOf(Line line) { return line == Line::gaussian ? 4 : 5; }

/** Rows to fit: row-major, `stride` floats apart. */
struct FitRows {
  const float* samples;
  int rows;
  int width;
  int stride;
};

/** Where the results are written, one entry per row unless noted otherwise. */
struct FitOutputs {
  double* columns;        // [row][quantity], NaN unless the status is ok
  double* standardError;  // px, as if the residuals were independent
  double* explained;      // 1 - residual variance / variance
  double* peakToNoise;    // height of the line over the noise of successive samples
  std::uint8_t* status;
  float* correlation;  // [row][kLagCount], of the residuals
};

/** Widths a bank can have at most. */
constexpr int kMostSizes = 12;

/** A line shape to try on a row that is reduced to a few bins. */
struct Template {
  double centre, width;  // bins
  int size;              // which of the bank's widths
  int first, count;      // bins it covers
  int weights;           // where its weights begin; a Fano template has a second set right behind the first
};

/** Templates that find an approximate place of the best line. */
class Bank {
 public:
  void prepare(Line line, int bins);
  const std::vector<Template>& templates() const { return templates_; }
  const std::vector<double>& weights() const { return weights_; }

 private:
  int bins_ = 0;
  Line line_ = Line::gaussian;
  std::vector<Template> templates_;
  std::vector<double> weights_;
};

/**
 * Working memory of the fits, as plain pointers: the code of a vector unit must not instantiate templates that other code could
 * share, because the linker may keep its copy for processors without that unit.
 */
struct FitMemory {
  int bin, bins;  // samples per bin, bins per row
  const Template* templates;
  int templateCount;
  const double* weights;
  double* lanes;    // (3 * width + bins) * lanes
  double* starts;   // [row][centre, width] of rows that need more passes
  int* unfinished;  // [row]
};

/** Memory of the fits, kept from call to call. */
class FitScratch {
 public:
  FitMemory prepare(Line line, int rows, int width, int lanes);

 private:
  Bank bank_;
  Buffer<double> lanes_;
  Buffer<double> starts_;
  Buffer<int> unfinished_;
};

/** A stretch of bilinear samples that runs along two source rows; see sample.cc. */
struct Span {
  int count;
  double fractionX, slopeX, fractionY, slopeY;
  float scale, offset;
};

struct JointRows;
struct SharedLine;
struct Normals;
struct NoiseCurve;
struct NoiseSizes;
struct TrackRows;
struct TrackNoise;
struct Anchor;
struct TrackedLine;
struct TrackNormals;
struct TrackPulls;

/** The functions that exist once per vector unit. */
struct VectorUnit {
  const char* name;
  int lanes;
  void (*fit)(Line, const FitRows&, const FitMemory&, const FitOutputs&);
  void (*sample8)(const std::uint8_t* upper, const std::uint8_t* lower, const Span&, float* out);
  void (*sample16)(const std::uint16_t* upper, const std::uint16_t* lower, const Span&, float* out);
  // The passes of the joint fit; see joint_rows.h.
  void (*normals)(const JointRows&, const SharedLine&, Normals&);
  void (*trace)(const JointRows&, const SharedLine&);
  void (*sizes)(const JointRows&, NoiseSizes&);
  void (*weigh)(const JointRows&, const NoiseCurve&);
  // Those of tracking; see tracking_rows.h.
  void (*trackGain)(const TrackRows&, const Anchor&);
  void (*trackNormals)(const TrackRows&, const Anchor&, const TrackedLine&, unsigned free, TrackNormals&);
  void (*trackTrace)(const TrackRows&, const Anchor&, const TrackedLine&);
  void (*trackHome)(const TrackRows&, const Anchor&, const TrackedLine&);
  void (*trackSizes)(const TrackRows&, int every, NoiseSizes&);
  void (*trackWeigh)(const TrackRows&, const TrackNoise&);
  void (*trackPulls)(const TrackRows&, const TrackNoise&, const Anchor&, const TrackedLine&, TrackPulls&);
};

/** Returns the best unit of this processor; `PHOREST_VECTOR_UNIT` (baseline, avx2, avx512) lowers it, for tests. */
const VectorUnit& vectorUnit();

/** Fits every row with the best unit. Throws std::bad_alloc. */
void fit(Line line, const FitRows& rows, FitScratch& scratch, const FitOutputs& outputs);

}  // namespace phorest
