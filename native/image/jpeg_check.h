// Checks whether the compressed data of a JPEG file are complete. Plain C++, no Node header.
#pragma once
#include <cstddef>
#include <cstdint>

namespace phorest {

/** Types of damage to a JPEG file; the order is that of JPEG_DAMAGE in jpeg-check.ts. */
enum class JpegDamage {
  none,
  unknown,   // a kind of JPEG that is not checked (arithmetic coding, lossless, 12 bit): unknown
  large,     // more blocks than any image that is read: not checked
  header,    // a segment before the data contradicts itself
  missing,   // the data of a scan end before its last block
  leftover,  // data remain after the last block of a scan
  invalid,   // a code that does not exist, or a value that no image can have
  restart,   // restart markers are missing or out of order
  scans,     // a component, or bits of its coefficients, are missing
};

struct JpegFinding {
  JpegDamage damage = JpegDamage::none;
  std::int64_t blocks = 0;    // blocks of the scan that were read before the damage
  std::int64_t expected = 0;  // blocks of that scan
};

/**
 * Reads every Huffman code of a baseline, extended or progressive JPEG file and counts blocks. A decoder fills in missing data
 * and at most warns; here every scan must end exactly with its last block. Bytes after the end marker are ignored, and up to
 * kMostFiller equal bytes after the data of a scan count as filler. Throws std::bad_alloc.
 */
JpegFinding checkJpeg(const std::uint8_t* bytes, std::size_t size);

/** Zeros or ones that an encoder may append to reach a round length. */
constexpr std::size_t kMostFiller = 64;

}  // namespace phorest
