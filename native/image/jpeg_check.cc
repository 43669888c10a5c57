#include "image/jpeg_check.h"

#include <algorithm>
#include <vector>

#include "image/jpeg_tables.h"
#include "image/jpeg_walk.h"

namespace phorest {
namespace {

constexpr int kMostComponents = 4, kMostBlocksOfMcu = 10;
constexpr std::int64_t kMostBlocks = 400'000'000 / 16;  // in the largest image that is read

}  // namespace

JpegWalk::JpegWalk(const std::uint8_t* bytes, std::size_t size) : at_(bytes), end_(bytes + size) {
  for (int table = 0; table < 2; ++table) {
    dc_[table].define(kDcCounts[table], kDcSymbols, sizeof kDcSymbols);
    ac_[table].define(kAcCounts[table], kAcSymbols[table], sizeof kAcSymbols[table]);
  }
}

JpegFinding JpegWalk::run() {
  if (end_ - at_ < 4 || at_[0] != 0xff || at_[1] != kStart) {
    is(JpegDamage::header);
    return finding_;
  }
  at_ += 2;
  for (;;) {
    // Readers skip bytes between segments, and so does this.
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

bool JpegWalk::segment(int marker, const std::uint8_t* data, std::size_t size) {
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

bool JpegWalk::frame(int marker, const std::uint8_t* data, std::size_t size) {
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
    JpegComponent component;
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
  for (JpegComponent& component : components_) {
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

bool JpegWalk::codes(const std::uint8_t* data, std::size_t size) {
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

bool JpegWalk::quantisation(const std::uint8_t* data, std::size_t size) {
  while (size > 0) {
    const int bytes = data[0] >> 4 == 0 ? 1 : 2, number = data[0] & 15;
    const std::size_t length = 1 + static_cast<std::size_t>(kJpegCoefficients) * bytes;
    if (number > 3 || data[0] >> 4 > 1 || size < length) return is(JpegDamage::header);
    for (int i = 0; i < kJpegCoefficients; ++i) {
      const int value = bytes == 1 ? data[1 + i] : word(data + 1 + 2 * i);
      if (value == 0) return is(JpegDamage::header);
      quant_[number][i] = value;
    }
    data += length;
    size -= length;
  }
  return true;
}

bool JpegWalk::scan(const std::uint8_t* data, std::size_t size) {
  if (components_.empty() || size < 1) return is(JpegDamage::header);
  const int count = data[0];
  if (count < 1 || count > kMostComponents || size < 4 + 2 * static_cast<std::size_t>(count)) return is(JpegDamage::header);
  parts_.clear();
  int blocks = 0;
  for (int i = 0; i < count; ++i) {
    const int id = data[1 + 2 * i], tables = data[2 + 2 * i];
    const auto found = std::find_if(components_.begin(), components_.end(), [id](const JpegComponent& c) { return c.id == id; });
    if (found == components_.end() || tables >> 4 > 3 || (tables & 15) > 3) return is(JpegDamage::header);
    for (const JpegScanPart& part : parts_) {
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

/** Whether the scan brings the next bits of its coefficients; records that it does. */
bool JpegWalk::refinement() {
  if (first_ > last_ || last_ > 63 || low_ > 13) return is(JpegDamage::header);
  if (progressive_ && first_ == 0 ? last_ != 0 : progressive_ && parts_.size() != 1) return is(JpegDamage::header);
  if (high_ != 0 && high_ != low_ + 1) return is(JpegDamage::header);
  for (const JpegScanPart& part : parts_) {
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

/** Whether every coefficient of every component was received to its last bit. */
bool JpegWalk::complete() {
  if (components_.empty()) return is(JpegDamage::header);
  for (const JpegComponent& component : components_) {
    for (int lowest : component.lowest) {
      if (lowest != 0) return is(JpegDamage::scans);
    }
  }
  return true;
}

JpegFinding checkJpeg(const std::uint8_t* bytes, std::size_t size) { return JpegWalk(bytes, size).run(); }

}  // namespace phorest
