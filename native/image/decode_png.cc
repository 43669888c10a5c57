#include "image/decode_png.h"

#include <cstring>
#include <new>

#include "third_party/libdeflate/libdeflate.h"

namespace phorest {
namespace {

constexpr std::uint8_t kSignature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr std::size_t kFrame = 12;  // length, type and checksum of a chunk
constexpr std::uint32_t kLongestSide = 65535;
constexpr std::size_t kMostPixels = 400'000'000;
/** Deflate never expands more; a larger claimed size only makes the reader allocate memory for nothing. */
constexpr std::size_t kMostExpansion = 1032;
/**
 * The first byte of a zlib stream with the usual window. Streams with smaller windows are rare and left to the general reader.
 */
constexpr std::uint8_t kUsualWindow = 0x78;

std::uint32_t bigEndian(const std::uint8_t* at) {
  return static_cast<std::uint32_t>(at[0]) << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

constexpr std::uint32_t named(const char (&name)[5]) {
  return static_cast<std::uint32_t>(name[0]) << 24 | name[1] << 16 | name[2] << 8 | name[3];
}

/** Whether a chunk describes an image without changing its samples. Colour tables, transparency and the like change them. */
bool isHarmless(std::uint32_t type, std::size_t size) {
  return (type == named("pHYs") && size == 9) || (type == named("gAMA") && size == 4);
}

bool readHeader(const std::uint8_t* data, std::size_t size, PngPicture& picture) {
  if (size != 13) return false;
  const std::uint32_t width = bigEndian(data), height = bigEndian(data + 4);
  const int depth = data[8], colour = data[9], compression = data[10], filter = data[11], interlace = data[12];
  if (width == 0 || height == 0 || width > kLongestSide || height > kLongestSide) return false;
  if (static_cast<std::size_t>(width) * height > kMostPixels) return false;
  if ((depth != 8 && depth != 16) || colour != 0 || compression != 0 || filter != 0 || interlace != 0) return false;
  picture = {static_cast<int>(width), static_cast<int>(height), depth == 16};
  return true;
}

}  // namespace

void PngDecoder::Free::operator()(libdeflate_decompressor* decompressor) const {
  libdeflate_free_decompressor(decompressor);
}

PngDecoder::PngDecoder() = default;
PngDecoder::~PngDecoder() = default;

bool PngDecoder::open(const std::uint8_t* bytes, std::size_t size, PngPicture& picture) {
  compressed_.clear();
  if (size < sizeof kSignature || std::memcmp(bytes, kSignature, sizeof kSignature) != 0) return false;
  bool headerSeen = false, dataEnded = false;
  std::size_t compressedSize = 0;
  for (std::size_t at = sizeof kSignature; size - at >= kFrame;) {
    const std::size_t length = bigEndian(bytes + at);
    const std::uint32_t type = bigEndian(bytes + at + 4);
    const std::uint8_t* data = bytes + at + 8;
    if (length > size - at - kFrame) return false;
    if (libdeflate_crc32(0, bytes + at + 4, length + 4) != bigEndian(data + length)) return false;
    at += kFrame + length;
    if (headerSeen == (type == named("IHDR"))) return false;
    if (type == named("IHDR")) {
      if (!readHeader(data, length, picture)) return false;
      headerSeen = true;
    } else if (type == named("IDAT")) {
      if (dataEnded) return false;
      compressed_.push_back({data, length});
      compressedSize += length;
    } else if (type == named("IEND")) {
      // What follows the end of the file does not matter.
      return length == 0 && at == size && compressedSize >= picture.storedBytes() / kMostExpansion;
    } else if (!isHarmless(type, length)) {
      return false;
    } else {
      dataEnded = !compressed_.empty();
    }
  }
  return false;
}

bool PngDecoder::read(const PngPicture& picture, std::uint8_t* memory) {
  if (compressed_.empty()) return false;
  std::size_t size = 0;
  for (const Stretch& part : compressed_) size += part.size;
  const std::uint8_t* compressed = compressed_.front().bytes;
  if (compressed_.size() > 1) {
    std::uint8_t* to = joined_.reserve(size);
    compressed = to;
    for (const Stretch& part : compressed_) {
      if (part.size > 0) std::memcpy(to, part.bytes, part.size);
      to += part.size;
    }
  }
  if (size == 0 || compressed[0] != kUsualWindow) return false;
  if (decompressor_ == nullptr) decompressor_.reset(libdeflate_alloc_decompressor());
  if (decompressor_ == nullptr) throw std::bad_alloc();
  std::size_t consumed = 0;
  // Without an output for the real size, it must be exactly the expected one.
  const libdeflate_result result = libdeflate_zlib_decompress_ex(decompressor_.get(), compressed, size, memory,
                                                                 picture.storedBytes(), &consumed, nullptr);
  if (result != LIBDEFLATE_SUCCESS || consumed != size) return false;
  return unfilter_.run(memory, picture.rowBytes(), picture.height, picture.deep ? 2 : 1);
}

}  // namespace phorest
