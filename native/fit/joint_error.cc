// Evaluates a finished joint fit: whether there is a line at all, and its standard error.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "fit/joint.h"
#include "fit/tracking.h"

namespace phorest {
namespace {

/** Residuals with a correlation below this count as independent. */
constexpr double kIndependent = 0.03;
/** Beyond a grain of speckle the correlation changes slowly: only every fifth lag is computed, and represents its neighbours. */
constexpr int kFarSteps = 5;
/** The correction depends on the area, and the area on the correction, hence the iteration. */
constexpr int kPasses = 8;
/** A fit absorbs at most this fraction of the slow noise. */
constexpr double kMostSwallowed = 0.5;
/**
 * The height common to all rows must reduce the cost by this multiple of what the (correlated) noise of one sample would. Chance,
 * choosing the best of all places and shapes, stays far below.
 */
constexpr double kLeastReduction = 80;
/** px along and across the rows: a grain of speckle is not larger; residuals correlated over more are a misfit. */
constexpr double kLongestGrain = 16;

/** Returns the mean product of influences `right` samples and `down` rows apart. */
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

/** Returns the lags from 0 on, as far as residuals are correlated according to `rhoAt`. */
template <class RhoAt>
std::vector<Lag> correlatedLags(int most, RhoAt rhoAt) {
  std::vector<Lag> found{{0, 1, 1}};
  for (int lag = 1; lag <= most; lag += lag < kFarthestLag ? 1 : lag == kFarthestLag ? (kFarSteps + 1) / 2 : kFarSteps) {
    const double rho = rhoAt(lag);
    if (rho < kIndependent) break;
    found.push_back({lag, rho, lag > kFarthestLag ? 2.0 * kFarSteps : 2.0});
  }
  return found;
}

/**
 * Returns, by column, how much a height of 1 says about the line's place, without what a row's own height and offset can imitate.
 */
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

Correlation correlationOf(const JointRows& roi, const double* influence, int farthest) {
  Correlation found{roi.rows, roi.width, {{0, 1, 1}}, {{0, 1, 1}}, {1}};
  const double own = meanProduct(roi, influence, 0, 0);
  if (!(own > 0)) return found;
  found.rightward = correlatedLags(std::min(farthest, roi.width / 4), [&](int lag) { return meanProduct(roi, influence, lag, 0) / own; });
  found.down = correlatedLags(std::min(farthest, roi.rows / 3), [&](int lag) { return meanProduct(roi, influence, 0, lag) / own; });
  found.rho.clear();
  for (const Lag& below : found.down) {
    for (const Lag& right : found.rightward) {
      const bool known = below.lag == 0 || right.lag == 0;
      const double axis = below.lag == 0 ? right.rho : below.rho;
      found.rho.push_back(known ? axis : meanProduct(roi, influence, right.lag, below.lag) / own);
    }
  }
  return found;
}

Areas areasUnder(const Correlation& correlation, const Fitted& fitted, int farthest) {
  Areas areas{1, 1};
  const double size = static_cast<double>(correlation.rows) * correlation.width;
  for (int pass = 0; pass < kPasses; ++pass) {
    const double ofRow = std::min(kMostSwallowed, fitted.perRow * areas.along / correlation.width);
    const double ofAll = std::min(kMostSwallowed, fitted.shared * areas.both / size);
    double along = 0, both = 0;
    const double* rho = correlation.rho.data();
    for (const Lag& below : correlation.down) {
      for (const Lag& right : correlation.rightward) {
        const double whole = (1 - ofAll) * ((1 - ofRow) * *rho++ + ofRow * below.rho) + ofAll;
        if (below.lag > farthest || right.lag > farthest) continue;
        const double part = below.stands * right.stands * whole;
        both += part;
        if (below.lag == 0) along += part;
      }
    }
    areas.along = std::max(1.0, along);
    areas.both = std::max(1.0, both) / ((1 - ofRow) * (1 - ofAll));
  }
  return areas;
}

double differenceNoise(const float* samples, int rows, int width, double unit) {
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
  return std::sqrt(sigma * sigma + unit * unit / 12);
}

/** Computes the standard error, and decides whether there is a line at all. */
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
  const Correlation correlation = correlationOf(roi, roi.model, roi.width);
  const Areas areas = areasUnder(correlation);
  answer.residualDistance = areas.along;
  double heights = 0, firmness = 0;
  for (int row = 0; row < roi.rows; ++row) {
    heights += roi.height[row] * roi.firmness[row];
    firmness += roi.firmness[row];
  }
  const double height = std::fabs(roi.typicalHeight);
  answer.peakToNoise = height / differenceNoise(samples, roi.rows, roi.width, unit_);
  double step[kShared], variance = 0;
  if (!(slopes > 0 && firmness > 0) || !solve(normals, 0, step, &variance)) return;
  const double noise = influences / size * std::min(areas.both, kLongestGrain);
  if (!(heights * heights / firmness / noise > kLeastReduction)) return;
  answer.inflation = areas.both * influences * inside / (slopes * slopes);
  // Light that is uneven over more than a grain shifts the position too.
  const Fitted fitted{2, roi.line == Line::fano || roi.line == Line::voigt ? 4.0 : 3.0};
  const double ofAll = answer.inflation / areas.both * areasUnder(correlation, fitted, roi.width).both;
  // Each residual counts by its pull on the position, because noise with a grain may exist only where it is bright. But a line
  // that does not fit has absorbed what it could on its flanks. If large residuals cancel the slopes, the weights are used.
  const double steepness = toldSlopes > 0 ? toldSlopes : toldWeights;
  const double told =
      steepness > 0 ? areasUnder(correlationOf(roi, roi.residual, roi.width), fitted, roi.width).both * pulls * toldWeights / (steepness * steepness) : 0;
  answer.standardError = std::sqrt(variance * std::max(ofAll, told));
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
    // A line without an odd part would have an infinite asymmetry: use one that no measurement can distinguish from it.
    const double sine = std::fabs(std::sin(half)) < 1e-9 ? 1e-9 : std::sin(half);
    answer.columns[3] = std::cos(half) / sine;
    answer.columns[4] = height * sine * sine;
    answer.columns[5] = base - answer.columns[4];
  }
  answer.columns[6] = std::sqrt(squares / size);
  answer.status = kOk;
}

}  // namespace phorest
