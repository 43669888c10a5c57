// One picture in, one answer out: sampling and fitting of every ROI. Plain C++, no Node header.
#pragma once
#include <cstdint>
#include <vector>

#include "fit.h"
#include "image.h"
#include "joint.h"
#include "sample.h"
#include "tracking.h"

namespace phorest {

enum class Method { maxIntensity, centre, gaussian, fano, joint, tracking };

constexpr int columnsOf(Method method) {
  return method == Method::tracking ? kTrackingColumns
         : method == Method::joint  ? kJointColumns
         : method == Method::fano   ? 6
         : method == Method::gaussian ? 5
                                      : 1;
}

struct KernelRequest {
  Picture picture;
  double angleDegrees;
  std::vector<Roi> rois;
  Method method;
  Line jointLine;
  int subRois;
  Sampling sampling;
  BitDepthScaling scaling;

  /** Tracking only: per ROI an anchor, and one behind the other the pixels of their references; both the caller's. */
  Anchor* anchors = nullptr;
  std::uint16_t* reference = nullptr;
  bool grow = false;

  int rowsOf(const Roi& roi) const { return subRois > 0 ? subRois : roi.height; }
  /** Rows of the answer: a joint fit and tracking have one for all rows of the ROI. */
  int answersOf(const Roi& roi) const { return method == Method::joint || method == Method::tracking ? 1 : rowsOf(roi); }
};

/** Memory of the caller, one entry per row unless said otherwise; see KernelAnswer in kernel.ts. */
struct KernelAnswer {
  const std::int32_t* rowStart;  // [roi + 1], filled in by the caller
  double* columns;
  double* standardError;
  double* explained;
  double* peakToNoise;
  std::uint8_t* status;
  double* saturated;         // [roi]
  double* residualDistance;  // [roi]
  std::uint8_t* joined;      // [roi], tracking only
  double brightness, contrast;
};

/** Keeps its memory from picture to picture; one per thread. */
class Kernel {
 public:
  /** Throws std::bad_alloc, nothing else. */
  void measure(const KernelRequest& request, KernelAnswer& answer);

 private:
  void flush(const KernelRequest& request, const KernelAnswer& answer, int firstRow, int rows, int width);
  void measureJointly(const KernelRequest& request, const KernelAnswer& answer, Sampler& sampler);
  void track(const KernelRequest& request, const KernelAnswer& answer, Sampler& sampler);
  void judge(const KernelRequest& request, const KernelAnswer& answer);

  FitScratch fit_;
  Joint joint_;
  Tracking tracking_;
  Scale scale_;
  std::vector<std::uint32_t> histogram_;
  std::vector<float> samples_;
  std::vector<float> correlation_;  // [row][kLagCount]
};

}  // namespace phorest
