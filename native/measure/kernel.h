// Measures one image: samples and fits every ROI. Plain C++, no Node header.
#pragma once
#include <cstdint>
#include <limits>
#include <vector>

#include "fit/fit.h"
#include "fit/joint.h"
#include "fit/tracking.h"
#include "image/depth.h"
#include "image/image.h"
#include "measure/established_sign.h"
#include "measure/sample.h"

namespace phorest {

enum class Method { maxIntensity, centre, gaussian, fano, joint, tracking };

constexpr int columnsOf(Method method) {
  return method == Method::tracking ? kTrackingColumns
         : method == Method::joint  ? kJointColumns
         : method == Method::fano   ? 6
         : method == Method::gaussian ? 5
                                      : 1;
}

/** One of the methods that measure an image. */
struct KernelTask {
  Method method;
  Line jointLine;
  /** The line is chosen from the data, except for ROIs for which `lines` (per ROI, may be null) gives it: 1 + Line, or 0. */
  bool choosesLine = false;
  const std::uint8_t* lines = nullptr;
  /** Tracking only: an anchor per ROI, and the pixels of their references, one after the other; both belong to the caller. */
  Anchor* anchors = nullptr;
  std::uint16_t* reference = nullptr;
  bool grow = false;

  /** Method fano only: also return which form of each line the established system reports. */
  bool findsForms = false;

  /** Whether the method uses all rows of an ROI at once and returns one result for them, as a joint fit and tracking do. */
  bool takesWhole() const { return method == Method::joint || method == Method::tracking; }
};

struct KernelRequest {
  Picture picture;
  double angleDegrees;
  std::vector<Roi> rois;
  std::vector<KernelTask> tasks;
  int subRois;
  Sampling sampling;
  BitDepthScaling scaling;
  DepthKnowledge depth;
  double darkLevel = std::numeric_limits<double>::quiet_NaN();  // value of a pixel without light; NaN: unknown

  int rowsOf(const Roi& roi) const { return subRois > 0 ? subRois : roi.height; }
  /** Returns the number of rows of a task's answer. */
  int answersOf(const KernelTask& task, const Roi& roi) const { return task.takesWhole() ? 1 : rowsOf(roi); }
};

/** Memory of the caller, one entry per row unless noted otherwise; see KernelAnswer in kernel.ts. */
struct KernelAnswer {
  const std::int32_t* rowStart;  // [roi + 1], filled in by the caller
  double* columns;
  double* standardError;
  double* explained;
  double* peakToNoise;
  std::uint8_t* status;
  double* saturated;         // [roi]
  double* residualDistance;  // [roi]
  std::uint8_t* lines;       // [roi], joint fits and tracking only: 1 + Line, the line it was measured with
  double* lineScores;        // [roi][kLines], likewise: LineChoice; NaN where nothing was chosen
  double* lineShare;         // [roi], likewise: the Lorentzian's share of a Voigt line, otherwise NaN
  std::uint8_t* joined;      // [roi], tracking only
  std::uint8_t* doubts;      // [roi], tracking only: kFellBack, kChanged
  std::uint8_t* forms;       // method fano, if requested: kExchanged, kNegativeGamma; 0 for rows without a line
  double brightness, contrast;
};

/** Doubts of tracking, as bits; TRACKING_DOUBTS in kernel.ts. */
constexpr std::uint8_t kFellBack = 1, kChanged = 2;

/** Keeps its memory from image to image; one per thread. */
class Kernel {
 public:
  /**
   * Measures every ROI with every task, one answer each; pixels are counted and sampled once for all of them. Returns where the
   * image's scale ends. Throws only std::bad_alloc.
   */
  Depth measure(const KernelRequest& request, KernelAnswer* answers);

 private:
  /** Rows that wait to be fitted together: adjacent ones of the same width. */
  struct Waiting {
    int firstRow = 0, rows = 0, width = 0;
  };

  void sampleRows(const KernelRequest& request, KernelAnswer* answers, Sampler& sampler, std::size_t roi, bool sampled);
  void flush(const KernelRequest& request, KernelAnswer* answers);
  Line chosenLine(const KernelTask& task, const KernelAnswer& answer, const Roi& roi, std::size_t index);
  double shownCounts() const;
  void measureJointly(const KernelTask& task, const KernelAnswer& answer, const Roi& roi, std::size_t index);
  void track(const KernelTask& task, const KernelAnswer& answer, const Roi& roi, std::size_t index, std::size_t firstPixel);
  void judge(const KernelRequest& request, std::size_t task, const KernelAnswer& answer);

  FitScratch fits_[2];  // by Line: a bank of starts belongs to one line shape
  Joint joint_;
  Tracking tracking_;
  EstablishedSign sign_;
  Scale scale_, wholeScale_;  // of rows, and of fits of whole ROIs
  float top_ = 0;             // counts of whole ROIs: the camera clips from here on
  double dark_ = 0;           // counts of whole ROIs: darkLevel
  double darkest_ = 0;        // likewise: of the darkest places of a 16-bit image, 0 for others
  Waiting waiting_;
  std::vector<std::uint32_t> histogram_;
  std::vector<float> samples_, whole_, rescaled_;  // the waiting rows; all pixel rows of one ROI, and in other counts
  std::vector<std::vector<float>> correlations_;  // [task][row][kLagCount]
};

}  // namespace phorest
