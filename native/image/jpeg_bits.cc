#include "image/jpeg_bits.h"

#include <algorithm>
#include <cstring>

namespace phorest {

const std::uint8_t* JpegBits::marker() const {
  const std::uint8_t* at = at_;
  while (at < end_ && (*at != 0xff || (at + 1 < end_ && at[1] == 0))) at += *at == 0xff ? 2 : 1;
  return at;
}

bool JpegBits::isAtEnd(std::size_t mostFiller) const {
  if (overrun()) return false;
  const int left = count_ - padding_;
  // Bits left in the current byte: an encoder fills it with ones, some with zeros.
  const int partial = left % 8;
  const std::uint64_t rest = buffer_ >> 56 >> (8 - partial);
  if (rest != 0 && rest != (1U << partial) - 1U) return false;
  std::size_t filler = 0;
  int first = -1;
  const auto isFiller = [&](int byte) {
    if (first < 0) first = byte;
    return byte == first && (byte == 0 || byte == 0xff) && ++filler <= mostFiller;
  };
  for (int bits = left; bits >= 8; bits -= 8) {
    if (!isFiller(static_cast<int>(buffer_ << (left - bits + partial) >> 56))) return false;
  }
  const std::uint8_t* const marked = marker();
  for (const std::uint8_t* at = at_; at < marked; at += *at == 0xff ? 2 : 1) {
    if (!isFiller(*at)) return false;
  }
  return true;
}

bool JpegCodes::define(const std::uint8_t* counts, const std::uint8_t* symbols, std::size_t symbolCount) {
  std::size_t total = 0;
  for (int length = 1; length <= 16; ++length) total += counts[length - 1];
  if (total > sizeof symbols_ || total > symbolCount) return false;
  std::memset(quick_, 0, sizeof quick_);
  std::memcpy(symbols_, symbols, total);
  std::uint32_t code = 0;
  int index = 0;
  for (int length = 1; length <= 16; ++length) {
    offset_[length] = index - static_cast<int>(code);
    for (int n = 0; n < counts[length - 1]; ++n, ++code, ++index) {
      if (code >= 1U << length) return false;
      if (length > kQuickBits) continue;
      const auto entry = static_cast<std::uint16_t>(length << 8 | symbols_[index]);
      std::fill_n(quick_ + (code << (kQuickBits - length)), 1 << (kQuickBits - length), entry);
    }
    end_[length] = code << (16 - length);
    code <<= 1;
  }
  defined_ = true;
  return true;
}

int JpegCodes::nextLong(JpegBits& bits, unsigned ahead) const {
  for (int length = kQuickBits + 1; length <= 16; ++length) {
    if (ahead >= end_[length]) continue;
    bits.skip(length);
    return symbols_[static_cast<int>(ahead >> (16 - length)) + offset_[length]];
  }
  return -1;
}

}  // namespace phorest
