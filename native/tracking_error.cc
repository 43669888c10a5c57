// What a tracked shift is worth, and how well the shape of an anchor's line is known.
#include <algorithm>
#include <cmath>

#include "tracking.h"

namespace phorest {
namespace {

constexpr int kShape = kTracked - 1;

/** An anchor's line, with what is the same for all its samples. */
struct AnchorLine {
  Line line;
  double centre, slope, width, ratio, phase, cosine, sine;
  AnchorLine(Line shape, const Anchor& anchor)
      : line(shape),
        centre(anchor.centre),
        slope(anchor.slope),
        width(std::exp(anchor.logWidth)),
        ratio(anchor.ratio),
        phase(anchor.phase),
        cosine(std::cos(anchor.phase)),
        sine(std::sin(anchor.phase)) {}

  /** Derivatives of the logarithm of the line's light by centre, slope, log width, phase and log ratio. */
  void derivatives(double x, double row, double* out) const {
    const double t = (x - centre - slope * row) / width;
    double s, u, d;
    if (line == Line::gaussian) {
      s = std::exp(-0.5 * t * t), u = -t * s, d = 0;
    } else if (line == Line::lorentzian) {
      s = 1 / (1 + t * t), u = -2 * t * s * s, d = 0;
    } else if (line == Line::voigt) {
      const double bell = std::exp(-M_LN2 * t * t), l = 1 / (1 + t * t);
      s = phase * l + (1 - phase) * bell, u = -2 * t * (phase * l * l + (1 - phase) * M_LN2 * bell), d = l - bell;
    } else {
      const double l = 1 / (1 + t * t), m = t * l;
      s = cosine * l + sine * m;
      u = sine * (l - 2 * m * m) - cosine * 2 * m * l;
      d = cosine * m - sine * l;
    }
    const double part = ratio / std::max(1 + ratio * s, 0.02);
    out[0] = -part * u / width, out[1] = out[0] * row, out[2] = -part * u * t, out[3] = part * d, out[4] = part * s;
  }
};

/** Inverse of a positive definite matrix, in place, by Gauss and Jordan; false where it is not one. */
bool invert(double (&matrix)[kShape][kShape]) {
  for (int pivot = 0; pivot < kShape; ++pivot) {
    const double value = matrix[pivot][pivot];
    if (!(value > 0)) return false;
    for (int k = 0; k < kShape; ++k) {
      if (k == pivot) continue;
      const double share = matrix[k][pivot] / value;
      for (int j = 0; j < kShape; ++j) {
        if (j != pivot) matrix[k][j] -= share * matrix[pivot][j];
      }
      matrix[k][pivot] = -share;
    }
    for (int j = 0; j < kShape; ++j) {
      if (j != pivot) matrix[pivot][j] /= value;
    }
    matrix[pivot][pivot] = 1 / value;
  }
  return true;
}

}  // namespace

/**
 * The inverse covariance of the anchor's shape. The joint fit knows centre, slope, width and phase as far as each row's own
 * light and ratio leave them, and the ratio from the median of the rows. Fisher's matrix is that under speckle (a share of
 * the light, so that all samples of a logarithm weigh alike), scaled to the error of the centre that the joint fit claims.
 */
bool Tracking::shapeKnown(Line line, int rows, int width, double centreError, Anchor& anchor) {
  constexpr int kRatio = kShape - 1;
  /** Variance of a median over that of a mean. */
  constexpr double kMedian = 1.5707963267949;
  const AnchorLine light(line, anchor);
  double shape[kShape][kShape] = {}, ratio[kShape] = {};
  for (int row = 0; row < rows; ++row) {
    double sums[kShape] = {}, products[kShape][kShape] = {};
    for (int i = 0; i < width; ++i) {
      double f[kShape];
      light.derivatives(i, row - (rows - 1) / 2.0, f);
      for (int k = 0; k < kShape; ++k) {
        sums[k] += f[k];
        for (int j = 0; j < kShape; ++j) products[k][j] += f[k] * f[j];
      }
    }
    for (int k = 0; k < kShape; ++k) {
      for (int j = 0; j < kShape; ++j) products[k][j] -= sums[k] * sums[j] / width;
    }
    const double own = products[kRatio][kRatio];
    if (!(own > 0)) return false;
    for (int k = 0; k < kRatio; ++k) {
      for (int j = 0; j < kRatio; ++j) shape[k][j] += products[k][j] - products[k][kRatio] * products[j][kRatio] / own;
    }
    for (int k = 0; k < kShape; ++k) ratio[k] += products[k][kRatio];
  }
  // A Gaussian or a Lorentzian has no phase, a single row no slope.
  if (line == Line::gaussian || line == Line::lorentzian) shape[3][3] = 1;
  if (rows == 1) shape[1][1] = 1;
  shape[kRatio][kRatio] = 1;
  double inverse[kShape][kShape];
  std::copy_n(&shape[0][0], kShape * kShape, &inverse[0][0]);
  if (!invert(inverse) || !(centreError > 0)) return false;
  shape[kRatio][kRatio] = 0;
  const double scale = inverse[0][0] / (centreError * centreError);
  for (int k = 0; k < kShape; ++k) {
    for (int j = 0; j <= k; ++j) {
      const double ofRatio = ratio[k] * ratio[j] / (kMedian * ratio[kRatio]);
      anchor.prior[k * (k + 1) / 2 + j] = (shape[k][j] + ofRatio) * scale;
    }
  }
  return true;
}

/** Share of the variance about the rows' means that the last trace leaves over. */
double Tracking::leftOver() const {
  double total = 0, left = 0;
  for (int row = 0; row < roi_.rows; ++row) {
    double sum = 0, squares = 0, count = 0;
    for (int i = 0; i < roi_.width; ++i) {
      const long at = static_cast<long>(row) * roi_.stride + i;
      if (!(roi_.reference[at] > 0)) continue;
      sum += roi_.y[at], squares += roi_.y[at] * roi_.y[at], ++count;
      // Dust must not send the search away.
      if (roi_.weight[at] > 0) left += roi_.residual[at] * roi_.residual[at];
    }
    if (count > 0) total += squares - sum * sum / count;
  }
  return total > 0 ? left / total : 1;
}

/** By how much the variance is larger than that of independent residuals of the weights' size. Overwrites the gain. */
void Tracking::worth() {
  TrackPulls pulls{};
  vectorUnit().trackPulls(roi_, noise_, pulls);
  kept_ = pulls.compared > 0 ? pulls.inside / pulls.compared : 0;
  JointRows shape{};
  shape.rows = roi_.rows, shape.width = roi_.width, shape.stride = roi_.stride;
  const Areas areas = correlationAreas(shape, roi_.gain);
  alongArea_ = areas.along;
  inflation_ = pulls.slopes > 0 ? areas.both * pulls.influences * pulls.inside / (pulls.slopes * pulls.slopes) : 1;
}

void Tracking::judge(const float* samples, const Anchor& anchor, const TrackedLine& at, double variance,
                     TrackAnswer& answer) {
  worth();
  std::vector<double> scales(roi_.scale, roi_.scale + roi_.rows);
  const double light = median(scales);
  double squares = 0, level = 0, count = 0;
  for (int row = 0; row < roi_.rows; ++row) {
    for (int i = 0; i < roi_.width; ++i) {
      const long sample = static_cast<long>(row) * roi_.stride + i;
      if (!(roi_.reference[sample] > 0)) continue;
      squares += roi_.residual[sample] * roi_.residual[sample];
      level += roi_.predicted[sample];
      ++count;
    }
  }
  answer.explained = std::max(0.0, 1 - leftOver_);
  answer.residualDistance = alongArea_;
  answer.peakToNoise = std::fabs(anchor.ratio) * level / count / differenceNoise(samples, roi_.rows, roi_.width);
  const double position = anchor.centre + at.shift();
  const bool inside = position >= 0 && position <= roi_.width - 1;
  if (!(variance > 0 && inflation_ > 0) || !inside || kept_ < 0.5) return;
  answer.standardError = std::sqrt(variance * inflation_);
  answer.columns[0] = position;
  answer.columns[1] = at.shift();
  answer.columns[2] = light;
  answer.columns[3] = std::sqrt(squares / count);
  answer.status = kOk;
}

}  // namespace phorest
