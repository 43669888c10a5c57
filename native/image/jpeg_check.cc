#include "image/jpeg_check.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "image/jpeg_bits.h"

namespace phorest {
namespace {

constexpr int kMostComponents = 4, kCoefficients = 64, kMostBlocksOfMcu = 10;
constexpr std::int64_t kMostBlocks = 400'000'000 / 16;  // of the largest picture that is read

// Values of 8-bit samples are at most 1024 (DC) and about 930 (AC) before they are divided and rounded. Encoders that hide
// ringing at white go further up; none goes below black.
constexpr int kLeastDc = -1024 - 64, kMostDc = 1016 + 280, kMostAc = 1400;
constexpr int kMostDcBits = 11, kMostAcBits = 10;

enum Marker {
  kStartBaseline = 0xc0,
  kStartExtended = 0xc1,
  kStartProgressive = 0xc2,
  kHuffman = 0xc4,
  kExtension = 0xc8,
  kArithmetic = 0xcc,
  kRestart0 = 0xd0,
  kStart = 0xd8,
  kEnd = 0xd9,
  kScan = 0xda,
  kQuantisation = 0xdb,
  kLines = 0xdc,
  kInterval = 0xdd,
};

bool isFrame(int marker) {
  return marker >= kStartBaseline && marker <= 0xcf && marker != kHuffman && marker != kExtension && marker != kArithmetic;
}
/** Markers without a segment: restarts, the picture's start, and TEM. */
bool isBare(int marker) { return (marker >= kRestart0 && marker <= kStart) || marker == 1; }

// The tables of annex K, which pictures of motion JPEG do not repeat.
constexpr std::uint8_t kDcCounts[2][16] = {{0, 1, 5, 1, 1, 1, 1, 1, 1}, {0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1}};
constexpr std::uint8_t kDcSymbols[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
constexpr std::uint8_t kAcCounts[2][16] = {{0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d},
                                           {0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77}};
constexpr std::uint8_t kAcSymbols[2][162] = {
    {0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71,
     0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72,
     0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x34, 0x35, 0x36, 0x37,
     0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
     0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83,
     0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3,
     0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
     0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
     0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa},
    {0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22,
     0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1,
     0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x35, 0x36,
     0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
     0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a,
     0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a,
     0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba,
     0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
     0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa}};

struct Component {
  int id = 0, across = 1, down = 1, quantisation = 0;  // blocks of an MCU across and down
  int columns = 0, rows = 0;                           // blocks that the component has by itself
  int stride = 0;                                      // blocks of a row with those that only fill up MCUs
  int lowest[kCoefficients];                           // lowest bit received of each coefficient, 99 for none
  std::vector<std::uint64_t> nonzero;                  // progressive: coefficients of each block that are not 0
};

/** A component as a scan names it. */
struct Part {
  Component* component;
  const JpegCodes* dc;
  const JpegCodes* ac;
  int predicted;
};

class Walk {
 public:
  Walk(const std::uint8_t* bytes, std::size_t size) : at_(bytes), end_(bytes + size) {
    for (int table = 0; table < 2; ++table) {
      dc_[table].define(kDcCounts[table], kDcSymbols, sizeof kDcSymbols);
      ac_[table].define(kAcCounts[table], kAcSymbols[table], sizeof kAcSymbols[table]);
    }
  }
  JpegFinding run();

 private:
  bool is(JpegDamage damage) {
    finding_.damage = damage;
    return false;
  }
  int word(const std::uint8_t* at) const { return at[0] << 8 | at[1]; }
  bool segment(int marker, const std::uint8_t* data, std::size_t size);
  bool frame(int marker, const std::uint8_t* data, std::size_t size);
  bool codes(const std::uint8_t* data, std::size_t size);
  bool quantisation(const std::uint8_t* data, std::size_t size);
  bool scan(const std::uint8_t* data, std::size_t size);
  bool refinement();
  bool entropy();
  bool restart(JpegBits& bits, int number);
  bool mcu(JpegBits& bits, int column, int row);
  bool block(JpegBits& bits, Part& part, std::size_t index);
  bool dcValue(JpegBits& bits, Part& part);
  bool sequential(JpegBits& bits, Part& part);
  bool acFirst(JpegBits& bits, const Part& part, std::uint64_t& nonzero);
  bool acRefined(JpegBits& bits, const Part& part, std::uint64_t& nonzero);
  bool complete();

  const std::uint8_t* at_;
  const std::uint8_t* end_;
  JpegFinding finding_;
  JpegCodes dc_[4], ac_[4];
  int quant_[4][kCoefficients] = {};  // in the order of the file; 0 where no table came
  std::vector<Component> components_;
  bool progressive_ = false;
  int mcuColumns_ = 0, mcuRows_ = 0, interval_ = 0;

  std::vector<Part> parts_;  // of the scan that is read
  int first_ = 0, last_ = 63, high_ = 0, low_ = 0;
  unsigned endRun_ = 0;  // blocks that are known to have nothing more in this band
};

JpegFinding Walk::run() {
  at_ += 2;
  for (;;) {
    // A reader skips what is between segments, and so does this.
    while (at_ < end_ && *at_ != 0xff) ++at_;
    while (at_ < end_ && *at_ == 0xff) ++at_;
    if (at_ >= end_) break;
    const int marker = *at_++;
    if (marker == kEnd) break;
    if (marker == 0 || isBare(marker)) continue;
    if (end_ - at_ < 2) break;
    const int length = word(at_);
    if (length < 2 || length > end_ - at_) {
      is(JpegDamage::header);
      return finding_;
    }
    const std::uint8_t* data = at_ + 2;
    at_ += length;
    if (!segment(marker, data, static_cast<std::size_t>(length - 2))) return finding_;
  }
  complete();
  return finding_;
}

bool Walk::segment(int marker, const std::uint8_t* data, std::size_t size) {
  if (marker == kHuffman) return codes(data, size);
  if (marker == kQuantisation) return quantisation(data, size);
  if (marker == kScan) return scan(data, size);
  if (isFrame(marker)) return frame(marker, data, size);
  if (marker == kArithmetic || marker == kExtension || marker == kLines) return is(JpegDamage::unknown);
  if (marker == kInterval) {
    if (size < 2) return is(JpegDamage::header);
    interval_ = word(data);
  }
  return true;
}

bool Walk::frame(int marker, const std::uint8_t* data, std::size_t size) {
  if (marker > kStartProgressive) return is(JpegDamage::unknown);
  if (!components_.empty() || size < 6) return is(JpegDamage::header);
  progressive_ = marker == kStartProgressive;
  const int height = word(data + 1), width = word(data + 3), count = data[5];
  if (data[0] != 8 || height == 0) return is(JpegDamage::unknown);
  if (width == 0 || count < 1 || count > kMostComponents || size < 6 + 3 * static_cast<std::size_t>(count)) {
    return is(JpegDamage::header);
  }
  int across = 1, down = 1;
  for (int i = 0; i < count; ++i) {
    const std::uint8_t* given = data + 6 + 3 * i;
    Component component;
    component.id = given[0];
    component.across = given[1] >> 4;
    component.down = given[1] & 15;
    component.quantisation = given[2];
    if (component.across < 1 || component.across > 4 || component.down < 1 || component.down > 4 || given[2] > 3) {
      return is(JpegDamage::header);
    }
    across = std::max(across, component.across);
    down = std::max(down, component.down);
    std::fill(std::begin(component.lowest), std::end(component.lowest), 99);
    components_.push_back(component);
  }
  mcuColumns_ = (width + 8 * across - 1) / (8 * across);
  mcuRows_ = (height + 8 * down - 1) / (8 * down);
  for (Component& component : components_) {
    const auto blocks = [](int length, int part, int whole) { return ((length * part + whole - 1) / whole + 7) / 8; };
    component.columns = blocks(width, component.across, across);
    component.rows = blocks(height, component.down, down);
    component.stride = mcuColumns_ * component.across;
    const std::int64_t all = static_cast<std::int64_t>(component.stride) * mcuRows_ * component.down;
    if (all > kMostBlocks) return is(JpegDamage::large);
    if (progressive_) component.nonzero.assign(static_cast<std::size_t>(all), 0);
  }
  return true;
}

bool Walk::codes(const std::uint8_t* data, std::size_t size) {
  while (size > 0) {
    if (size < 17) return is(JpegDamage::header);
    const int kind = data[0] >> 4, number = data[0] & 15;
    std::size_t symbols = 0;
    for (int i = 1; i <= 16; ++i) symbols += data[i];
    if (kind > 1 || number > 3 || symbols > 256 || size < 17 + symbols) return is(JpegDamage::header);
    if (!(kind == 0 ? dc_ : ac_)[number].define(data + 1, data + 17, symbols)) return is(JpegDamage::header);
    data += 17 + symbols;
    size -= 17 + symbols;
  }
  return true;
}

bool Walk::quantisation(const std::uint8_t* data, std::size_t size) {
  while (size > 0) {
    const int bytes = data[0] >> 4 == 0 ? 1 : 2, number = data[0] & 15;
    const std::size_t length = 1 + static_cast<std::size_t>(kCoefficients) * bytes;
    if (number > 3 || data[0] >> 4 > 1 || size < length) return is(JpegDamage::header);
    for (int i = 0; i < kCoefficients; ++i) {
      const int value = bytes == 1 ? data[1 + i] : word(data + 1 + 2 * i);
      if (value == 0) return is(JpegDamage::header);
      quant_[number][i] = value;
    }
    data += length;
    size -= length;
  }
  return true;
}

bool Walk::scan(const std::uint8_t* data, std::size_t size) {
  if (components_.empty() || size < 1) return is(JpegDamage::header);
  const int count = data[0];
  if (count < 1 || count > kMostComponents || size < 4 + 2 * static_cast<std::size_t>(count)) return is(JpegDamage::header);
  parts_.clear();
  int blocks = 0;
  for (int i = 0; i < count; ++i) {
    const int id = data[1 + 2 * i], tables = data[2 + 2 * i];
    const auto found = std::find_if(components_.begin(), components_.end(), [id](const Component& c) { return c.id == id; });
    if (found == components_.end() || tables >> 4 > 3 || (tables & 15) > 3) return is(JpegDamage::header);
    for (const Part& part : parts_) {
      if (part.component == &*found) return is(JpegDamage::header);
    }
    parts_.push_back({&*found, &dc_[tables >> 4], &ac_[tables & 15], 0});
    blocks += found->across * found->down;
  }
  if (count > 1 && blocks > kMostBlocksOfMcu) return is(JpegDamage::header);
  const std::uint8_t* const tail = data + 1 + 2 * count;
  first_ = progressive_ ? tail[0] : 0;
  last_ = progressive_ ? tail[1] : 63;
  high_ = progressive_ ? tail[2] >> 4 : 0;
  low_ = progressive_ ? tail[2] & 15 : 0;
  return refinement() && entropy();
}

/** Whether the scan brings what is to come next of its coefficients; notes that it does. */
bool Walk::refinement() {
  if (first_ > last_ || last_ > 63 || low_ > 13) return is(JpegDamage::header);
  if (progressive_ && first_ == 0 ? last_ != 0 : progressive_ && parts_.size() != 1) return is(JpegDamage::header);
  if (high_ != 0 && high_ != low_ + 1) return is(JpegDamage::header);
  for (const Part& part : parts_) {
    for (int k = first_; k <= last_; ++k) {
      const int before = part.component->lowest[k];
      if (high_ == 0 ? before != 99 : before != high_) return is(JpegDamage::scans);
      part.component->lowest[k] = low_;
    }
    const bool usesDc = first_ == 0 && high_ == 0, usesAc = last_ > 0;
    if ((usesDc && !part.dc->isDefined()) || (usesAc && !part.ac->isDefined())) return is(JpegDamage::header);
  }
  return true;
}

/** The data of a scan: every MCU, and the restart markers between them. */
bool Walk::entropy() {
  const bool single = parts_.size() == 1;
  const Component& only = *parts_.front().component;
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
  // A restart marker here begins blocks that the picture has no place for.
  return at_ + 1 < end_ && at_[1] >= kRestart0 && at_[1] < kStart ? is(JpegDamage::restart) : true;
}

bool Walk::restart(JpegBits& bits, int number) {
  if (endRun_ != 0 || !bits.isAtEnd(kMostFiller)) return is(JpegDamage::leftover);
  const std::uint8_t* at = bits.marker();
  while (at + 1 < end_ && at[0] == 0xff && at[1] == 0xff) ++at;
  if (end_ - at < 2) return is(JpegDamage::missing);
  if (at[1] != kRestart0 + number) return is(at[1] >= kRestart0 && at[1] < kStart ? JpegDamage::restart : JpegDamage::missing);
  bits = JpegBits(at + 2, end_);
  for (Part& part : parts_) part.predicted = 0;
  return true;
}

bool Walk::mcu(JpegBits& bits, int column, int row) {
  if (parts_.size() == 1) {
    Part& part = parts_.front();
    return block(bits, part, static_cast<std::size_t>(row) * part.component->stride + column);
  }
  for (Part& part : parts_) {
    const Component& component = *part.component;
    for (int y = 0; y < component.down; ++y) {
      for (int x = 0; x < component.across; ++x) {
        const std::size_t index = static_cast<std::size_t>(row * component.down + y) * component.stride;
        if (!block(bits, part, index + column * component.across + x)) return false;
      }
    }
  }
  return true;
}

bool Walk::block(JpegBits& bits, Part& part, std::size_t index) {
  if (!progressive_) return sequential(bits, part);
  if (first_ == 0) {
    if (high_ == 0) return dcValue(bits, part);
    bits.take(1);
    return true;
  }
  std::uint64_t& nonzero = part.component->nonzero[index];
  return high_ == 0 ? acFirst(bits, part, nonzero) : acRefined(bits, part, nonzero);
}

bool Walk::dcValue(JpegBits& bits, Part& part) {
  const int length = part.dc->next(bits);
  if (length < 0 || length > kMostDcBits) return false;
  part.predicted += bits.takeSigned(length);
  const int step = quant_[part.component->quantisation][0];
  const std::int64_t value = static_cast<std::int64_t>(part.predicted) * (1 << low_) * step;
  // What is lost by shifting is less than one step of the value that is left.
  const std::int64_t slack = static_cast<std::int64_t>(step) << low_;
  return step == 0 || (value >= kLeastDc - slack && value <= kMostDc + slack);
}

bool Walk::sequential(JpegBits& bits, Part& part) {
  if (!dcValue(bits, part)) return false;
  const int* const steps = quant_[part.component->quantisation];
  for (int k = 1; k < kCoefficients;) {
    const int symbol = part.ac->next(bits);
    if (symbol < 0) return false;
    const int run = symbol >> 4, length = symbol & 15;
    if (length == 0) {
      if (run == 0) return true;
      if (run != 15 || k + 16 > kCoefficients) return false;
      k += 16;
      continue;
    }
    k += run;
    if (k >= kCoefficients || length > kMostAcBits) return false;
    if (std::abs(bits.takeSigned(length)) * steps[k] > kMostAc + steps[k]) return false;
    ++k;
  }
  return true;
}

bool Walk::acFirst(JpegBits& bits, const Part& part, std::uint64_t& nonzero) {
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

/** One more bit of each coefficient that is not 0, and those that are 0 no more (figure G.7 of the standard). */
bool Walk::acRefined(JpegBits& bits, const Part& part, std::uint64_t& nonzero) {
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

/** Whether every coefficient of every component came to its last bit. */
bool Walk::complete() {
  if (components_.empty()) return is(JpegDamage::header);
  for (const Component& component : components_) {
    for (int lowest : component.lowest) {
      if (lowest != 0) return is(JpegDamage::scans);
    }
  }
  return true;
}

}  // namespace

JpegFinding checkJpeg(const std::uint8_t* bytes, std::size_t size) {
  if (size < 4 || bytes[0] != 0xff || bytes[1] != kStart) return {JpegDamage::header, 0, 0};
  return Walk(bytes, size).run();
}

}  // namespace phorest
