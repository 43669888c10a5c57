#include "joint.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace phorest {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
/** Rows are averaged into so many bands, and all of them into one more, to find where to begin. */
constexpr int kBands = 8;
/** Lanes of the widest vector unit: the stride of a row is a multiple of it. */
constexpr int kPadding = 8;
/** Rounds of new weights; the noise is learnt in the first ones and then held, so that the rest converges. */
constexpr int kRounds = 12, kLearningRounds = 3;
constexpr int kSteps = 30;
/** In widths: a step that ends a round while the noise is being learnt, and one that ends the fit. */
constexpr double kNear = 1e-2, kSettled = 1e-4;
/** Residuals beyond so many deviations have no weight (Tukey's biweight): 1.7 % of precision for immunity to dust. */
constexpr double kTukey = 5;
/** No sample counts for less noise than this share of the ROI's mean, nor for less than rounding to whole counts. */
constexpr double kLeastNoise = 0.05;
/** From the mean size of normal noise to its deviation. */
constexpr double kSizeToDeviation = 1.2533141373155;
constexpr double kNarrowest = 0.5, kWidestInRows = 4;
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

/** Solves matrix * step = right by Cholesky's factors, the diagonal raised by `damping`; false when it is singular. */
bool solve(const Normals& normals, double damping, double* step, double* variance) {
  double low[kShared][kShared] = {};
  double scale[kShared];
  for (int i = 0; i < kShared; ++i) scale[i] = normals.matrix[i][i] > 0 ? 1 / std::sqrt(normals.matrix[i][i]) : 0;
  for (int i = 0; i < kShared; ++i) {
    for (int j = 0; j <= i; ++j) {
      double value = i == j ? (scale[i] > 0 ? 1 + damping : 1) : normals.matrix[i][j] * scale[i] * scale[j];
      for (int k = 0; k < j; ++k) value -= low[i][k] * low[j][k];
      if (i != j) {
        low[i][j] = value / low[j][j];
      } else if (value > 1e-12) {
        low[i][i] = std::sqrt(value);
      } else {
        return false;
      }
    }
  }
  const auto apply = [&low, &scale](const double* right, double* out) {
    for (int i = 0; i < kShared; ++i) {
      out[i] = right[i] * scale[i];
      for (int k = 0; k < i; ++k) out[i] -= low[i][k] * out[k];
      out[i] /= low[i][i];
    }
    for (int i = kShared - 1; i >= 0; --i) {
      for (int k = i + 1; k < kShared; ++k) out[i] -= low[k][i] * out[k];
      out[i] /= low[i][i];
    }
    for (int i = 0; i < kShared; ++i) out[i] *= scale[i];
  };
  apply(normals.right, step);
  if (variance != nullptr) {
    const double unit[kShared] = {1, 0, 0, 0};
    double column[kShared];
    apply(unit, column);
    *variance = column[0];
  }
  return true;
}

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

struct Areas {
  double along, both;  // px along the row, px^2
};

/**
 * Area under the autocorrelation of the residuals, of either direction as far as it is more than chance. The offset and
 * height of each row swallow a share of the noise that is slow along the row, which is given back.
 */
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

/** Noise of one sample from successive differences, as for single rows. */
double differenceNoise(const float* samples, int rows, int width) {
  const auto meanBelow = [=](double limit) {
    double sum = 0;
    for (int row = 0; row < rows; ++row) {
      const float* at = samples + static_cast<long>(row) * width;
      for (int i = 1; i < width; ++i) sum += std::fmin(std::fabs(at[i] - at[i - 1]), limit);
    }
    return sum / (static_cast<double>(rows) * std::max(1, width - 1));
  };
  const double sigma = 0.88622692545 * meanBelow(3 * meanBelow(std::numeric_limits<double>::infinity()));
  return std::sqrt(sigma * sigma + 1.0 / 12);
}

double median(std::vector<double> values) {
  if (values.empty()) return kNaN;
  const auto middle = values.begin() + static_cast<long>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/** The line of a row fit: columns amplitude, mu, sigma or amplitude, asymmetry, resonance, gamma. */
SharedLine lineOf(Line line, const double* columns) {
  if (line == Line::gaussian) return {columns[1], 0, std::log(std::fabs(columns[2])), 0};
  return {columns[2], 0, std::log(columns[3]), 2 * std::atan2(1, columns[1])};
}

}  // namespace

