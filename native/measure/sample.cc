// Two ways to sample. `precise` interpolates bilinearly at full precision. `established` reproduces OpenCV's integer models bit
// for bit: warpAffine (positions rounded to 1/32 px, weights to 1/32768) and resize (weights to 1/2048). In both, a pixel outside
// the image is black.
#include "measure/sample.h"

#include <algorithm>
#include <cmath>

namespace phorest {
namespace {

constexpr int kPositionBits = 10, kFractionBits = 5, kFraction = 1 << kFractionBits;

int roundToInt(double value) { return static_cast<int>(std::nearbyint(value)); }

template <class Pixel>
const Pixel* rowOf(const Picture& picture, long y) {
  return static_cast<const Pixel*>(picture.pixels) + y * picture.width;
}

bool has(const Picture& picture, long x, long y) {
  return x >= 0 && y >= 0 && x < picture.width && y < picture.height;
}

template <class Pixel>
int countSaturated(const Pixel* pixels, int count, int from) {
  int sum = 0;
  for (int i = 0; i < count; ++i) sum += pixels[i] >= from;
  return sum;
}

/** Returns how many steps `fraction + slope * step` stays within [0, 1), at least one. */
int stepsInside(double fraction, double slope, int most) {
  if (slope == 0) return most;
  const double steps = slope > 0 ? (1 - fraction) / slope : fraction / -slope;
  return steps >= most ? most : std::max(1, static_cast<int>(std::floor(steps)) + 1);
}

}  // namespace

Rotation::Rotation(double angleDegrees, int width, int height) {
  const double angle = -angleDegrees * (3.1415926535897932384626433832795 / 180);
  const double alpha = std::cos(angle), beta = std::sin(angle);
  const double cx = width / 2, cy = height / 2;  // whole pixels, as established
  const double f[6] = {alpha, beta, (1 - alpha) * cx - beta * cy, -beta, alpha, beta * cx + (1 - alpha) * cy};
  double d = f[0] * f[4] - f[1] * f[3];
  d = d != 0 ? 1.0 / d : 0;
  m[0] = f[4] * d;
  m[1] = f[1] * -d;
  m[3] = f[3] * -d;
  m[4] = f[0] * d;
  m[2] = -m[0] * f[2] - m[1] * f[5];
  m[5] = -m[3] * f[2] - m[4] * f[5];
}

Sampler::Sampler(const Picture& picture, const Scale& scale, Sampling sampling, double angleDegrees)
    : picture_(picture),
      scale_(scale),
      sampling_(sampling),
      rotation_(angleDegrees, picture.width, picture.height),
      upright_(rotation_.m[0] == 1 && rotation_.m[1] == 0 && rotation_.m[3] == 0 && rotation_.m[4] == 1 &&
               rotation_.m[2] == 0 && rotation_.m[5] == 0) {}

template <class Pixel>
void Sampler::plainRow(const Pixel* source, int width, float* out) {
  taken_ += width;
  saturated_ += countSaturated(source, width, scale_.saturation);
  if (!scale_.table.empty()) {
    for (int i = 0; i < width; ++i) out[i] = scale_.table[source[i]];
  } else {
    const double factor = scale_.factor, offset = scale_.offset;
    for (int i = 0; i < width; ++i) out[i] = static_cast<float>(source[i] * factor + offset);
  }
}

template <class Pixel>
void Sampler::preciseRow(const Roi& roi, int row, float* out) {
  const auto sample = [](const Pixel* upper, const Pixel* lower, const Span& span, float* target) {
    if constexpr (sizeof(Pixel) == 1) {
      vectorUnit().sample8(upper, lower, span, target);
    } else {
      vectorUnit().sample16(upper, lower, span, target);
    }
  };
  const double* m = rotation_.m;
  const double y = roi.y + row;
  const double baseX = m[1] * y + m[2], baseY = m[4] * y + m[5];
  const auto tap = [this](long tx, long ty) {
    return has(picture_, tx, ty) ? rowOf<Pixel>(picture_, ty)[tx] * scale_.factor + scale_.offset : 0.0;
  };
  taken_ += roi.width;
  for (int i = 0; i < roi.width;) {
    const double sx = m[0] * (roi.x + i) + baseX, sy = m[3] * (roi.x + i) + baseY;
    const double floorX = std::floor(sx), floorY = std::floor(sy), fx = sx - floorX, fy = sy - floorY;
    const long ix = static_cast<long>(floorX), iy = static_cast<long>(floorY);
    int steps = std::min(stepsInside(fx, m[0] - 1, roi.width - i), stepsInside(fy, m[3], roi.width - i));
    if (iy >= 0 && iy + 1 < picture_.height && ix >= 0 && ix + 1 < picture_.width) {
      steps = static_cast<int>(std::min<long>(steps, picture_.width - 1 - ix));
      const Pixel* upper = rowOf<Pixel>(picture_, iy) + ix;
      sample(upper, upper + picture_.width,
             {steps, fx, m[0] - 1, fy, m[3], static_cast<float>(scale_.factor), static_cast<float>(scale_.offset)},
             out + i);
      saturated_ += countSaturated(upper, steps, scale_.saturation);
      i += steps;
      continue;
    }
    const double top = (1 - fx) * tap(ix, iy) + fx * tap(ix + 1, iy);
    const double bottom = (1 - fx) * tap(ix, iy + 1) + fx * tap(ix + 1, iy + 1);
    out[i++] = static_cast<float>((1 - fy) * top + fy * bottom);
    if (has(picture_, ix, iy)) saturated_ += rowOf<Pixel>(picture_, iy)[ix] >= scale_.saturation;
  }
}

template <class Pixel>
void Sampler::establishedRow(const Roi& roi, int row, float* out) {
  const double* m = rotation_.m;
  const double unit = 1 << kPositionBits;
  const double y = roi.y + row;
  const int half = (1 << (kPositionBits - kFractionBits)) / 2;
  const int startX = roundToInt((m[1] * y + m[2]) * unit) + half, startY = roundToInt((m[4] * y + m[5]) * unit) + half;
  const std::uint8_t* table = scale_.table.empty() ? nullptr : scale_.table.data();
  const auto byte = [table](Pixel value) { return table == nullptr ? static_cast<int>(value) : table[value]; };
  const float factor = table == nullptr ? static_cast<float>(scale_.factor) : 1.0F;
  const auto blend = [factor](int a, int b, int c, int d, int fx, int fy) {
    const int sum = ((kFraction - fx) * a + fx * b) * (kFraction - fy) + ((kFraction - fx) * c + fx * d) * fy;
    return factor * static_cast<float>((sum * 32 + 16384) >> 15);
  };
  constexpr int kShift = kPositionBits - kFractionBits;
  const auto isInside = [&](int i) {
    const int ix = (startX + columnX_[i]) >> kPositionBits, iy = (startY + columnY_[i]) >> kPositionBits;
    return ix >= 0 && iy >= 0 && ix + 1 < picture_.width && iy + 1 < picture_.height;
  };
  taken_ += roi.width;
  int saturated = 0;
  // Positions run along a straight line: if both ends are inside the image, all of it is.
  const bool inside = isInside(0) && isInside(roi.width - 1);
  for (int i = 0; i < roi.width; ++i) {
    const int positionX = (startX + columnX_[i]) >> kShift, positionY = (startY + columnY_[i]) >> kShift;
    const int ix = positionX >> kFractionBits, iy = positionY >> kFractionBits;
    const int fx = positionX & (kFraction - 1), fy = positionY & (kFraction - 1);
    if (inside) {
      const Pixel* upper = rowOf<Pixel>(picture_, iy) + ix;
      const Pixel* lower = upper + picture_.width;
      saturated += upper[0] >= scale_.saturation;
      out[i] = blend(byte(upper[0]), byte(upper[1]), byte(lower[0]), byte(lower[1]), fx, fy);
    } else {
      const auto tap = [&](int x, int y) { return has(picture_, x, y) ? byte(rowOf<Pixel>(picture_, y)[x]) : 0; };
      if (has(picture_, ix, iy)) saturated += rowOf<Pixel>(picture_, iy)[ix] >= scale_.saturation;
      out[i] = blend(tap(ix, iy), tap(ix + 1, iy), tap(ix, iy + 1), tap(ix + 1, iy + 1), fx, fy);
    }
  }
  saturated_ += saturated;
}

void Sampler::pixelRow(const Roi& roi, int row, float* out) {
  const double y = roi.y + row;
  const bool whole = roi.x == std::floor(roi.x) && roi.y == std::floor(roi.y);
  if (upright_ && whole && roi.x >= 0 && roi.x + roi.width <= picture_.width && y >= 0 && y < picture_.height) {
    const long x = static_cast<long>(roi.x), line = static_cast<long>(y);
    if (picture_.deep) {
      plainRow(rowOf<std::uint16_t>(picture_, line) + x, roi.width, out);
    } else {
      plainRow(rowOf<std::uint8_t>(picture_, line) + x, roi.width, out);
    }
  } else if (sampling_ == Sampling::precise) {
    picture_.deep ? preciseRow<std::uint16_t>(roi, row, out) : preciseRow<std::uint8_t>(roi, row, out);
  } else {
    picture_.deep ? establishedRow<std::uint16_t>(roi, row, out) : establishedRow<std::uint8_t>(roi, row, out);
  }
  if (roi.flip) std::reverse(out, out + roi.width);
}

void Sampler::rows(const Roi& roi, int subRois, int first, int count, float* out, int stride) {
  if (sampling_ == Sampling::established && !upright_) {
    columnX_.resize(roi.width);
    columnY_.resize(roi.width);
    for (int i = 0; i < roi.width; ++i) {
      columnX_[i] = roundToInt(rotation_.m[0] * (roi.x + i) * (1 << kPositionBits));
      columnY_[i] = roundToInt(rotation_.m[3] * (roi.x + i) * (1 << kPositionBits));
    }
  } else if (sampling_ == Sampling::established) {
    // Reached only by ROIs that extend beyond an upright image; the same formula without rounding.
    columnX_.resize(roi.width);
    columnY_.assign(roi.width, 0);
    for (int i = 0; i < roi.width; ++i) columnX_[i] = (static_cast<int>(roi.x) + i) * (1 << kPositionBits);
  }
  if (subRois == 0) {
    for (int row = 0; row < count; ++row) pixelRow(roi, first + row, out + static_cast<long>(row) * stride);
    return;
  }
  other_.resize(roi.width);
  const double step = 1.0 / (static_cast<double>(subRois) / roi.height);
  for (int row = 0; row < count; ++row) {
    float* target = out + static_cast<long>(row) * stride;
    const double position = (first + row + 0.5) * step - 0.5;
    const auto clamped = [&roi](int r) { return std::min(std::max(r, 0), roi.height - 1); };
    if (sampling_ == Sampling::precise) {
      const int upper = static_cast<int>(std::floor(position));
      const float share = static_cast<float>(position - upper);
      pixelRow(roi, clamped(upper), target);
      if (share == 0) continue;
      pixelRow(roi, clamped(upper + 1), other_.data());
      for (int i = 0; i < roi.width; ++i) target[i] += share * (other_[i] - target[i]);
      continue;
    }
    const float exact = static_cast<float>(position);
    const int upper = static_cast<int>(std::floor(exact));
    const float share = exact - static_cast<float>(upper);
    const int lowerWeight = roundToInt(share * 2048.0f), upperWeight = roundToInt((1.0f - share) * 2048.0f);
    pixelRow(roi, clamped(upper), target);
    pixelRow(roi, clamped(upper + 1), other_.data());
    for (int i = 0; i < roi.width; ++i) {
      const int a = static_cast<int>(target[i]) * 128, b = static_cast<int>(other_[i]) * 128;
      target[i] = static_cast<float>((((upperWeight * a) >> 16) + ((lowerWeight * b) >> 16) + 2) >> 2);
    }
  }
}

}  // namespace phorest
