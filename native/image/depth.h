// Where the scale of a 16-bit picture ends: cameras of 10 to 14 bits deliver their samples in the low or in the high bits.
#pragma once
#include <cstdint>
#include <vector>

namespace phorest {

/** What is known before a picture is examined: the setting, and what the pictures of its series before it have shown. */
struct DepthKnowledge {
  int bits = 0;     // of the camera's samples, as configured; 0 where it is not
  int largest = 0;  // largest value of the series
  int shift = 16;   // low bits that were 0 in all values of the series
  int top = 0;      // full scale that the series has shown by values that were cut off there; 0 for none
};

/** The same with this picture in it, and what is to be made of it. */
struct Depth {
  int saturation;  // values from here on are cut off
  int full;        // full scale
  DepthKnowledge series;
};

/**
 * `counts`: pixels by value, 256 or 65536. 8-bit pictures end at 255. In 16 bits a setting wins: samples of that many bits
 * are in the high bits where a value is too large for the low ones, or where the low bits are 0 in all values. Without a
 * setting, values of which all low bits are 0 end at the highest value of that kind; and where many pixels share the
 * largest value, and that is the full scale of 8, 10, 12 or 14 bits and no picture of the series has a larger one, it is
 * where the camera cut off. Else the scale ends at 65535, and 4095 * 16, white of 12 bits in the high ones, is as good as that.
 */
Depth decideDepth(const std::vector<std::uint32_t>& counts, const DepthKnowledge& before);

/** Full scale for a fit's counts: the known one, else that of the fewest usual bits that hold all values of the series. */
int fullOfSeries(const Depth& depth);

}  // namespace phorest
