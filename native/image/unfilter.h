// Undoes the row filters of a PNG: sixteen rows at a time, because within a row every byte depends on the one before it.
#pragma once
#include <cstddef>
#include <cstdint>

#include "buffer.h"

namespace phorest {

/** Keeps its memory from image to image; one per thread. */
class Unfilter {
 public:
  /**
   * Turns `height` stored rows (a filter byte, then `rowBytes` bytes) into rows of pixels without gaps, in place: they end up at
   * the beginning of `memory`. `pixelBytes` is 1 or 2; with 2, the most significant byte comes first in the file, and in the
   * order of this processor afterwards. Returns false for a filter that does not exist; `memory` is then invalid. Throws
   * std::bad_alloc.
   */
  bool run(std::uint8_t* memory, std::size_t rowBytes, int height, int pixelBytes);

 private:
  Buffer<std::uint8_t> scratch_;
};

}  // namespace phorest
