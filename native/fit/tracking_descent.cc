// The descent of tracking to the weighted least squares, with the current weights.
#include <algorithm>
#include <cmath>

#include "fit/tracking.h"

namespace phorest {
namespace {

constexpr int kSteps = 12;

bool isFinite(const TrackedLine& at) {
  for (double value : at.by) {
    if (!std::isfinite(value)) return false;
  }
  return true;
}

/** Adds the prior knowledge of the shape; `inflation` is the variance of a unit weight. */
void addPrior(const Anchor& anchor, const TrackedLine& at, double inflation, TrackNormals& normals) {
  for (int k = 1; k <= kShape; ++k) {
    for (int j = 1; j <= kShape; ++j) {
      const int low = std::max(k, j) - 1, high = std::min(k, j) - 1;
      const double precision = inflation * anchor.prior[low * (low + 1) / 2 + high];
      normals.matrix[k][j] += precision;
      normals.right[k] -= precision * at.by[j];
      normals.cost += precision * at.by[k] * at.by[j];
    }
  }
}

}  // namespace

bool solve(const TrackNormals& normals, unsigned free, double damping, double* step, double* variances) {
  int which[kSuspected], count = 0;
  for (int k = 0; k < kSuspected; ++k) {
    step[k] = 0;
    // Parameters about which the samples say nothing stay as they are.
    if ((free >> k & 1) != 0 && normals.matrix[k][k] > 0) which[count++] = k;
  }
  double low[kSuspected][kSuspected] = {}, scale[kSuspected];
  for (int i = 0; i < count; ++i) scale[i] = 1 / std::sqrt(normals.matrix[which[i]][which[i]]);
  for (int i = 0; i < count; ++i) {
    for (int j = 0; j <= i; ++j) {
      double value = i == j ? 1 + damping : normals.matrix[which[i]][which[j]] * scale[i] * scale[j];
      for (int k = 0; k < j; ++k) value -= low[i][k] * low[j][k];
      if (i == j && !(value > 1e-12)) return false;
      low[i][j] = i == j ? std::sqrt(value) : value / low[j][j];
    }
  }
  const auto apply = [&](const double* right, double* out) {
    for (int i = 0; i < count; ++i) {
      out[i] = right[i] * scale[i];
      for (int k = 0; k < i; ++k) out[i] -= low[i][k] * out[k];
      out[i] /= low[i][i];
    }
    for (int i = count - 1; i >= 0; --i) {
      for (int k = i + 1; k < count; ++k) out[i] -= low[k][i] * out[k];
      out[i] /= low[i][i];
    }
    for (int i = 0; i < count; ++i) out[i] *= scale[i];
  };
  double right[kSuspected], found[kSuspected];
  for (int i = 0; i < count; ++i) right[i] = normals.right[which[i]];
  apply(right, found);
  for (int i = 0; i < count; ++i) step[which[i]] = found[i];
  if (variances == nullptr) return true;
  std::fill_n(variances, kSuspected, 0.0);
  for (int i = 0; i < count; ++i) {
    double unit[kSuspected] = {}, column[kSuspected];
    unit[i] = 1;
    apply(unit, column);
    variances[which[i]] = column[i];
  }
  return true;
}

void Tracking::evaluate(const Anchor& anchor, const TrackedLine& at, unsigned free, TrackNormals& out) const {
  vectorUnit().trackNormals(roi_, anchor, at, free, out);
  if ((free & kShapeBits) != 0 && !roi_.absolute) addPrior(anchor, at, inflation_, out);
}

/** Levenberg-Marquardt descent with the current weights; returns false if it leaves the ROI or does not converge. */
bool Tracking::descend(const Anchor& anchor, unsigned free, double tolerance, TrackedLine& at) {
  const double width = std::exp(anchor.logWidth);
  // Largest steps: px, px, px per row, and fractions of the shape.
  const double most[kTracked] = {0.5 * width, 0.2 * width, 0.2 * width / roi_.rows, 0.2, 0.3, 0.2 + 0.2 * std::fabs(anchor.ground), 0.5};
  // The place of the line: the shift, or the centre of a line that is fitted by itself.
  const int place = roi_.absolute ? 1 : 0;
  evaluate(anchor, at, free, normals_);
  double damping = 0;
  for (int pass = 0; pass < kSteps; ++pass) {
    double step[kSuspected], excess = 1;
    if (!(normals_.matrix[place][place] > 0) || !solve(normals_, free, damping, step, nullptr)) return false;
    for (int k = 0; k < kTracked; ++k) excess = std::max(excess, std::fabs(step[k]) / most[k]);
    TrackedLine trial = at;
    for (int k = 0; k < kTracked; ++k) trial.by[k] += step[k] / excess;
    const double centre = anchor.centre + trial.by[1] + trial.shift();
    if (!isFinite(trial) || centre < -0.25 * roi_.width || centre > 1.25 * roi_.width) return false;
    if (std::fabs(step[place]) < tolerance && excess == 1) {
      at = trial;
      return true;
    }
    TrackNormals there;
    evaluate(anchor, trial, free, there);
    const bool better = there.cost <= normals_.cost * (1 + 1e-12);
    if (better) at = trial, normals_ = there;
    damping = better ? damping * 0.1 : std::max(1e-3, damping * 10);
  }
  return false;
}

}  // namespace phorest
