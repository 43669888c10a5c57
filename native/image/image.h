// A decoded image: its brightness, its contrast, and how its values are scaled to 0 to 255.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace phorest {

/** Gray pixels, row-major without gaps, owned by the caller. */
struct Picture {
  const void* pixels;
  int width;
  int height;
  bool deep;  // 16 bit instead of 8

  std::size_t size() const { return static_cast<std::size_t>(width) * height; }
};

enum class Sampling { precise, established };
enum class BitDepthScaling { stretch, fixed };

struct Exposure {
  double brightness;  // mean of the raw pixels, 2 decimals
  double contrast;    // 95 % minus 5 % quantile of the raw pixels, 2 decimals
  int minimum;
  int maximum;
  double darkest;  // raw pixels: all but one in ten thousand, which may be broken, are brighter
};

/** Computes mean, quantiles (linear between ranks, like numpy's) and extremes from a histogram of every pixel. */
Exposure measureExposure(const Picture& picture, std::vector<std::uint32_t>& scratch);

/** value = raw * factor + offset; for established sampling the same as a table of rounded bytes. */
struct Scale {
  double factor = 1;
  double offset = 0;
  std::vector<std::uint8_t> table;  // 16 bit and established only
  int saturation = 255;             // raw values from here on count as saturated
};

/** `saturation`: raw values from this one on count as saturated; see decideDepth. */
void prepareScale(Scale& scale, const Picture& picture, const Exposure& exposure, Sampling sampling, BitDepthScaling scaling,
                  int saturation);

/**
 * Prepares the counts for fits of whole ROIs, which are compared from image to image: nothing is subtracted, and `full`, the
 * value at which a camera's scale ends, becomes 255.
 */
void prepareWholeScale(Scale& scale, const Picture& picture, int full, int saturation);

}  // namespace phorest
