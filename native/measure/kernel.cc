#include "measure/kernel.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "measure/rows.h"

namespace phorest {
namespace {

/** Rows sampled before they are fitted: enough to fill the lanes if ROIs have few rows, few enough to stay in the cache. */
constexpr int kBatchRows = 256;

/** From the first distance with a correlation below this, residuals count as independent. */
constexpr double kIndependent = 0.05;

/**
 * A line must explain this multiple of the variance per parameter that the noise of independent samples would. Chance reaches it
 * in less than one of a thousand rows of noise, although the best of all positions and widths is chosen.
 */
constexpr double kLeastF = 8.5;

/** px: a grain of speckle is not longer; residuals correlated over more are a misfit, which is no reason to reject a line. */
constexpr double kLongestGrain = 4;

/** Returns the area under an autocorrelation known at kLags, up to the first distance that counts as independent. */
double areaUnder(const double* rho) {
  double area = 1;
  for (int k = 0; k < kLagCount && rho[k] >= kIndependent; ++k) {
    const double before = k == 0 ? 0.5 : (kLags[k] + kLags[k - 1]) / 2.0;
    const double after = k + 1 < kLagCount ? (kLags[k] + kLags[k + 1]) / 2.0 : kLags[k] + (kLags[k] - before);
    area += 2 * rho[k] * (after - before);
  }
  return area;
}

/**
 * Returns the number of samples that count as one independent sample: the area under the residual's autocorrelation, averaged
 * over an ROI's rows because they share one speckle pattern; at least 1.
 */
double residualDistance(const float* correlation, const std::uint8_t* status, int rows, int width, int parameters) {
  double mean[kLagCount] = {};
  int used = 0;
  for (int row = 0; row < rows; ++row) {
    if (status[row] != kOk) continue;
    ++used;
    for (int k = 0; k < kLagCount; ++k) mean[k] += correlation[row * kLagCount + k];
  }
  if (used == 0) return 1;
  for (double& rho : mean) rho /= used;
  // The fit absorbs slow noise: a fraction d = parameters * area / width, which lowers every correlation to (rho - d) / (1 - d).
  // The area is on both sides, hence the iteration.
  constexpr int kPasses = 4;
  const double mostArea = std::max(1.0, width / (3.0 * parameters));
  double area = std::min(areaUnder(mean), mostArea);
  for (int pass = 0; pass < kPasses; ++pass) {
    const double share = parameters * area / width;
    double rho[kLagCount];
    for (int k = 0; k < kLagCount; ++k) rho[k] = mean[k] * (1 - share) + share;
    area = std::min(std::max(1.0, areaUnder(rho)), mostArea);
  }
  return area;
}

Line lineOf(Method method) { return method == Method::fano ? Line::fano : Line::gaussian; }

bool isFit(Method method) { return method == Method::gaussian || method == Method::fano; }

}  // namespace

Depth Kernel::measure(const KernelRequest& request, KernelAnswer* answers) {
  const Exposure exposure = measureExposure(request.picture, histogram_);
  const Depth depth = decideDepth(histogram_, request.depth);
  prepareScale(scale_, request.picture, exposure, request.sampling, request.scaling, depth.saturation);
  prepareWholeScale(wholeScale_, request.picture, fullOfSeries(depth), depth.saturation);
  // Half a count of the image below the top: values interpolated between clipped pixels are clipped.
  top_ = static_cast<float>(wholeScale_.factor * (depth.saturation - 0.5));
  dark_ = wholeScale_.factor * request.darkLevel;
  // In 8-bit images, black is clipped, or nearly so.
  darkest_ = request.picture.deep ? wholeScale_.factor * exposure.darkest : 0;
  Sampler sampler(request.picture, scale_, request.sampling, request.angleDegrees);
  Sampler wholeSampler(request.picture, wholeScale_, request.sampling, request.angleDegrees);
  correlations_.resize(std::max(correlations_.size(), request.tasks.size()));
  bool byRows = false, whole = false;
  for (std::size_t task = 0; task < request.tasks.size(); ++task) {
    answers[task].brightness = exposure.brightness;
    answers[task].contrast = exposure.contrast;
    (request.tasks[task].takesWhole() ? whole : byRows) = true;
    correlations_[task].resize(static_cast<std::size_t>(answers[task].rowStart[request.rois.size()]) * kLagCount);
  }
  waiting_ = {};
  std::size_t firstPixel = 0;
  for (std::size_t index = 0; index < request.rois.size(); ++index) {
    const Roi& roi = request.rois[index];
    if (whole) {
      whole_.resize(static_cast<std::size_t>(roi.width) * roi.height);
      wholeSampler.resetSaturation();
      wholeSampler.rows(roi, 0, 0, roi.height, whole_.data(), roi.width);
    }
    for (std::size_t task = 0; task < request.tasks.size(); ++task) {
      if (!request.tasks[task].takesWhole()) continue;
      answers[task].saturated[index] = wholeSampler.saturatedShare();
      if (request.tasks[task].method == Method::joint) {
        measureJointly(request.tasks[task], answers[task], roi, index);
      } else {
        track(request.tasks[task], answers[task], roi, index, firstPixel);
      }
    }
    // With 8 bits, both have the same counts.
    const bool alike = whole && request.subRois == 0 && !request.picture.deep;
    if (byRows) sampleRows(request, answers, alike ? wholeSampler : sampler, index, alike);
    firstPixel += static_cast<std::size_t>(roi.width) * roi.height;
  }
  flush(request, answers);
  for (std::size_t task = 0; task < request.tasks.size(); ++task) {
    if (!request.tasks[task].takesWhole()) judge(request, task, answers[task]);
  }
  return depth;
}

/** Adds the rows of an ROI to the waiting ones; `sampled`: they are in whole_ already. */
void Kernel::sampleRows(const KernelRequest& request, KernelAnswer* answers, Sampler& sampler, std::size_t index,
                        bool sampled) {
  const Roi& roi = request.rois[index];
  if (roi.width != waiting_.width) {
    flush(request, answers);
    waiting_.width = roi.width;
    samples_.resize(static_cast<std::size_t>(roi.width) * kBatchRows);
  }
  if (!sampled) sampler.resetSaturation();
  const int rows = request.rowsOf(roi);
  for (int row = 0; row < rows;) {
    if (waiting_.rows == kBatchRows) flush(request, answers);
    const int count = std::min(rows - row, kBatchRows - waiting_.rows);
    float* to = samples_.data() + static_cast<std::size_t>(waiting_.rows) * roi.width;
    if (sampled) {
      std::copy_n(whole_.data() + static_cast<std::size_t>(row) * roi.width, static_cast<std::size_t>(count) * roi.width, to);
    } else {
      sampler.rows(roi, request.subRois, row, count, to, roi.width);
    }
    waiting_.rows += count;
    row += count;
  }
  for (std::size_t task = 0; task < request.tasks.size(); ++task) {
    if (!request.tasks[task].takesWhole()) answers[task].saturated[index] = sampler.saturatedShare();
  }
}

/** Measures the waiting rows with every method of rows. */
void Kernel::flush(const KernelRequest& request, KernelAnswer* answers) {
  if (waiting_.rows == 0) return;
  const FitRows block{samples_.data(), waiting_.rows, waiting_.width, waiting_.width};
  const auto first = static_cast<std::size_t>(waiting_.firstRow);
  for (std::size_t task = 0; task < request.tasks.size(); ++task) {
    const Method method = request.tasks[task].method;
    if (request.tasks[task].takesWhole()) continue;
    const KernelAnswer& answer = answers[task];
    const FitOutputs outputs{answer.columns + first * columnsOf(method),
                             answer.standardError + first,
                             answer.explained + first,
                             answer.peakToNoise + first,
                             answer.status + first,
                             correlations_[task].data() + first * kLagCount};
    if (method == Method::maxIntensity) {
      findMaxima(block, outputs);
    } else if (method == Method::centre) {
      findCentres(block, outputs);
    } else {
      fit(lineOf(method), block, fits_[static_cast<int>(lineOf(method))], outputs);
    }
    for (int row = 0; request.tasks[task].findsForms && row < block.rows; ++row) {
      const bool ok = outputs.status[row] == kOk;
      const float* samples = block.samples + static_cast<std::size_t>(row) * block.stride;
      answer.forms[first + row] = ok ? sign_.find(samples, block.width) : 0;
    }
  }
  waiting_.firstRow += waiting_.rows;
  waiting_.rows = 0;
}

/** Stores the result of a fit of a whole ROI (JointAnswer, TrackAnswer) for ROI `index`. */
template <class WholeAnswer>
static void write(const WholeAnswer& found, const KernelAnswer& answer, std::size_t index) {
  std::copy(std::begin(found.columns), std::end(found.columns), answer.columns + index * std::size(found.columns));
  answer.standardError[index] = found.standardError;
  answer.explained[index] = found.explained;
  answer.peakToNoise[index] = found.peakToNoise;
  answer.residualDistance[index] = found.residualDistance;
  answer.status[index] = found.status;
}

/** Returns the written counts per count of fits of whole ROIs; the former are those of the image's own scaling. */
double Kernel::shownCounts() const { return scale_.factor / wholeScale_.factor; }

/** Returns the line of an ROI: as configured, as chosen earlier, or as determined from its pixels. */
Line Kernel::chosenLine(const KernelTask& task, const KernelAnswer& answer, const Roi& roi, std::size_t index) {
  Line line = task.jointLine;
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  answer.lineShare[index] = kNaN;
  std::fill_n(answer.lineScores + index * kLines, kLines, kNaN);
  if (task.choosesLine && task.lines != nullptr && task.lines[index] > 0) {
    line = static_cast<Line>(task.lines[index] - 1);
  } else if (task.choosesLine) {
    const LineChoice choice = joint_.choose(whole_.data(), roi.height, roi.width, top_, wholeScale_.factor);
    line = choice.line;
    std::copy_n(choice.scores, kLines, answer.lineScores + index * kLines);
  }
  answer.lines[index] = static_cast<std::uint8_t>(1 + static_cast<int>(line));
  return line;
}

/** Measures all pixel rows of an ROI in one fit. */
void Kernel::measureJointly(const KernelTask& task, const KernelAnswer& answer, const Roi& roi, std::size_t index) {
  const Line line = chosenLine(task, answer, roi, index);
  JointAnswer found = joint_.measure(line, whole_.data(), roi.height, roi.width, top_, wholeScale_.factor);
  const double shown = shownCounts();
  found.columns[4] *= shown;
  found.columns[5] = found.columns[5] * shown + scale_.offset;
  found.columns[6] *= shown;
  write(found, answer, index);
  if (line == Line::voigt && found.status == kOk) answer.lineShare[index] = found.line.phase;
}

/** Measures an ROI against its reference, whose pixels begin at `firstPixel`. */
void Kernel::track(const KernelTask& task, const KernelAnswer& answer, const Roi& roi, std::size_t index,
                   std::size_t firstPixel) {
  const Line line = chosenLine(task, answer, roi, index);
  Anchor& anchor = task.anchors[index];
  // If a series turns out to have larger values than at its beginning, it is measured in the counts used then.
  const double then = anchor.frames > 0 ? anchor.unit / wholeScale_.factor : 1;
  const float* samples = whole_.data();
  if (then != 1) {
    rescaled_.resize(whole_.size());
    std::transform(whole_.begin(), whole_.end(), rescaled_.begin(), [then](float value) { return static_cast<float>(then * value); });
    samples = rescaled_.data();
  }
  const TrackFrame frame{line, samples, roi.height, roi.width, static_cast<float>(then * top_), then * dark_,
                         then * wholeScale_.factor, then * darkest_};
  TrackAnswer found = tracking_.measure(frame, joint_, anchor, task.reference + firstPixel, task.grow);
  found.columns[3] *= shownCounts() / then;
  write(found, answer, index);
  answer.joined[index] = found.joined;
  answer.doubts[index] = static_cast<std::uint8_t>((found.fellBack ? kFellBack : 0) | (found.changed ? kChanged : 0));
}

/** Widens the standard errors for correlated residuals, and rejects lines that are no better than a constant. */
void Kernel::judge(const KernelRequest& request, std::size_t task, const KernelAnswer& answer) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Method method = request.tasks[task].method;
  const int columns = columnsOf(method);
  for (std::size_t index = 0; index < request.rois.size(); ++index) {
    const int first = answer.rowStart[index], end = answer.rowStart[index + 1];
    answer.residualDistance[index] = 1;
    if (!isFit(method)) continue;
    const int parameters = parametersOf(lineOf(method));
    const double distance = residualDistance(correlations_[task].data() + static_cast<std::size_t>(first) * kLagCount,
                                             answer.status + first, end - first, request.rois[index].width, parameters);
    answer.residualDistance[index] = distance;
    const int freedom = request.rois[index].width - parameters;
    // The parameters take their share of the few independent samples, not of all samples.
    const double independent = std::max(request.rois[index].width / distance - parameters, 1.0) * distance;
    const double widening = std::sqrt(distance * std::max(freedom, 0) / independent);
    for (int row = first; row < end; ++row) {
      if (answer.status[row] != kOk) continue;
      const double explained = answer.explained[row];
      const double f = explained / (1 - explained) * freedom / (parameters - 1) / std::min(distance, kLongestGrain);
      answer.standardError[row] *= widening;
      if (freedom > 0 && f >= kLeastF) continue;
      answer.status[row] = kNotConverged;
      answer.standardError[row] = nan;
      std::fill_n(answer.columns + static_cast<std::size_t>(row) * columns, columns, nan);
    }
  }
}

}  // namespace phorest
