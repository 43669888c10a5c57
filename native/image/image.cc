#include "image/image.h"

#include <cmath>

namespace phorest {
namespace {

constexpr int kTables8 = 4;  // otherwise equal neighbours would wait for each other's counter

void count8(const std::uint8_t* pixels, std::size_t size, std::vector<std::uint32_t>& counts) {
  counts.assign(256 * kTables8, 0);
  std::uint32_t* table = counts.data();
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    std::uint64_t word;
    __builtin_memcpy(&word, pixels + i, 8);
    for (int k = 0; k < 8; ++k) ++table[(k % kTables8) * 256 + ((word >> (8 * k)) & 255)];
  }
  for (; i < size; ++i) ++table[pixels[i]];
  for (int k = 1; k < kTables8; ++k) {
    for (int v = 0; v < 256; ++v) table[v] += table[k * 256 + v];
  }
  counts.resize(256);
}

void count16(const std::uint16_t* pixels, std::size_t size, std::vector<std::uint32_t>& counts) {
  counts.assign(65536 * 2, 0);
  std::uint32_t* table = counts.data();
  std::size_t i = 0;
  for (; i + 2 <= size; i += 2) {
    ++table[pixels[i]];
    ++table[65536 + pixels[i + 1]];
  }
  if (i < size) ++table[pixels[i]];
  for (int v = 0; v < 65536; ++v) table[v] += table[65536 + v];
  counts.resize(65536);
}

int valueAtRank(const std::vector<std::uint32_t>& counts, std::uint64_t rank) {
  std::uint64_t below = 0;
  for (std::size_t v = 0; v < counts.size(); ++v) {
    below += counts[v];
    if (below > rank) return static_cast<int>(v);
  }
  return static_cast<int>(counts.size()) - 1;
}

double quantile(const std::vector<std::uint32_t>& counts, std::size_t size, double share) {
  const double position = share * (static_cast<double>(size) - 1);
  const double floor = std::floor(position);
  const auto rank = static_cast<std::uint64_t>(floor);
  const double low = valueAtRank(counts, rank);
  const double high = rank + 1 < size ? valueAtRank(counts, rank + 1) : low;
  return low + (high - low) * (position - floor);
}

double twoDecimals(double value) { return std::nearbyint(value * 100) / 100; }

}  // namespace

Exposure measureExposure(const Picture& picture, std::vector<std::uint32_t>& counts) {
  const std::size_t size = picture.size();
  if (picture.deep) {
    count16(static_cast<const std::uint16_t*>(picture.pixels), size, counts);
  } else {
    count8(static_cast<const std::uint8_t*>(picture.pixels), size, counts);
  }
  std::uint64_t sum = 0;
  int minimum = -1, maximum = 0;
  for (std::size_t v = 0; v < counts.size(); ++v) {
    if (counts[v] == 0) continue;
    if (minimum < 0) minimum = static_cast<int>(v);
    maximum = static_cast<int>(v);
    sum += v * counts[v];
  }
  const double mean = static_cast<double>(sum) / static_cast<double>(size);
  const double contrast = quantile(counts, size, 0.95) - quantile(counts, size, 0.05);
  return {twoDecimals(mean), twoDecimals(contrast), minimum, maximum, quantile(counts, size, 1e-4)};
}

void prepareScale(Scale& scale, const Picture& picture, const Exposure& exposure, Sampling sampling, BitDepthScaling scaling,
                  int saturation) {
  scale.factor = 1;
  scale.offset = 0;
  scale.table.clear();
  scale.saturation = saturation;
  if (!picture.deep) return;
  if (scaling == BitDepthScaling::fixed) {
    scale.factor = 1.0 / 257;
  } else {
    const int range = exposure.maximum - exposure.minimum;
    // An image with a single value becomes black, as with OpenCV's normalize.
    scale.factor = range > 0 ? 255.0 * (1.0 / range) : 0.0;
    scale.offset = 0.0 - exposure.minimum * scale.factor;
  }
  if (sampling == Sampling::precise) return;
  scale.table.resize(65536);
  for (int v = 0; v < 65536; ++v) {
    const double value = scaling == BitDepthScaling::fixed ? v / 257.0 : v * scale.factor + scale.offset;
    scale.table[v] = static_cast<std::uint8_t>(std::fmin(255, std::fmax(0, std::nearbyint(value))));
  }
}

void prepareWholeScale(Scale& scale, const Picture& picture, int full, int saturation) {
  scale.factor = picture.deep ? 255.0 / full : 1;
  scale.offset = 0;
  scale.table.clear();
  scale.saturation = saturation;
}

}  // namespace phorest
