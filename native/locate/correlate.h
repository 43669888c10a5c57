// Finds a chip in an image: shrinking, evening out the light, autocorrelation, patches along the chip's own axes, and normalised
// cross-correlation with drawn labels. src/calibration decides what to look for and how to interpret it.
#pragma once
#include <cstddef>
#include <vector>

#include "image/image.h"

namespace phorest {

/** Real pixels, row-major without gaps, owned by the caller. */
struct Plane {
  const float* values;
  int width;
  int height;
};

/** Computes means of factor x factor pixels from (left, top) on into width x height values, which must lie inside the image. */
void shrink(const Picture& picture, int left, int top, int factor, int width, int height, float* out);

/**
 * Replaces every pixel by its difference from the mean of the square of 2 * radius + 1 px around it, divided by that square's
 * standard deviation plus a fraction of the whole plane's, limited to -3 to 3. This removes uneven light, and one bright speck
 * cannot outweigh the rest.
 */
class Flattener {
 public:
  void run(const Plane& plane, int radius, float* out);

 private:
  std::vector<double> sums_, squares_;
};

/**
 * Computes the mean product of a plane with a shifted copy of itself, over its mean square, for lags 0 to lagY down and -lagX to
 * lagX across: [lagY + 1][2 * lagX + 1]. Uses a fast Fourier transform of the plane, padded so that the copy does not wrap
 * around.
 */
class Autocorrelation {
 public:
  void run(const Plane& plane, int lagX, int lagY, float* out);

 private:
  std::vector<float> real_, imaginary_, scratch_;
};

/**
 * Samples patches of columns x rows values, with linear interpolation. Six numbers each: x, y of the first sample (pixel i
 * extends from i to i + 1), then the steps x, y to the next column and to the next row. NaN outside the plane.
 */
void samplePatches(const Plane& plane, const double* frames, std::size_t count, int columns, int rows, float* out);

/**
 * Computes Pearson's correlation of a template with every place of every patch, [patch][dy][dx]; 0 if the patch is flat there,
 * NaN if it is not completely inside its plane.
 */
void correlatePatches(const float* patches, std::size_t count, int columns, int rows, const Plane& pattern, float* out);

}  // namespace phorest
