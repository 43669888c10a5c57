#include "locate/correlate.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace phorest {

namespace {

/** Fraction of the whole plane's deviation that is added to the local one, so that empty parts are not amplified. */
constexpr double kQuiet = 0.3;
constexpr float kClip = 3;
/** Relative rounding error of a sum of squares in single precision. */
constexpr double kRounding = 1e-5;

template <class Sample>
void shrinkRows(const Sample* pixels, int stride, int left, int top, int factor, int width, int height, float* out) {
  const float scale = 1.0f / (static_cast<float>(factor) * factor);
  std::vector<std::uint32_t> sums(static_cast<std::size_t>(width) * factor);
  for (int y = 0; y < height; ++y) {
    std::fill(sums.begin(), sums.end(), 0);
    for (int line = 0; line < factor; ++line) {
      const Sample* row = pixels + static_cast<std::size_t>(top + y * factor + line) * stride + left;
      for (std::size_t x = 0; x < sums.size(); ++x) sums[x] += row[x];
    }
    float* target = out + static_cast<std::size_t>(y) * width;
    for (int x = 0; x < width; ++x) {
      double total = 0;
      for (int column = 0; column < factor; ++column) total += sums[static_cast<std::size_t>(x) * factor + column];
      target[x] = static_cast<float>(total) * scale;
    }
  }
}

}  // namespace

void shrink(const Picture& picture, int left, int top, int factor, int width, int height, float* out) {
  if (picture.deep) {
    shrinkRows(static_cast<const std::uint16_t*>(picture.pixels), picture.width, left, top, factor, width, height, out);
  } else {
    shrinkRows(static_cast<const std::uint8_t*>(picture.pixels), picture.width, left, top, factor, width, height, out);
  }
}

void Flattener::run(const Plane& plane, int radius, float* out) {
  const int width = plane.width, height = plane.height;
  const std::size_t stride = static_cast<std::size_t>(width) + 1;
  sums_.assign(stride * (height + 1), 0);
  squares_.assign(stride * (height + 1), 0);
  for (int y = 0; y < height; ++y) {
    double sum = 0, square = 0;
    for (int x = 0; x < width; ++x) {
      const double value = plane.values[static_cast<std::size_t>(y) * width + x];
      sum += value;
      square += value * value;
      sums_[(y + 1) * stride + x + 1] = sums_[y * stride + x + 1] + sum;
      squares_[(y + 1) * stride + x + 1] = squares_[y * stride + x + 1] + square;
    }
  }
  const double pixels = static_cast<double>(width) * height;
  const double mean = sums_.back() / pixels;
  const double floor = kQuiet * std::sqrt(std::max(0.0, squares_.back() / pixels - mean * mean)) + 1e-6;
  for (int y = 0; y < height; ++y) {
    const std::size_t above = std::max(0, y - radius) * stride, below = std::min(height, y + radius + 1) * stride;
    for (int x = 0; x < width; ++x) {
      const int from = std::max(0, x - radius), to = std::min(width, x + radius + 1);
      const double area = static_cast<double>(to - from) * static_cast<double>(below - above) / static_cast<double>(stride);
      const auto within = [=](const std::vector<double>& table) {
        return (table[below + to] - table[below + from] - table[above + to] + table[above + from]) / area;
      };
      const double local = within(sums_), spread = std::sqrt(std::max(0.0, within(squares_) - local * local));
      const std::size_t at = static_cast<std::size_t>(y) * width + x;
      out[at] = std::clamp(static_cast<float>((plane.values[at] - local) / (spread + floor)), -kClip, kClip);
    }
  }
}

void samplePatches(const Plane& plane, const double* frames, std::size_t count, int columns, int rows, float* out) {
  constexpr float kOutside = std::numeric_limits<float>::quiet_NaN();
  for (std::size_t patch = 0; patch < count; ++patch, frames += 6) {
    for (int row = 0; row < rows; ++row) {
      // The centre of pixel i is at i + 0.5.
      const double startX = frames[0] + row * frames[4] - 0.5, startY = frames[1] + row * frames[5] - 0.5;
      for (int column = 0; column < columns; ++column, ++out) {
        const double x = startX + column * frames[2], y = startY + column * frames[3];
        if (!(x >= 0 && y >= 0 && x <= plane.width - 1 && y <= plane.height - 1)) {
          *out = kOutside;
          continue;
        }
        const int left = std::min(static_cast<int>(x), plane.width - 2), top = std::min(static_cast<int>(y), plane.height - 2);
        const float fx = static_cast<float>(x - left), fy = static_cast<float>(y - top);
        const float* upper = plane.values + static_cast<std::size_t>(top) * plane.width + left;
        const float* lower = upper + plane.width;
        const float a = upper[0] + (upper[1] - upper[0]) * fx, b = lower[0] + (lower[1] - lower[0]) * fx;
        *out = a + (b - a) * fy;
      }
    }
  }
}

// Most of the search's time is spent here: use wider vectors if the processor has them. On arm64 all processors have the same.
#if defined(__x86_64__)
__attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
void correlatePatches(const float* patches, std::size_t count, int columns, int rows, const Plane& pattern, float* out) {
  const int width = pattern.width, height = pattern.height, area = width * height;
  float mean = 0;
  for (int i = 0; i < area; ++i) mean += pattern.values[i];
  mean /= static_cast<float>(area);
  std::vector<float> centred(pattern.values, pattern.values + area);
  double energy = 0;
  for (float& value : centred) {
    value -= mean;
    energy += static_cast<double>(value) * value;
  }
  std::vector<float> products(width), sums(width), squares(width);
  for (std::size_t patch = 0; patch < count; ++patch, patches += static_cast<std::size_t>(columns) * rows) {
    // Small numbers keep the single-precision sums accurate enough: the common part of all pixels is subtracted first.
    const float base = std::isnan(patches[0]) ? 0 : patches[0];
    for (int dy = 0; dy + height <= rows; ++dy) {
      for (int dx = 0; dx + width <= columns; ++dx, ++out) {
        std::fill(products.begin(), products.end(), 0.0f);
        std::fill(sums.begin(), sums.end(), 0.0f);
        std::fill(squares.begin(), squares.end(), 0.0f);
        for (int y = 0; y < height; ++y) {
          const float* row = patches + static_cast<std::size_t>(dy + y) * columns + dx;
          const float* want = centred.data() + static_cast<std::size_t>(y) * width;
          for (int x = 0; x < width; ++x) {
            const float value = row[x] - base;
            products[x] += want[x] * value;
            sums[x] += value;
            squares[x] += value * value;
          }
        }
        double product = 0, sum = 0, square = 0;
        for (int x = 0; x < width; ++x) {
          product += products[x];
          sum += sums[x];
          square += squares[x];
        }
        const double varied = square - sum * sum / area, spread = energy * varied;
        // Below this fraction, the remaining difference is rounding.
        const bool isFlat = varied <= kRounding * square || energy <= 1e-9;
        *out = static_cast<float>(std::isnan(spread) ? spread : isFlat ? 0 : std::clamp(product / std::sqrt(spread), -1.0, 1.0));
      }
    }
  }
}

}  // namespace phorest