void Joint::load(const float* samples, float top) {
  const std::size_t size = static_cast<std::size_t>(roi_.rows) * roi_.stride;
  double* memory = samples_.reserve(4 * size);
  roi_.y = memory, roi_.weight = memory + size, roi_.model = memory + 2 * size, roi_.residual = memory + 3 * size;
  double* perRow = rows_.reserve(3 * static_cast<std::size_t>(roi_.rows));
  roi_.height = perRow, roi_.offset = perRow + roi_.rows, roi_.firmness = perRow + 2 * roi_.rows;
  const std::size_t count = static_cast<std::size_t>(roi_.rows) * roi_.width;
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += samples[i];
  mean_ = sum / static_cast<double>(count);
  ceiling_ = top - mean_;
  total_ = 0;
  for (int row = 0; row < roi_.rows; ++row) {
    const float* from = samples + static_cast<long>(row) * roi_.width;
    double* y = roi_.y + static_cast<long>(row) * roi_.stride;
    double* weight = roi_.weight + static_cast<long>(row) * roi_.stride;
    double rowSum = 0;
    for (int i = 0; i < roi_.stride; ++i) {
      const bool inside = i < roi_.width;
      y[i] = inside ? from[i] - mean_ : 0;
      weight[i] = inside ? 1 : 0;
      rowSum += y[i];
    }
    const double rowMean = rowSum / roi_.width;
    for (int i = 0; i < roi_.width; ++i) total_ += (y[i] - rowMean) * (y[i] - rowMean);
  }
}

/** Begins at the best of the line through the mean row and that through the rows of the bands. */
bool Joint::start(const float* samples, SharedLine& line) {
  const int bands = std::min(kBands, roi_.rows), width = roi_.width;
  std::vector<float> means(static_cast<std::size_t>(bands + 1) * width, 0.0F);
  std::vector<double> middle(bands);
  for (int band = 0; band <= bands; ++band) {
    const int first = band == bands ? 0 : band * roi_.rows / bands;
    const int end = band == bands ? roi_.rows : (band + 1) * roi_.rows / bands;
    float* mean = means.data() + static_cast<std::size_t>(band) * width;
    for (int row = first; row < end; ++row) {
      for (int i = 0; i < width; ++i) mean[i] += samples[static_cast<long>(row) * width + i] / static_cast<float>(end - first);
    }
    if (band < bands) middle[band] = (first + end - 1) / 2.0 - (roi_.rows - 1) / 2.0;
  }
  constexpr int kMost = kBands + 1;
  double columns[kMost * columnsOf(Line::fano)], standardError[kMost], explained[kMost], peakToNoise[kMost];
  std::uint8_t status[kMost];
  float correlation[kMost * kLagCount];
  fit(roi_.line, {means.data(), bands + 1, width, width}, scratch_,
      {columns, standardError, explained, peakToNoise, status, correlation});
  const auto of = [this, &columns](int band) { return columns + static_cast<long>(band) * columnsOf(roi_.line); };

  std::vector<double> centres, logWidths, slopes, cosines, sines;
  for (int band = 0; band < bands; ++band) {
    if (status[band] != kOk) continue;
    const SharedLine found = lineOf(roi_.line, of(band));
    centres.push_back(found.centre);
    logWidths.push_back(found.logWidth);
    cosines.push_back(std::cos(found.phase));
    sines.push_back(std::sin(found.phase));
    for (int other = 0; other < band; ++other) {
      if (status[other] != kOk) continue;
      slopes.push_back((found.centre - lineOf(roi_.line, of(other)).centre) / (middle[band] - middle[other]));
    }
  }
  std::vector<SharedLine> candidates;
  if (status[bands] == kOk) candidates.push_back(lineOf(roi_.line, of(bands)));
  if (!centres.empty()) {
    candidates.push_back({median(centres), slopes.empty() ? 0 : median(slopes), median(logWidths),
                          std::atan2(median(sines), median(cosines))});
  }
  double least = std::numeric_limits<double>::infinity();
  for (const SharedLine& candidate : candidates) {
    Normals normals;
    vectorUnit().normals(roi_, candidate, normals);
    if (normals.cost < least) line = candidate, least = normals.cost;
  }
  return std::isfinite(least);
}

