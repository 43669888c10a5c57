// Plain gray PNG, decoded faster than a general reader can. Plain C++, no Node header.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "buffer.h"
#include "image/unfilter.h"

struct libdeflate_decompressor;

namespace phorest {

/** The content of a plain gray PNG. */
struct PngPicture {
  int width = 0, height = 0;
  bool deep = false;  // 16 bit instead of 8

  std::size_t rowBytes() const { return static_cast<std::size_t>(width) * (deep ? 2 : 1); }
  /** Returns the bytes that decoding needs: the pixels and a filter byte per row. */
  std::size_t storedBytes() const { return (rowBytes() + 1) * height; }
};

/**
 * Reads PNG files with one gray channel of 8 or 16 bits, not interlaced, complete to the last checksum, without any chunk that
 * could change the meaning of pixels. All others, including damaged ones, are left to the general reader. Keeps its memory from
 * image to image; one per thread.
 */
class PngDecoder {
 public:
  PngDecoder();
  ~PngDecoder();

  /** Whether the file is of that kind, by its chunks and their checksums. `bytes` must outlive read(). */
  bool open(const std::uint8_t* bytes, std::size_t size, PngPicture& picture);

  /**
   * Decodes the file opened last into `memory` of storedBytes(); the pixels, in this processor's byte order, come first. Returns
   * false if the compressed data are damaged; `memory` is then invalid. Throws std::bad_alloc.
   */
  bool read(const PngPicture& picture, std::uint8_t* memory);

 private:
  struct Stretch {
    const std::uint8_t* bytes;
    std::size_t size;
  };
  struct Free {
    void operator()(libdeflate_decompressor* decompressor) const;
  };
  std::unique_ptr<libdeflate_decompressor, Free> decompressor_;
  std::vector<Stretch> compressed_;
  Buffer<std::uint8_t> joined_;
  Unfilter unfilter_;
};

}  // namespace phorest
