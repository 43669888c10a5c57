// A byte of a filtered row depends on its left neighbour, so a single row can use neither vectors nor more than a fraction of the
// processor. Between rows there are only downward dependences: row k may run one pixel behind row k - 1. Sixteen rows in the
// lanes of a vector, each one pixel behind the row above, need no waiting, with any mix of filters.
#include "image/unfilter.h"

#include <bit>
#include <cstring>

namespace phorest {
namespace {

constexpr int kRows = 16;
using Bytes = std::uint8_t __attribute__((vector_size(kRows)));

enum Filter : std::uint8_t { kNone, kSub, kUp, kAverage, kPaeth };

/** Room before and after a row of scratch memory: lanes start late, and vectors extend beyond the end. */
constexpr std::size_t kBefore = 32, kBehind = 64;

/** One bit mask per filter: which lanes (rows) use it. */
struct Masks {
  Bytes sub{}, up{}, average{}, paeth{};
};

Bytes load(const std::uint8_t* from) {
  Bytes value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

void store(std::uint8_t* to, Bytes value) { std::memcpy(to, &value, sizeof value); }

/** Transposes columns to rows: four times, the first half of the vectors is interleaved with the second. */
void transpose(Bytes* rows) {
  constexpr Bytes kLow = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23};
  constexpr Bytes kHigh = {8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  for (int round = 0; round < 4; ++round) {
    Bytes mixed[kRows];
    for (int i = 0; i < kRows / 2; ++i) {
      mixed[2 * i] = __builtin_shuffle(rows[i], rows[i + kRows / 2], kLow);
      mixed[2 * i + 1] = __builtin_shuffle(rows[i], rows[i + kRows / 2], kHigh);
    }
    std::memcpy(rows, mixed, sizeof mixed);
  }
}

/** Moves every lane down by one row; the first gets `top`. */
Bytes below(Bytes lanes, std::uint8_t top) {
  constexpr Bytes kDown = {16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
  const Bytes first = {top};
  return __builtin_shuffle(lanes, first, kDown);
}

Bytes larger(Bytes a, Bytes b) { return a > b ? a : b; }
Bytes smaller(Bytes a, Bytes b) { return a < b ? a : b; }
Bytes distance(Bytes a, Bytes b) { return larger(a, b) - smaller(a, b); }

/** Returns whichever of left, up and corner is nearest to left + up - corner, in this order. */
Bytes paeth(Bytes left, Bytes up, Bytes corner) {
  const Bytes toLeft = distance(up, corner), toUp = distance(left, corner);
  // |(up - corner) + (left - corner)|: the absolute values add up if the signs agree. A sum beyond a byte loses anyway.
  const Bytes sum = toLeft + toUp, full = reinterpret_cast<Bytes>(sum < toLeft);
  const auto agree = (up > corner) == (left > corner);
  const Bytes toCorner = agree ? (sum | full) : distance(toLeft, toUp);
  const Bytes least = smaller(smaller(toLeft, toUp), toCorner);
  return toLeft == least ? left : toUp == least ? up : corner;
}

template <bool kWithPaeth>
Bytes predict(const Masks& masks, Bytes left, Bytes up, Bytes corner) {
  const Bytes average = (left & up) + ((left ^ up) >> 1);
  Bytes value = (left & masks.sub) | (up & masks.up) | (average & masks.average);
  if constexpr (kWithPaeth) value |= paeth(left, up, corner) & masks.paeth;
  return value;
}

/** Rows of scratch memory, `stride` apart, and the finished row above them. */
struct Rows {
  const std::uint8_t* filtered;
  std::uint8_t* plain;
  const std::uint8_t* above;
  std::size_t stride, rowBytes;
};

template <int kPixelBytes, bool kWithPaeth>
void undo(const Rows& rows, const Masks& masks) {
  Bytes left[kPixelBytes] = {}, corner[kPixelBytes] = {};
  for (std::size_t first = 0; first < rows.rowBytes + (kRows - 1) * kPixelBytes; first += kRows) {
    Bytes block[kRows];
    for (int k = 0; k < kRows; ++k) block[k] = load(rows.filtered + k * rows.stride + first - k * kPixelBytes);
    transpose(block);
    for (int i = 0; i < kRows; ++i) {
      const int byte = i % kPixelBytes;
      const Bytes up = below(left[byte], rows.above[first + i]);
      block[i] += predict<kWithPaeth>(masks, left[byte], up, corner[byte]);
      left[byte] = block[i];
      corner[byte] = up;
    }
    transpose(block);
    for (int k = 0; k < kRows; ++k) store(rows.plain + k * rows.stride + first - k * kPixelBytes, block[k]);
  }
}

/** Writes rows of pixels in their final form: 16-bit values in the byte order of this processor. */
void deliver(std::uint8_t* to, const std::uint8_t* from, std::size_t rowBytes, int pixelBytes) {
  if (pixelBytes == 1 || std::endian::native == std::endian::big) {
    std::memmove(to, from, rowBytes);
    return;
  }
  for (std::size_t i = 0; i < rowBytes; i += 2) {
    const std::uint8_t high = from[i], low = from[i + 1];
    to[i] = low;
    to[i + 1] = high;
  }
}

}  // namespace

bool Unfilter::run(std::uint8_t* memory, std::size_t rowBytes, int height, int pixelBytes) {
  const std::size_t stride = kBefore + (rowBytes + kRows - 1) / kRows * kRows + kBehind;
  const std::size_t size = stride * (2 * kRows + 1);
  std::uint8_t* scratch = scratch_.reserve(size);
  std::memset(scratch, 0, size);
  std::uint8_t* filtered = scratch + kBefore;
  std::uint8_t* plain = filtered + kRows * stride;
  std::uint8_t* above = plain + kRows * stride;
  for (int first = 0; first < height; first += kRows) {
    const int count = height - first < kRows ? height - first : kRows;
    const std::uint8_t* stored = memory + first * (rowBytes + 1);
    std::uint8_t* target = memory + first * rowBytes;
    Masks masks;
    bool any = false, withPaeth = false;
    for (int k = 0; k < count; ++k) {
      const std::uint8_t filter = stored[k * (rowBytes + 1)];
      if (filter > kPaeth) return false;
      any |= filter != kNone;
      withPaeth |= filter == kPaeth;
      masks.sub[k] = filter == kSub ? 255 : 0;
      masks.up[k] = filter == kUp ? 255 : 0;
      masks.average[k] = filter == kAverage ? 255 : 0;
      masks.paeth[k] = filter == kPaeth ? 255 : 0;
    }
    if (!any) {
      std::memcpy(above, stored + (count - 1) * (rowBytes + 1) + 1, rowBytes);
      for (int k = 0; k < count; ++k) deliver(target + k * rowBytes, stored + k * (rowBytes + 1) + 1, rowBytes, pixelBytes);
      continue;
    }
    for (int k = 0; k < count; ++k) std::memcpy(filtered + k * stride, stored + k * (rowBytes + 1) + 1, rowBytes);
    const Rows rows{filtered, plain, above, stride, rowBytes};
    if (pixelBytes == 1) {
      withPaeth ? undo<1, true>(rows, masks) : undo<1, false>(rows, masks);
    } else {
      withPaeth ? undo<2, true>(rows, masks) : undo<2, false>(rows, masks);
    }
    for (int k = 0; k < count; ++k) deliver(target + k * rowBytes, plain + k * stride, rowBytes, pixelBytes);
    std::memcpy(above, plain + (count - 1) * stride, rowBytes);
  }
  return true;
}

}  // namespace phorest
