// Finds the end of the scale of a 16-bit image: cameras of 10 to 14 bits deliver their samples in the low or in the high bits.
#pragma once
#include <cstdint>
#include <vector>

namespace phorest {

/** What is known before an image is examined: the setting, and what earlier images of its series have shown. */
struct DepthKnowledge {
  int bits = 0;     // bits of the camera's samples, as configured; 0 if not configured
  int largest = 0;  // largest value of the series
  int shift = 16;   // low bits that were 0 in all values of the series
  int top = 0;      // full scale that the series has shown by clipped values; 0 for none
};

/** The same including this image, and how to interpret it. */
struct Depth {
  int saturation;  // values from here on are clipped
  int full;        // full scale
  DepthKnowledge series;
};

/**
 * Decides the depth. `counts`: pixels by value, 256 or 65536. The scale of 8-bit images ends at 255. In 16 bits a setting takes
 * precedence: samples of that many bits are in the high bits if a value is too large for the low ones, or if the low bits are 0
 * in all values. Without a setting, values whose low bits are all 0 end at the highest such value. If many pixels share the
 * largest value, which is the full scale of 8, 10, 12 or 14 bits, and no image of the series has a larger one, the camera clipped
 * there. Otherwise the scale ends at 65535, and 4095 * 16, white of 12 bits in the high bits, is equivalent.
 */
Depth decideDepth(const std::vector<std::uint32_t>& counts, const DepthKnowledge& before);

/**
 * Returns the full scale for a fit's counts: the known one, otherwise that of the fewest usual bits that hold all values of the
 * series.
 */
int fullOfSeries(const Depth& depth);

}  // namespace phorest
