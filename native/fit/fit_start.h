// Loads rows into lanes, without their mean and reduced to bins, and finds the starts of their fits: the templates of the bank
// that explain most of the binned row.
#pragma once
#include "fit/fit.h"
#include "fit/lanes.h"

namespace phorest::PHOREST_TARGET {

constexpr double kNarrowestWidth = 0.5;  // px; Gaussian::walk depends on it

/** The rows that are fitted at the same time, one per lane. */
struct Group {
  Lanes* y;         // [width], without the row's mean
  Lanes* binned;    // [bins], likewise
  Lanes* residual;  // [width]
  Lanes* spare;     // [width]
  Lanes mean, total, binnedTotal, centre, width, variance;
  Mask flat, done;
  int rows[kLanes];
  int used;
};

/** Equidistant samples with the sum of their squares. */
struct Samples {
  const Lanes* y;
  int count;
  double first, spacing;
  Lanes total;
  Lanes smoothWidth;  // px; from this width on, the model's own sums need no points
};

typedef float Floats __attribute__((vector_size(4 * kLanes)));
typedef int Places __attribute__((vector_size(4 * kLanes)));

/** Transposes rows to columns: log2(kLanes) rounds of interleaving the first half of the vectors with the second. */
static inline void transpose(Floats* block) {
  Places low, high;
  for (int i = 0; i < kLanes; ++i) {
    low[i] = i / 2 + (i % 2) * kLanes;
    high[i] = low[i] + kLanes / 2;
  }
  for (int round = 1; round < kLanes; round *= 2) {
    Floats next[kLanes];
    for (int i = 0; i < kLanes / 2; ++i) {
      next[2 * i] = __builtin_shuffle(block[i], block[i + kLanes / 2], low);
      next[2 * i + 1] = __builtin_shuffle(block[i], block[i + kLanes / 2], high);
    }
    for (int i = 0; i < kLanes; ++i) block[i] = next[i];
  }
}

static inline void load(Group& group, const FitRows& rows, int bin, int bins) {
  const int n = rows.width;
  const float* in[kLanes];
  for (int lane = 0; lane < kLanes; ++lane) in[lane] = rows.samples + static_cast<long>(group.rows[lane]) * rows.stride;
  int done = 0;
  if constexpr (kLanes >= 4) {
    for (; done + kLanes <= n; done += kLanes) {
      Floats block[kLanes];
      for (int lane = 0; lane < kLanes; ++lane) __builtin_memcpy(&block[lane], in[lane] + done, sizeof(Floats));
      transpose(block);
      for (int i = 0; i < kLanes; ++i) group.y[done + i] = __builtin_convertvector(block[i], Lanes);
    }
  }
  double* out = reinterpret_cast<double*>(group.y);
  for (int i = done; i < n; ++i) {
    for (int lane = 0; lane < kLanes; ++lane) out[i * kLanes + lane] = in[lane][i];
  }
  Lanes* y = group.y;
  group.mean = sum(0, n, [y](int i) { return y[i]; }) / n;
  group.total = sum(0, n, [y, mean = group.mean](int i) {
    y[i] -= mean;
    return y[i] * y[i];
  });
  // With this comparison the limit itself is not flat, as in numpy's std() < limit.
  group.flat = group.total < kFlatDeviation * kFlatDeviation * n;
  for (int b = 0; b < bins; ++b) {
    Lanes value = y[b * bin];
    for (int i = 1; i < bin; ++i) value += y[b * bin + i];
    group.binned[b] = value / bin;
  }
  Lanes* binned = group.binned;
  const Lanes mean = sum(0, bins, [binned](int b) { return binned[b]; }) / bins;
  group.binnedTotal = sum(0, bins, [binned, mean](int b) {
    binned[b] -= mean;
    return binned[b] * binned[b];
  });
}

/** A start of a fit. */
struct Start {
  Lanes centre, width, response;
};

static inline void improve(Start& start, const Template& entry, Lanes response) {
  const Mask better = response > start.response;
  start.response = select(better, response, start.response);
  start.centre = select(better, fill(entry.centre), start.centre);
  start.width = select(better, fill(entry.width), start.width);
}

/**
 * Finds the best template of the bank, and the best one of another kind, because the template that explains a few bins best need
 * not lead to the lowest minimum: for a Gaussian the best dip and the best peak, for a Fano line another width.
 */
template <class Model>
static inline void search(const Group& group, const FitMemory& memory, Start& best, Start& other) {
  constexpr int kKinds = Model::kFano ? kMostSizes : 2;
  Start ofKind[kKinds];
  for (Start& start : ofKind) start = {fill(0.0), fill(1.0), fill(-1.0)};
  for (int candidate = 0; candidate < memory.templateCount; ++candidate) {
    const Template& entry = memory.templates[candidate];
    const double* weights = memory.weights + entry.weights;
    const Lanes* y = group.binned + entry.first;
    const Lanes even = sum(0, entry.count, [y, weights](int i) { return y[i] * weights[i]; });
    if constexpr (Model::kFano) {
      const double* odds = weights + entry.count;
      const Lanes odd = sum(0, entry.count, [y, odds](int i) { return y[i] * odds[i]; });
      improve(ofKind[entry.size], entry, even * even + odd * odd);
    } else {
      improve(ofKind[0], entry, even);
      improve(ofKind[1], entry, -even);
    }
  }
  best = other = {fill(0.0), fill(1.0), fill(-1.0)};
  for (const Start& start : ofKind) {
    const Mask first = start.response > best.response, second = start.response > other.response;
    other.response = select(first, best.response, select(second, start.response, other.response));
    other.centre = select(first, best.centre, select(second, start.centre, other.centre));
    other.width = select(first, best.width, select(second, start.width, other.width));
    best.response = select(first, start.response, best.response);
    best.centre = select(first, start.centre, best.centre);
    best.width = select(first, start.width, best.width);
  }
  for (Start* start : {&best, &other}) {
    start->centre = start->centre * memory.bin + (memory.bin - 1) / 2.0;
    start->width = larger(start->width * memory.bin, fill(kNarrowestWidth));
  }
}

}  // namespace phorest::PHOREST_TARGET