/** Levenberg and Marquardt's descent with the present weights; false when it leaves the ROI or does not arrive. */
bool Joint::minimise(SharedLine& line, Normals& normals, double tolerance) {
  const auto evaluate = [this](const SharedLine& at, Normals& out) {
    vectorUnit().normals(roi_, at, out);
    const auto hold = [&out](int held) {
      for (int k = 0; k < kShared; ++k) out.matrix[held][k] = out.matrix[k][held] = 0;
      out.right[held] = 0;
    };
    // One row has no slope, a Gaussian line no phase.
    if (roi_.rows == 1) hold(1);
    if (roi_.line == Line::gaussian) hold(3);
  };
  evaluate(line, normals);
  double damping = 1e-4;
  for (int pass = 0; pass < kSteps; ++pass) {
    double step[kShared];
    if (!solve(normals, damping, step, nullptr)) {
      damping = std::max(1e-3, damping * 10);
      if (damping > 1e6) return false;
      continue;
    }
    const double width = std::exp(line.logWidth);
    const double excess = std::max({1.0, std::fabs(step[0]) / width, std::fabs(step[1]) * roi_.rows / width,
                                    std::fabs(step[2]) / 0.4, std::fabs(step[3]) / 0.6});
    for (double& part : step) part /= excess;
    SharedLine trial{line.centre + step[0], line.slope + step[1], line.logWidth + step[2], line.phase + step[3]};
    const double trialWidth = std::exp(trial.logWidth);
    if (!(trialWidth > kNarrowest && trialWidth < kWidestInRows * roi_.width)) return false;
    if (!(trial.centre > -1.0 * roi_.width && trial.centre < 2.0 * roi_.width)) return false;
    Normals at;
    evaluate(trial, at);
    const double size = std::max({std::fabs(step[0]) / width, std::fabs(step[1]) * roi_.rows / width,
                                  std::fabs(step[2]), std::fabs(step[3])});
    if (at.cost <= normals.cost * (1 + 1e-13)) {
      line = trial;
      normals = at;
      damping = std::max(1e-7, damping * 0.1);
      if (size < tolerance) return true;
    } else {
      if (size < tolerance) {
        // The heights of the rows belong to the line that is kept.
        evaluate(line, normals);
        return true;
      }
      damping *= 10;
    }
  }
  return false;
}

/** Model and residuals of a line, for the weights. */
void Joint::follow(const SharedLine& line) {
  // The noise must follow from the typical row: that of a row's own height and offset would make the samples count more
  // that have drawn these down, and bend the line.
  roi_.typicalHeight = median({roi_.height, roi_.height + roi_.rows});
  roi_.typicalOffset = median({roi_.offset, roi_.offset + roi_.rows});
  vectorUnit().trace(roi_, line);
}

/** New weights from the residuals of the last trace; their deviation as a function of the model is learnt or kept. */
void Joint::weigh(bool learnNoise) {
  const JointRows& roi = roi_;
  if (learnNoise) {
    double low = std::numeric_limits<double>::infinity(), high = -low, sum = 0, count = 0;
    for (int row = 0; row < roi.rows; ++row) {
      for (int i = 0; i < roi.width; ++i) {
        const long at = static_cast<long>(row) * roi.stride + i;
        low = std::min(low, roi.model[at]);
        high = std::max(high, roi.model[at]);
        sum += std::fabs(roi.residual[at]);
        ++count;
      }
    }
    binsPerCount_ = kNoiseBins / std::max(high - low, 1e-9);
    firstBin_ = low + 0.5 / binsPerCount_;
    const double typical = sum / count;
    double sizes[kNoiseBins] = {}, counts[kNoiseBins] = {};
    for (int row = 0; row < roi.rows; ++row) {
      for (int i = 0; i < roi.width; ++i) {
        const long at = static_cast<long>(row) * roi.stride + i;
        const int bin = std::clamp(static_cast<int>((roi.model[at] - low) * binsPerCount_), 0, kNoiseBins - 1);
        // A grain of dust must not pass for noise.
        sizes[bin] += std::min(std::fabs(roi.residual[at]), 5 * typical);
        ++counts[bin];
      }
    }
    // Bins of few samples lean on the whole ROI.
    constexpr double kLeaning = 30;
    const double least = std::max(kLeastNoise * typical, 0.23);
    for (int bin = 0; bin < kNoiseBins; ++bin) {
      inverse_[bin] = 1 / (kSizeToDeviation * std::max(least, (sizes[bin] + kLeaning * typical) / (counts[bin] + kLeaning)));
    }
  }
  for (int row = 0; row < roi.rows; ++row) {
    for (int i = 0; i < roi.width; ++i) {
      const long at = static_cast<long>(row) * roi.stride + i;
      const double inverse = inverseNoiseAt(roi.model[at]);
      roi.weight[at] = pullOf(at, inverse).weight * inverse * inverse;
    }
  }
}

