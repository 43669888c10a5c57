// Sums of products of columns over the points of a stretch, four points at a time.
#pragma once
#include <cstring>

#include "kinetics/exponential.h"

namespace phorest::kinetics {

/**
 * Adds to `to` [column][columns + 3] the products of each column with itself and all later columns, the response, the root and
 * its time.
 */
template <int kColumns>
void addProducts(const double* const* columns, const double* response, const double* root, const double* rootTime, int begin, int end,
                 double* to) {
  constexpr int kAcross = kColumns + 3;
  Four sums[kColumns][kAcross] = {};
  const double* all[kAcross];
  for (int c = 0; c < kColumns; ++c) all[c] = columns[c];
  all[kColumns] = response;
  all[kColumns + 1] = root;
  all[kColumns + 2] = rootTime;
  int i = begin;
  for (; i + 4 <= end; i += 4) {
    Four values[kAcross];
    for (int c = 0; c < kAcross; ++c) std::memcpy(&values[c], all[c] + i, sizeof values[c]);
    for (int a = 0; a < kColumns; ++a) {
      for (int b = a; b < kAcross; ++b) sums[a][b] += values[a] * values[b];
    }
  }
  for (int a = 0; a < kColumns; ++a) {
    for (int b = a; b < kAcross; ++b) {
      double sum = (sums[a][b][0] + sums[a][b][1]) + (sums[a][b][2] + sums[a][b][3]);
      for (int rest = i; rest < end; ++rest) sum += all[a][rest] * all[b][rest];
      to[a * kAcross + b] += sum;
    }
  }
}

}  // namespace phorest::kinetics
