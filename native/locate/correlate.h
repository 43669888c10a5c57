// Finding a chip in a picture: shrinking, evening out the light, autocorrelation, patches along the chip's own axes and
// normalised cross-correlation with drawn labels. What is looked for, and what it means, is decided in src/calibration.
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

/** Means of factor x factor pixels from (left, top) on into width x height values, which must lie inside the picture. */
void shrink(const Picture& picture, int left, int top, int factor, int width, int height, float* out);

/**
 * Every pixel minus the mean of the square of 2 * radius + 1 px about it, over that square's standard deviation plus a
 * share of the whole plane's, within -3 and 3: uneven light goes, and one bright speck cannot outweigh the rest.
 */
class Flattener {
 public:
  void run(const Plane& plane, int radius, float* out);

 private:
  std::vector<double> sums_, squares_;
};

/**
 * Mean product of a plane with itself moved, over its mean square, for lags 0 to lagY down and -lagX to lagX across:
 * [lagY + 1][2 * lagX + 1]. By fast Fourier transform of the plane, padded so that it meets itself nowhere else.
 */
class Autocorrelation {
 public:
  void run(const Plane& plane, int lagX, int lagY, float* out);

 private:
  std::vector<float> real_, imaginary_, scratch_;
};

/**
 * Patches of columns x rows samples, interpolated linearly. Six numbers each: x, y of the first sample (pixel i reaches
 * from i to i + 1), then the steps x, y to the next column and to the next row. NaN outside the plane.
 */
void samplePatches(const Plane& plane, const double* frames, std::size_t count, int columns, int rows, float* out);

/**
 * Pearson's correlation of a template with every place of every patch, [patch][dy][dx]; 0 where the patch is flat there,
 * NaN where it is not wholly inside its plane.
 */
void correlatePatches(const float* patches, std::size_t count, int columns, int rows, const Plane& pattern, float* out);

}  // namespace phorest
