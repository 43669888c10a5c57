// Walks over the segments and the codes of a JPEG file: jpeg_check.cc reads the segments, jpeg_scan.cc the data of scans.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "image/jpeg_bits.h"
#include "image/jpeg_check.h"

namespace phorest {

constexpr int kJpegCoefficients = 64;

struct JpegComponent {
  int id = 0, across = 1, down = 1, quantisation = 0;  // blocks of an MCU across and down
  int columns = 0, rows = 0;                           // blocks of the component itself
  int stride = 0;                                      // blocks of a row, including those that only fill up MCUs
  int lowest[kJpegCoefficients];                       // lowest bit received of each coefficient, 99 for none
  std::vector<std::uint64_t> nonzero;                  // progressive: coefficients of each block that are not 0
};

/** A component as named in a scan. */
struct JpegScanPart {
  JpegComponent* component;
  const JpegCodes* dc;
  const JpegCodes* ac;
  int predicted;
};

/** Walks over a JPEG file, segment by segment, and over every code of its scans. */
class JpegWalk {
 public:
  JpegWalk(const std::uint8_t* bytes, std::size_t size);

  /** Returns the damage of the file, or none. Throws std::bad_alloc. */
  JpegFinding run();

 private:
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
  static bool isFrame(int marker) {
    return marker >= kStartBaseline && marker <= 0xcf && marker != kHuffman && marker != kExtension &&
           marker != kArithmetic;
  }
  /** Markers without a segment: restarts, the picture's start, and TEM. */
  static bool isBare(int marker) { return (marker >= kRestart0 && marker <= kStart) || marker == 1; }
  static bool isRestart(int marker) { return marker >= kRestart0 && marker < kStart; }

  bool is(JpegDamage damage) {
    finding_.damage = damage;
    return false;
  }
  int word(const std::uint8_t* at) const { return at[0] << 8 | at[1]; }
  // The segments, in jpeg_check.cc. The reason for false is recorded in finding_.
  bool segment(int marker, const std::uint8_t* data, std::size_t size);
  bool frame(int marker, const std::uint8_t* data, std::size_t size);
  bool codes(const std::uint8_t* data, std::size_t size);
  bool quantisation(const std::uint8_t* data, std::size_t size);
  bool scan(const std::uint8_t* data, std::size_t size);
  bool refinement();
  bool complete();

  // The data of a scan, in jpeg_scan.cc. Only entropy() and restart() record damage.
  bool entropy();
  bool restart(JpegBits& bits, int number);
  bool mcu(JpegBits& bits, int column, int row);
  bool block(JpegBits& bits, JpegScanPart& part, std::size_t index);
  bool dcValue(JpegBits& bits, JpegScanPart& part);
  bool sequential(JpegBits& bits, JpegScanPart& part);
  bool acFirst(JpegBits& bits, const JpegScanPart& part, std::uint64_t& nonzero);
  bool acRefined(JpegBits& bits, const JpegScanPart& part, std::uint64_t& nonzero);

  const std::uint8_t* at_;
  const std::uint8_t* end_;
  JpegFinding finding_;
  JpegCodes dc_[4], ac_[4];
  int quant_[4][kJpegCoefficients] = {};  // in the order of the file; 0 if there was no table
  std::vector<JpegComponent> components_;
  bool progressive_ = false;
  int mcuColumns_ = 0, mcuRows_ = 0, interval_ = 0;

  std::vector<JpegScanPart> parts_;  // of the scan that is read
  int first_ = 0, last_ = 63, high_ = 0, low_ = 0;
  unsigned endRun_ = 0;  // number of blocks that are known to have nothing more in this band
};

}  // namespace phorest
