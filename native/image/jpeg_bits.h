// The bits of a JPEG scan, and the Huffman codes in them.
#pragma once
#include <cstddef>
#include <cstdint>

namespace phorest {

/**
 * Reads bits of entropy-coded data up to the next marker. After the end it returns zeros, and overrun() says that they were used.
 */
class JpegBits {
 public:
  JpegBits(const std::uint8_t* from, const std::uint8_t* end) : at_(from), end_(end) {}

  /** Returns the next 16 bits without consuming them. */
  unsigned peek16() {
    if (count_ < 16) fill();
    return static_cast<unsigned>(buffer_ >> 48);
  }
  void skip(int bits) {
    buffer_ <<= bits;
    count_ -= bits;
  }
  /** Consumes 0 to 16 bits. */
  unsigned take(int bits) {
    if (bits == 0) return 0;
    const unsigned value = peek16() >> (16 - bits);
    skip(bits);
    return value;
  }
  /** Reads a coefficient of `bits` bits as JPEG stores it: the upper half is positive, the lower one negative. */
  int takeSigned(int bits) {
    const int value = static_cast<int>(take(bits));
    return bits == 0 || value >= 1 << (bits - 1) ? value : value - (1 << bits) + 1;
  }
  /** Whether more bits were consumed than there are. */
  bool overrun() const { return count_ < padding_; }

  /** Whether only the padding of the last byte, or at most `mostFiller` bytes of filler, is left before the marker. */
  bool isAtEnd(std::size_t mostFiller) const;

  /** Returns the byte after the data: the marker's 0xff, or the end. */
  const std::uint8_t* marker() const;

 private:
  void fill() {
    while (count_ <= 48) {
      int byte = 0;
      if (at_ < end_ && (*at_ != 0xff || (at_ + 1 < end_ && at_[1] == 0))) {
        byte = *at_;
        at_ += byte == 0xff ? 2 : 1;
      } else {
        padding_ += 8;
      }
      buffer_ |= static_cast<std::uint64_t>(byte) << (56 - count_);
      count_ += 8;
    }
  }

  const std::uint8_t* at_;
  const std::uint8_t* end_;
  std::uint64_t buffer_ = 0;
  int count_ = 0;    // bits in the buffer, its highest first
  int padding_ = 0;  // bits appended after the data since their end
};

/** A Huffman table. */
class JpegCodes {
 public:
  /**
   * Builds the table from the 16 counts and the symbols of a DHT segment; returns false if there are more codes than the bits
   * allow.
   */
  bool define(const std::uint8_t* counts, const std::uint8_t* symbols, std::size_t symbolCount);
  bool isDefined() const { return defined_; }

  /** Reads the next symbol; -1 if the bits are not a code. */
  int next(JpegBits& bits) const {
    const unsigned ahead = bits.peek16();
    const std::uint16_t quick = quick_[ahead >> (16 - kQuickBits)];
    if (quick != 0) {
      bits.skip(quick >> 8);
      return quick & 255;
    }
    return nextLong(bits, ahead);
  }

 private:
  static constexpr int kQuickBits = 9;
  int nextLong(JpegBits& bits, unsigned ahead) const;

  bool defined_ = false;
  std::uint16_t quick_[1 << kQuickBits] = {};  // length and symbol of short codes, otherwise 0
  std::uint32_t end_[17] = {};                 // by length: the first 16 bits that are not a code of that length or a shorter one
  int offset_[17] = {};                        // by length: index of its first symbol minus its first code
  std::uint8_t symbols_[256] = {};
};

}  // namespace phorest