/** One over the deviation of the noise where the model has this value, linear between the bins. */
double Joint::inverseNoiseAt(double model) const {
  const double place = std::clamp((model - firstBin_) * binsPerCount_, 0.0, kNoiseBins - 1.001);
  const int bin = static_cast<int>(place);
  return inverse_[bin] + (place - bin) * (inverse_[bin + 1] - inverse_[bin]);
}

/**
 * Tukey's biweight. Where the camera's scale cuts off residuals above, those below are cut off alike, or the line would
 * lean away from the bright side.
 */
Joint::Pull Joint::pullOf(long at, double inverse) const {
  const double residual = roi_.residual[at], room = ceiling_ - (roi_.y[at] - residual);
  if (!(room > 0)) return {0, 0};
  const double part = residual * residual * (inverse * inverse / (kTukey * kTukey));
  if (part >= 1) return {0, 0};
  const double kept = 1 - part;
  const bool cut = std::fabs(residual) >= room;
  return {kept * kept * (cut ? room / std::fabs(residual) : 1), cut ? 0 : kept * (1 - 5 * part)};
}

JointAnswer Joint::measure(Line shape, const float* samples, int rows, int width, float top) {
  roi_.line = shape;
  roi_.rows = rows;
  roi_.width = width;
  roi_.stride = (width + kPadding - 1) / kPadding * kPadding;
  load(samples, top);
  JointAnswer answer{};
  std::fill_n(answer.columns, kJointColumns, kNaN);
  answer.standardError = kNaN;
  answer.residualDistance = 1;
  answer.status = kFlat;
  if (std::sqrt(total_ / (static_cast<double>(rows) * width)) < kFlatDeviation || width <= kShared + 2) return answer;
  answer.status = kNotConverged;
  SharedLine line{};
  if (!start(samples, line)) return answer;
  Normals normals{};
  bool settled = false;
  for (int round = 0; round < kRounds && !settled; ++round) {
    const double before = line.centre;
    if (!minimise(line, normals, round <= kLearningRounds ? kNear : kSettled)) return answer;
    settled = round > kLearningRounds && std::fabs(line.centre - before) < kSettled * std::exp(line.logWidth);
    follow(line);
    if (!settled) weigh(round < kLearningRounds);
  }
  judge(samples, line, normals, answer);
  return answer;
}

/** Standard error, and whether there is a line at all. */
void Joint::judge(const float* samples, const SharedLine& line, const Normals& normals, JointAnswer& answer) {
  const JointRows& roi = roi_;
  double squares = 0, influences = 0, slopes = 0, inside = 0;
  for (int row = 0; row < roi.rows; ++row) {
    for (int i = 0; i < roi.stride; ++i) {
      const long at = static_cast<long>(row) * roi.stride + i;
      double influence = 0;
      if (i < roi.width) {
        const double inverse = inverseNoiseAt(roi.model[at]);
        const Pull pull = pullOf(at, inverse);
        influence = roi.residual[at] * inverse * pull.weight;
        influences += influence * influence;
        slopes += pull.slope;
        inside += pull.weight;
        squares += roi.residual[at] * roi.residual[at];
      }
      roi.model[at] = influence;
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
  answer.standardError = std::sqrt(variance * areas.both * influences * inside) / slopes;
  answer.columns[0] = line.centre;
  answer.columns[1] = line.slope;
  answer.columns[2] = std::exp(line.logWidth);
  const double base = roi.typicalOffset + mean_;
  if (roi.line == Line::gaussian) {
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
