// Finds values by rank without sorting: an ROI has about eighty values and six medians, and an image hundreds of ROIs.
#pragma once
#include <algorithm>
#include <cstddef>

namespace phorest {

/**
 * Moves the values from `left` to before `right` that satisfy `isFirst` to the front; returns where the others begin. It has no
 * branch: for values in random order a processor mispredicts every other one, which takes longer than a swap.
 */
template <class IsFirst>
std::size_t part(double* values, std::size_t left, std::size_t right, IsFirst isFirst) {
  std::size_t to = left;
  for (std::size_t at = left; at < right; ++at) {
    const double value = values[at];
    values[at] = values[to];
    values[to] = value;
    to += isFirst(value) ? 1 : 0;
  }
  return to;
}

/** Puts the value of `rank` in its place, with none larger before and none smaller after it, between `left` and `right`. */
inline void select(double* values, std::size_t rank, std::size_t left, std::size_t right) {
  while (right - left > 1) {
    const double a = values[left], b = values[left + (right - left) / 2], c = values[right - 1];
    const double pivot = std::max(std::min(a, b), std::min(std::max(a, b), c));
    const std::size_t notBelow = part(values, left, right, [pivot](double value) { return value < pivot; });
    if (rank < notBelow) {
      right = notBelow;
      continue;
    }
    const std::size_t above = part(values, notBelow, right, [pivot](double value) { return value <= pivot; });
    if (rank < above) return;
    left = above;
  }
}

/** Returns the median of numbers in any order, and reorders them; `count` is at least 1. */
inline double medianInPlace(double* values, std::size_t count) {
  const std::size_t middle = count / 2;
  select(values, middle, 0, count);
  const double high = values[middle];
  if (count % 2 != 0) return high;
  const double low = *std::max_element(values, values + middle);
  return low + (high - low) * 0.5;
}

}  // namespace phorest
