#include "image/depth.h"

#include <algorithm>
#include <bit>

namespace phorest {
namespace {

constexpr int kBits = 16, kFull = 65535, kWhiteOf12Bits = 4095 * 16;

/** With more low bits that are 0, the image has few values; it does not mean that the camera has few bits. */
constexpr int kMostShift = 8, kFewestBits = 8;

/** Light was clipped if at least this many pixels have the largest value, and this many times the mean of the values below it. */
constexpr std::uint32_t kLeastPixels = 8;
constexpr int kBeneath = 16, kPileUp = 2;

/** Whether `value` is the full scale of 8, 10, 12 or 14 bits, with `shift` low bits that are 0 in all values. */
bool isFullScale(int value, int shift) {
  if (shift > kMostShift) return false;
  const unsigned end = static_cast<unsigned>(value) + (1U << shift);
  if (!std::has_single_bit(end)) return false;
  const int bits = std::countr_zero(end);
  return bits % 2 == 0 && bits < kBits && bits - shift >= kFewestBits;
}

bool isPiledUp(const std::vector<std::uint32_t>& counts, int value, int shift) {
  std::uint64_t beneath = 0;
  for (int i = 1; i <= kBeneath; ++i) {
    const int at = value - (i << shift);
    if (at >= 0) beneath += counts[static_cast<std::size_t>(at)];
  }
  const std::uint64_t here = counts[static_cast<std::size_t>(value)];
  return here >= kLeastPixels && here * kBeneath >= kPileUp * beneath;
}

/** Returns the full scale according to the setting. */
int fullOf(const DepthKnowledge& series) {
  const int full = (1 << series.bits) - 1, above = kBits - series.bits;
  const bool isHigh = series.largest > full || (above > 0 && series.shift >= above && series.shift < kBits);
  return isHigh ? full << above : full;
}

}  // namespace

Depth decideDepth(const std::vector<std::uint32_t>& counts, const DepthKnowledge& before) {
  if (counts.size() < static_cast<std::size_t>(kFull) + 1) return {255, 255, before};
  DepthKnowledge series = before;
  int largest = 0;
  unsigned used = 1U << kBits;
  for (int value = 1; value <= kFull; ++value) {
    if (counts[static_cast<std::size_t>(value)] == 0) continue;
    largest = value;
    used |= static_cast<unsigned>(value);
  }
  series.shift = std::min(series.shift, std::countr_zero(used));
  series.largest = std::max(series.largest, largest);
  if (series.bits > 0) {
    const int full = fullOf(series);
    return {full, full, series};
  }
  if (series.top < series.largest) series.top = 0;
  if (largest == series.largest && isFullScale(largest, series.shift) && isPiledUp(counts, largest, series.shift)) {
    series.top = largest;
  }
  if (series.top > 0) return {series.top, series.top, series};
  const int shift = series.shift <= kMostShift ? series.shift : 0;
  return {std::min(kWhiteOf12Bits, kFull + 1 - (1 << shift)), kFull, series};
}

int fullOfSeries(const Depth& depth) {
  constexpr int kEnd = 65535;
  if (depth.full < kEnd || depth.series.shift > 0) return std::max(1, depth.full);
  for (const int bits : {8, 10, 12, 14}) {
    if (depth.series.largest < 1 << bits) return (1 << bits) - 1;
  }
  return kEnd;
}

}  // namespace phorest
