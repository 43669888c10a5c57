// What a finished joint fit is worth: whether there is a line at all, and its standard error.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "fit/joint.h"
#include "fit/tracking.h"

namespace phorest {
namespace {

/** Below this correlation residuals count as independent. */
constexpr double kIndependent = 0.03;
constexpr int kFarthestLag = 12;
/**
 * The height common to all rows must reduce the cost by so many times what the noise of one sample, correlated as it is,
 * would: chance, choosing the best of all places and shapes, stays far below.
 */
constexpr double kLeastReduction = 80;
/** px along and across the rows: a grain of speckle is not larger; beyond it residuals alike are misfit. */
constexpr double kLongestGrain = 16;

/** Mean product of influences `right` samples and `down` rows apart. */
double meanProduct(const JointRows& roi, const double* influence, int right, int down) {
  double sum = 0;
  for (int row = 0; row + down < roi.rows; ++row) {
    const double* a = influence + static_cast<long>(row) * roi.stride;
    const double* b = a + static_cast<long>(down) * roi.stride + right;
    double part[4] = {};
    int i = 0;
    for (; i + 4 <= roi.width - right; i += 4) {
      for (int k = 0; k < 4; ++k) part[k] += a[i + k] * b[i + k];
    }
    for (; i < roi.width - right; ++i) part[0] += a[i] * b[i];
    sum += (part[0] + part[1]) + (part[2] + part[3]);
  }
  return sum / (static_cast<double>(roi.width - right) * (roi.rows - down));
}

/** [column] what a height of 1 says of the line's place, without what a row's own height and offset imitate. */
std::vector<double> toldByColumns(const JointRows& roi, const SharedLine& line) {
  std::vector<double> told(static_cast<std::size_t>(roi.width)), shape(told), weight(told);
  double w0 = 0, ws = 0, wu = 0, ss = 0, su = 0;
  for (int i = 0; i < roi.width; ++i) {
    for (int row = 0; row < roi.rows; ++row) weight[i] += roi.weight[static_cast<long>(row) * roi.stride + i];
    const LinePoint point = linePoint(roi.line, line.phase, (i - line.centre) / std::exp(line.logWidth));
    told[i] = point.u, shape[i] = point.s;
    w0 += weight[i], ws += weight[i] * point.s, wu += weight[i] * point.u;
    ss += weight[i] * point.s * point.s, su += weight[i] * point.s * point.u;
  }
  const double own = w0 * ss - ws * ws;
  if (!(own > 0)) return told;
  const double height = (w0 * su - ws * wu) / own, offset = (wu - height * ws) / w0;
  for (int i = 0; i < roi.width; ++i) told[i] -= height * shape[i] + offset;
  return told;
}

}  // namespace

Areas correlationAreas(const JointRows& roi, const double* influence) {
  const double own = meanProduct(roi, influence, 0, 0);
  if (!(own > 0)) return {1, 1};
  const int mostRight = std::min(kFarthestLag, roi.width / 4), mostDown = std::min(kFarthestLag, roi.rows / 3);
  double down[kFarthestLag + 1] = {1}, rightward[kFarthestLag + 1] = {1};
  int downs = 0, rights = 0;
  while (downs < mostDown) {
    const double rho = meanProduct(roi, influence, 0, downs + 1) / own;
    if (rho < kIndependent) break;
    down[++downs] = rho;
  }
  while (rights < mostRight) {
    const double rho = meanProduct(roi, influence, rights + 1, 0) / own;
    if (rho < kIndependent) break;
    rightward[++rights] = rho;
  }
  double table[kFarthestLag + 1][kFarthestLag + 1];
  for (int k = 0; k <= downs; ++k) {
    for (int j = 0; j <= rights; ++j) {
      table[k][j] = k == 0 ? rightward[j] : j == 0 ? down[k] : meanProduct(roi, influence, j, k) / own;
    }
  }
  Areas areas{1, 1};
  for (int pass = 0; pass < 3; ++pass) {
    const double share = std::min(0.5, 2 * areas.along / roi.width);
    areas = {0, 0};
    for (int k = 0; k <= downs; ++k) {
      for (int j = 0; j <= rights; ++j) {
        const double rho = (1 - share) * table[k][j] + share * down[k];
        const double both = (k == 0 ? 1 : 2) * (j == 0 ? 1 : 2) * rho;
        areas.both += both;
        if (k == 0) areas.along += both;
      }
    }
    areas.both = std::max(1.0, areas.both) / (1 - share);
    areas.along = std::max(1.0, areas.along);
  }
  return areas;
}

double differenceNoise(const float* samples, int rows, int width) {
  const auto meanBelow = [=](float limit) {
    const auto cut = [limit](float a, float b) {
      const float size = std::fabs(b - a);
      return static_cast<double>(size < limit ? size : limit);
    };
    double sum = 0;
    for (int row = 0; row < rows; ++row) {
      const float* at = samples + static_cast<long>(row) * width;
      double part[4] = {};
      int i = 0;
      for (; i + 5 <= width; i += 4) {
        for (int k = 0; k < 4; ++k) part[k] += cut(at[i + k], at[i + k + 1]);
      }
      for (; i + 1 < width; ++i) part[0] += cut(at[i], at[i + 1]);
      sum += (part[0] + part[1]) + (part[2] + part[3]);
    }
    return sum / (static_cast<double>(rows) * std::max(1, width - 1));
  };
  const double sigma = 0.88622692545 * meanBelow(static_cast<float>(3 * meanBelow(std::numeric_limits<float>::infinity())));
  return std::sqrt(sigma * sigma + 1.0 / 12);
}

/** Standard error, and whether there is a line at all. */
void Joint::judge(const float* samples, const SharedLine& line, const Normals& normals, JointAnswer& answer) {
  const JointRows& roi = roi_;
  double squares = 0, influences = 0, slopes = 0, inside = 0;
  double pulls = 0, toldSlopes = 0, toldWeights = 0;
  const std::vector<double> sides = toldByColumns(roi, line);
  for (int row = 0; row < roi.rows; ++row) {
    for (int i = 0; i < roi.stride; ++i) {
      const long at = static_cast<long>(row) * roi.stride + i;
      double influence = 0, onShift = 0;
      if (i < roi.width) {
        const double inverse = inverseNoiseAt(roi.model[at]);
        const Pull pull = pullOf(at, inverse);
        influence = roi.residual[at] * inverse * pull.weight;
        influences += influence * influence;
        slopes += pull.slope;
        inside += pull.weight;
        const double sense = std::fabs(sides[i] * roi.height[row]) * inverse;
        onShift = influence * sense;
        pulls += onShift * onShift;
        toldSlopes += sense * sense * pull.slope;
        toldWeights += sense * sense * pull.weight;
        squares += roi.residual[at] * roi.residual[at];
      }
      roi.model[at] = influence;
      roi.residual[at] = onShift;
    }
  }
  const double size = static_cast<double>(roi.rows) * roi.width;
  answer.explained = total_ > 0 ? 1 - squares / total_ : 0;
  const Areas areas = correlationAreas(roi, roi.model);
  answer.residualDistance = areas.along;
  double heights = 0, firmness = 0;
  for (int row = 0; row < roi.rows; ++row) {
    heights += roi.height[row] * roi.firmness[row];
    firmness += roi.firmness[row];
  }
  const double height = std::fabs(roi.typicalHeight);
  answer.peakToNoise = height / differenceNoise(samples, roi.rows, roi.width);
  double step[kShared], variance = 0;
  if (!(slopes > 0 && firmness > 0) || !solve(normals, 0, step, &variance)) return;
  const double noise = influences / size * std::min(areas.both, kLongestGrain);
  if (!(heights * heights / firmness / noise > kLeastReduction)) return;
  answer.inflation = areas.both * influences * inside / (slopes * slopes);
  // Each residual counts as it pulls on the position, for noise with a grain may be there only where it is bright. But a line
  // that does not fit has swallowed what it could on its sides. Where large residuals cancel the slopes, the weights have to do.
  const double steepness = toldSlopes > 0 ? toldSlopes : toldWeights;
  const double told = steepness > 0 ? correlationAreas(roi, roi.residual).both * pulls * toldWeights / (steepness * steepness) : 0;
  answer.standardError = std::sqrt(variance * std::max(answer.inflation, told));
  answer.line = line;
  answer.height = roi.typicalHeight, answer.ground = roi.typicalOffset + mean_;
  answer.columns[0] = line.centre;
  answer.columns[1] = line.slope;
  answer.columns[2] = std::exp(line.logWidth);
  const double base = answer.ground;
  if (roi.line != Line::fano) {
    answer.columns[3] = 0;
    answer.columns[4] = roi.typicalHeight;
    answer.columns[5] = base;
  } else {
    const double half = (roi.typicalHeight < 0 ? line.phase + M_PI : line.phase) / 2;
    // A line without any odd part would have an infinite asymmetry: give it one that no measurement can tell apart.
    const double sine = std::fabs(std::sin(half)) < 1e-9 ? 1e-9 : std::sin(half);
    answer.columns[3] = std::cos(half) / sine;
    answer.columns[4] = height * sine * sine;
    answer.columns[5] = base - answer.columns[4];
  }
  answer.columns[6] = std::sqrt(squares / size);
  answer.status = kOk;
}

}  // namespace phorest
