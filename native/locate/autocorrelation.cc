// Autocorrelation by fast Fourier transform. Both passes transform along the columns, whole rows at a time, so that the compiler
// can vectorise; in between, the plane is transposed.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "locate/correlate.h"

namespace phorest {

namespace {

std::size_t powerOfTwo(int least) {
  std::size_t size = 1;
  while (size < static_cast<std::size_t>(least)) size *= 2;
  return size;
}

/** Transforms every column of rows x columns values in place: Cooley-Tukey, radix 2. */
void transformColumns(float* real, float* imaginary, std::size_t rows, std::size_t columns) {
  for (std::size_t i = 1, j = 0; i < rows; ++i) {
    std::size_t bit = rows >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i >= j) continue;
    std::swap_ranges(real + i * columns, real + (i + 1) * columns, real + j * columns);
    std::swap_ranges(imaginary + i * columns, imaginary + (i + 1) * columns, imaginary + j * columns);
  }
  for (std::size_t half = 1; half < rows; half *= 2) {
    for (std::size_t k = 0; k < half; ++k) {
      const double angle = -std::numbers::pi * static_cast<double>(k) / static_cast<double>(half);
      const float c = static_cast<float>(std::cos(angle)), s = static_cast<float>(std::sin(angle));
      for (std::size_t start = k; start < rows; start += 2 * half) {
        float* __restrict ar = real + start * columns;
        float* __restrict ai = imaginary + start * columns;
        float* __restrict br = real + (start + half) * columns;
        float* __restrict bi = imaginary + (start + half) * columns;
        for (std::size_t x = 0; x < columns; ++x) {
          const float tr = c * br[x] - s * bi[x], ti = c * bi[x] + s * br[x];
          br[x] = ar[x] - tr;
          bi[x] = ai[x] - ti;
          ar[x] += tr;
          ai[x] += ti;
        }
      }
    }
  }
}

void transpose(std::vector<float>& plane, std::vector<float>& scratch, std::size_t rows, std::size_t columns) {
  constexpr std::size_t kBlock = 16;
  scratch.resize(plane.size());
  for (std::size_t top = 0; top < rows; top += kBlock) {
    for (std::size_t left = 0; left < columns; left += kBlock) {
      for (std::size_t y = top; y < std::min(rows, top + kBlock); ++y) {
        for (std::size_t x = left; x < std::min(columns, left + kBlock); ++x) scratch[x * rows + y] = plane[y * columns + x];
      }
    }
  }
  plane.swap(scratch);
}

}  // namespace

void Autocorrelation::run(const Plane& plane, int lagX, int lagY, float* out) {
  const std::size_t columns = powerOfTwo(plane.width + lagX), rows = powerOfTwo(plane.height + lagY);
  real_.assign(columns * rows, 0);
  imaginary_.assign(columns * rows, 0);
  double energy = 0;
  for (int y = 0; y < plane.height; ++y) {
    const float* from = plane.values + static_cast<std::size_t>(y) * plane.width;
    std::copy(from, from + plane.width, real_.data() + y * columns);
    for (int x = 0; x < plane.width; ++x) energy += static_cast<double>(from[x]) * from[x];
  }
  const auto both = [this](std::size_t high, std::size_t wide) {
    transformColumns(real_.data(), imaginary_.data(), high, wide);
    transpose(real_, scratch_, high, wide);
    transpose(imaginary_, scratch_, high, wide);
    transformColumns(real_.data(), imaginary_.data(), wide, high);
  };
  both(rows, columns);
  for (std::size_t i = 0; i < real_.size(); ++i) {
    real_[i] = real_[i] * real_[i] + imaginary_[i] * imaginary_[i];
    imaginary_[i] = 0;
  }
  // The power spectrum is symmetric, so a second forward transform is equivalent to the inverse.
  both(columns, rows);
  const double size = static_cast<double>(columns) * static_cast<double>(rows);
  const double pixels = static_cast<double>(plane.width) * plane.height;
  for (int dy = 0; dy <= lagY; ++dy) {
    for (int dx = -lagX; dx <= lagX; ++dx, ++out) {
      const std::size_t x = dx < 0 ? columns + dx : static_cast<std::size_t>(dx);
      const double overlap = static_cast<double>(plane.width - std::abs(dx)) * (plane.height - dy);
      const double value = real_[dy * columns + x] / size;
      *out = static_cast<float>(overlap > 0 && energy > 0 ? value / overlap / (energy / pixels) : 0);
    }
  }
}

}  // namespace phorest
