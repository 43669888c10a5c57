// The bank of starting lines: unit vectors orthogonal to a constant, so that a squared response is the fraction of a row's
// variance that the line explains. It ignores the sign, and therefore finds dips as well as peaks.
#include <cmath>

#include "fit/fit.h"

namespace phorest {
namespace {

constexpr int kBins = 45;             // enough values to find the start
constexpr double kWidestShare = 0.5;   // of the row
constexpr double kNarrowest = 0.7;     // bins
constexpr double kWidthRatio = 2.0;    // between neighbouring widths
constexpr double kSpacingGaussian = 1.5; // between neighbouring centres, in widths
constexpr double kSpacingFano = 1.8;     // wider, because the odd part equals the even part when moved
constexpr double kReachGaussian = 3.5;   // beyond that a Gaussian counts as zero, in widths

void removeMean(double* values, int count) {
  double mean = 0;
  for (int i = 0; i < count; ++i) mean += values[i];
  mean /= count;
  for (int i = 0; i < count; ++i) values[i] -= mean;
}

double product(const double* a, const double* b, int count) {
  double sum = 0;
  for (int i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

/** Scales to unit length; returns false if nothing is left of the vector. */
bool normalise(double* values, int count) {
  const double length = std::sqrt(product(values, values, count));
  if (length < 1e-9) return false;
  for (int i = 0; i < count; ++i) values[i] /= length;
  return true;
}

}  // namespace

void Bank::prepare(Line line, int bins) {
  if (bins == bins_ && line == line_) return;
  templates_.clear();
  weights_.clear();
  line_ = line;
  bins_ = bins;
  std::vector<double> even(bins), odd(bins);
  int size = 0;
  for (double width = kNarrowest; width < kWidestShare * bins && size < kMostSizes; width *= kWidthRatio, ++size) {
    const double last = bins - 1.0;
    const double spacing = line == Line::gaussian ? kSpacingGaussian : kSpacingFano;
    const double reach = line == Line::gaussian ? kReachGaussian * width : bins;
    const int steps = static_cast<int>(std::ceil(last / (spacing * width)));
    for (int step = 0; step <= steps; ++step) {
      const double centre = steps == 0 ? last / 2 : last * step / steps;
      const int first = static_cast<int>(std::fmax(0, std::ceil(centre - reach)));
      const int end = static_cast<int>(std::fmin(bins, std::floor(centre + reach) + 1)), count = end - first;
      for (int i = 0; i < bins; ++i) {
        const double t = (i - centre) / width;
        even[i] = line == Line::gaussian ? std::exp(-t * t / 2) : 1 / (1 + t * t);
        odd[i] = t * even[i];
      }
      const Template entry{centre, width, size, first, count, static_cast<int>(weights_.size())};
      if (line == Line::gaussian) {
        // Rows come without their mean, so only the length needs the centred vector; the weights keep their short range.
        std::vector<double> centred = even;
        removeMean(centred.data(), bins);
        const double length = std::sqrt(product(centred.data(), centred.data(), bins));
        if (length < 1e-9) continue;
        for (int i = first; i < end; ++i) weights_.push_back(even[i] / length);
      } else {
        double *evens = even.data() + first, *odds = odd.data() + first;
        removeMean(evens, count);
        removeMean(odds, count);
        if (!normalise(evens, count)) continue;
        const double shared = product(evens, odds, count);
        for (int i = 0; i < count; ++i) odds[i] -= shared * evens[i];
        if (!normalise(odds, count)) continue;
        weights_.insert(weights_.end(), evens, evens + count);
        weights_.insert(weights_.end(), odds, odds + count);
      }
      templates_.push_back(entry);
    }
  }
}

FitMemory FitScratch::prepare(Line line, int rows, int width, int lanes) {
  const int bin = width < 2 * kBins ? 1 : (width + kBins / 2) / kBins;
  const int bins = width / bin;
  bank_.prepare(line, bins);
  const std::size_t values = (3 * static_cast<std::size_t>(width) + bins) * lanes;
  return {bin,
          bins,
          bank_.templates().data(),
          static_cast<int>(bank_.templates().size()),
          bank_.weights().data(),
          lanes_.reserve(values),
          starts_.reserve(2 * static_cast<std::size_t>(rows)),
          unfinished_.reserve(rows)};
}

}  // namespace phorest
