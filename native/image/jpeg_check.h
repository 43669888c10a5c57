// Whether the compressed data of a JPEG file are whole. Plain C++, no Node header.
#pragma once
#include <cstddef>
#include <cstdint>

namespace phorest {

/** What is wrong with a JPEG file; the order is that of JPEG_DAMAGE in jpeg-check.ts. */
enum class JpegDamage {
  none,
  unknown,   // a kind of JPEG that is not walked (arithmetic coding, lossless, 12 bit): nothing can be said
  large,     // more blocks than any picture that is read: nothing is walked
  header,    // a segment before the data contradicts itself
  missing,   // the data of a scan end before its last block
  leftover,  // data remain after the last block of a scan
  invalid,   // a code that does not exist, or a value that no picture can have
  restart,   // restart markers are missing or out of order
  scans,     // a component, or bits of its coefficients, never came
};

struct JpegFinding {
  JpegDamage damage = JpegDamage::none;
  std::int64_t blocks = 0;    // blocks of the scan that were read before the damage
  std::int64_t expected = 0;  // blocks of that scan
};

/**
 * Reads every Huffman code of a baseline, extended or progressive JPEG file and counts blocks. A decoder fills in what is
 * missing and at most warns; here every scan must end with its last block, exactly. Bytes after the end marker count for
 * nothing, and up to kMostFiller equal bytes after the data of a scan are taken for filler. Throws std::bad_alloc.
 */
JpegFinding checkJpeg(const std::uint8_t* bytes, std::size_t size);

/** Zeros or ones that an encoder may append to reach a round length. */
constexpr std::size_t kMostFiller = 64;

}  // namespace phorest
