// Samples the pixels of one ROI from a rotated image, without rotating the whole image.
#pragma once
#include <cstdint>
#include <vector>

#include "fit/fit.h"
#include "image/image.h"

namespace phorest {

/** A rectangle of the rotated image, px. Corners may lie between pixels in precise sampling only. */
struct Roi {
  double y, x;
  int height, width;
  bool flip;
};

/** Source position of a point of the rotated image: x' = m[0] x + m[1] y + m[2], y' = m[3] x + m[4] y + m[5]. */
struct Rotation {
  double m[6];
  /** Inverse of OpenCV's getRotationMatrix2D((width // 2, height // 2), -angleDegrees, 1), in its order of operations. */
  Rotation(double angleDegrees, int width, int height);
};

class Sampler {
 public:
  Sampler(const Picture& picture, const Scale& scale, Sampling sampling, double angleDegrees);

  /** Samples rows `first` to `first + count` of the ROI, `stride` floats apart; subRois = 0 gives its pixel rows. */
  void rows(const Roi& roi, int subRois, int first, int count, float* out, int stride);

  /** Counts the samples taken, and those whose nearest raw pixel is saturated, since the last call of resetSaturation. */
  void resetSaturation() { taken_ = saturated_ = 0; }
  double saturatedShare() const { return taken_ == 0 ? 0 : static_cast<double>(saturated_) / static_cast<double>(taken_); }

 private:
  void pixelRow(const Roi& roi, int row, float* out);
  template <class Pixel>
  void preciseRow(const Roi& roi, int row, float* out);
  template <class Pixel>
  void establishedRow(const Roi& roi, int row, float* out);
  template <class Pixel>
  void plainRow(const Pixel* source, int width, float* out);

  const Picture picture_;
  const Scale& scale_;
  const Sampling sampling_;
  const Rotation rotation_;
  const bool upright_;
  std::vector<float> other_;  // the second row of a pair to interpolate
  std::vector<int> columnX_, columnY_;
  std::int64_t taken_ = 0, saturated_ = 0;
};

}  // namespace phorest
