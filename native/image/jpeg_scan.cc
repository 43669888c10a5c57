// Reads the data of a JPEG scan: every code of every block.
#include <cstdlib>

#include "image/jpeg_walk.h"

namespace phorest {
namespace {

// Values of 8-bit samples are at most 1024 (DC) and about 930 (AC) before they are divided and rounded. Encoders that hide
// ringing at white use larger ones; none goes below black.
constexpr int kLeastDc = -1024 - 64, kMostDc = 1016 + 280, kMostAc = 1400;
constexpr int kMostDcBits = 11, kMostAcBits = 10;

}  // namespace

/** Reads the data of a scan: every MCU, and the restart markers between them. */
bool JpegWalk::entropy() {
  const bool single = parts_.size() == 1;
  const JpegComponent& only = *parts_.front().component;
  const int columns = single ? only.columns : mcuColumns_, rows = single ? only.rows : mcuRows_;
  finding_.blocks = 0;
  finding_.expected = static_cast<std::int64_t>(columns) * rows;
  JpegBits bits(at_, end_);
  endRun_ = 0;
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column, ++finding_.blocks) {
      if (interval_ > 0 && finding_.blocks > 0 && finding_.blocks % interval_ == 0) {
        if (!restart(bits, static_cast<int>(finding_.blocks / interval_ - 1) % 8)) return false;
      }
      const bool sound = mcu(bits, column, row);
      if (bits.overrun()) return is(JpegDamage::missing);
      if (!sound) return is(JpegDamage::invalid);
    }
  }
  at_ = bits.marker();
  if (endRun_ != 0 || !bits.isAtEnd(kMostFiller)) return is(JpegDamage::leftover);
  // A restart marker here begins blocks for which the image has no place.
  return at_ + 1 < end_ && isRestart(at_[1]) ? is(JpegDamage::restart) : true;
}

bool JpegWalk::restart(JpegBits& bits, int number) {
  if (endRun_ != 0 || !bits.isAtEnd(kMostFiller)) return is(JpegDamage::leftover);
  const std::uint8_t* at = bits.marker();
  while (at + 1 < end_ && at[0] == 0xff && at[1] == 0xff) ++at;
  if (end_ - at < 2) return is(JpegDamage::missing);
  if (at[1] != kRestart0 + number) return is(isRestart(at[1]) ? JpegDamage::restart : JpegDamage::missing);
  bits = JpegBits(at + 2, end_);
  for (JpegScanPart& part : parts_) part.predicted = 0;
  return true;
}

bool JpegWalk::mcu(JpegBits& bits, int column, int row) {
  if (parts_.size() == 1) {
    JpegScanPart& part = parts_.front();
    return block(bits, part, static_cast<std::size_t>(row) * part.component->stride + column);
  }
  for (JpegScanPart& part : parts_) {
    const JpegComponent& component = *part.component;
    for (int y = 0; y < component.down; ++y) {
      for (int x = 0; x < component.across; ++x) {
        const std::size_t index = static_cast<std::size_t>(row * component.down + y) * component.stride;
        if (!block(bits, part, index + column * component.across + x)) return false;
      }
    }
  }
  return true;
}

bool JpegWalk::block(JpegBits& bits, JpegScanPart& part, std::size_t index) {
  if (!progressive_) return sequential(bits, part);
  if (first_ == 0) {
    if (high_ == 0) return dcValue(bits, part);
    bits.take(1);
    return true;
  }
  std::uint64_t& nonzero = part.component->nonzero[index];
  return high_ == 0 ? acFirst(bits, part, nonzero) : acRefined(bits, part, nonzero);
}

bool JpegWalk::dcValue(JpegBits& bits, JpegScanPart& part) {
  const int length = part.dc->next(bits);
  if (length < 0 || length > kMostDcBits) return false;
  part.predicted += bits.takeSigned(length);
  const int step = quant_[part.component->quantisation][0];
  const std::int64_t value = static_cast<std::int64_t>(part.predicted) * (1 << low_) * step;
  // The loss from shifting is less than one step of the remaining value.
  const std::int64_t slack = static_cast<std::int64_t>(step) << low_;
  return step == 0 || (value >= kLeastDc - slack && value <= kMostDc + slack);
}

bool JpegWalk::sequential(JpegBits& bits, JpegScanPart& part) {
  if (!dcValue(bits, part)) return false;
  const int* const steps = quant_[part.component->quantisation];
  for (int k = 1; k < kJpegCoefficients;) {
    const int symbol = part.ac->next(bits);
    if (symbol < 0) return false;
    const int run = symbol >> 4, length = symbol & 15;
    if (length == 0) {
      if (run == 0) return true;
      if (run != 15 || k + 16 > kJpegCoefficients) return false;
      k += 16;
      continue;
    }
    k += run;
    if (k >= kJpegCoefficients || length > kMostAcBits) return false;
    if (std::abs(bits.takeSigned(length)) * steps[k] > kMostAc + steps[k]) return false;
    ++k;
  }
  return true;
}

bool JpegWalk::acFirst(JpegBits& bits, const JpegScanPart& part, std::uint64_t& nonzero) {
  if (endRun_ > 0) {
    --endRun_;
    return true;
  }
  const int* const steps = quant_[part.component->quantisation];
  for (int k = first_; k <= last_;) {
    const int symbol = part.ac->next(bits);
    if (symbol < 0) return false;
    const int run = symbol >> 4, length = symbol & 15;
    if (length == 0 && run < 15) {
      endRun_ = (1U << run) + bits.take(run) - 1;
      return true;
    }
    if (length == 0) {
      if (k + 16 > last_ + 1) return false;
      k += 16;
      continue;
    }
    k += run;
    if (k > last_ || length > kMostAcBits) return false;
    const std::int64_t value = std::abs(static_cast<std::int64_t>(bits.takeSigned(length))) << low_;
    if (value * steps[k] > kMostAc + (static_cast<std::int64_t>(steps[k]) << low_)) return false;
    nonzero |= std::uint64_t{1} << k;
    ++k;
  }
  return true;
}

/**
 * Reads one more bit of each coefficient that is not 0, and the coefficients that become non-zero (figure G.7 of the standard).
 */
bool JpegWalk::acRefined(JpegBits& bits, const JpegScanPart& part, std::uint64_t& nonzero) {
  int k = first_;
  const auto isSet = [&nonzero](int at) { return (nonzero >> at & 1) != 0; };
  for (; k <= last_ && endRun_ == 0; ++k) {
    const int symbol = part.ac->next(bits);
    if (symbol < 0) return false;
    int run = symbol >> 4;
    const int length = symbol & 15;
    if (length > 1) return false;
    if (length == 1) bits.take(1);
    if (length == 0 && run < 15) {
      endRun_ = (1U << run) + bits.take(run);
      break;
    }
    for (; k <= last_; ++k) {
      if (isSet(k)) {
        bits.take(1);
      } else if (--run < 0) {
        break;
      }
    }
    if (k > last_) return false;
    if (length == 1) nonzero |= std::uint64_t{1} << k;
  }
  if (endRun_ == 0) return true;
  for (; k <= last_; ++k) {
    if (isSet(k)) bits.take(1);
  }
  --endRun_;
  return true;
}

}  // namespace phorest
