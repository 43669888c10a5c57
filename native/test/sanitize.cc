// The kernel without Node, for a build with sanitizers: fits of lines and of kinetics, sampling and decoding of random, extreme
// and damaged input. Every buffer has exactly the size it claims, so that an access beyond it is detected. Deterministic for a
// seed. Usage: sanitize SECONDS SEED
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "image/decode_png.h"
#include "image/jpeg_check.h"
#include "jpegs.h"
#include "locate/correlate.h"
#include "measure/kernel.h"
#include "measure/row_summary.h"
#include "measure/rows.h"
#include "random_kinetics.h"
#include "statistics/statistics.h"
#include "third_party/libdeflate/libdeflate.h"

namespace {

using Bytes = std::vector<std::uint8_t>;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "sanitize: %s\n", what.c_str());
  std::exit(1);
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  int below(int limit) { return static_cast<int>(engine_() % static_cast<std::uint64_t>(limit)); }
  double unit() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
  bool chance(double share) { return unit() < share; }

 private:
  std::mt19937_64 engine_;
};

void append32(Bytes& bytes, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
}

void appendChunk(Bytes& png, const char* type, const Bytes& data) {
  append32(png, static_cast<std::uint32_t>(data.size()));
  const std::size_t from = png.size();
  png.insert(png.end(), type, type + 4);
  png.insert(png.end(), data.begin(), data.end());
  append32(png, libdeflate_crc32(0, png.data() + from, png.size() - from));
}

/** Makes a PNG of random rows and filters, with uncompressed data. */
Bytes randomPng(Random& random) {
  const bool deep = random.chance(0.5);
  const int width = 1 + random.below(60), height = 1 + random.below(50);
  Bytes rows;
  for (int row = 0; row < height; ++row) {
    rows.push_back(static_cast<std::uint8_t>(random.chance(0.01) ? random.below(256) : random.below(5)));
    for (int i = 0; i < width * (deep ? 2 : 1); ++i) rows.push_back(static_cast<std::uint8_t>(random.below(256)));
  }
  Bytes stored = {0x78, 0x01, 1};
  const auto size = static_cast<unsigned>(rows.size());
  for (unsigned part : {size, ~size}) {
    stored.push_back(static_cast<std::uint8_t>(part));
    stored.push_back(static_cast<std::uint8_t>(part >> 8));
  }
  stored.insert(stored.end(), rows.begin(), rows.end());
  append32(stored, libdeflate_adler32(1, rows.data(), rows.size()));
  Bytes png = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, header;
  append32(header, static_cast<std::uint32_t>(width));
  append32(header, static_cast<std::uint32_t>(height));
  header.insert(header.end(), {static_cast<std::uint8_t>(deep ? 16 : 8), 0, 0, 0, 0});
  appendChunk(png, "IHDR", header);
  const int half = random.below(static_cast<int>(stored.size()));
  appendChunk(png, "IDAT", Bytes(stored.begin(), stored.begin() + half));
  appendChunk(png, "IDAT", Bytes(stored.begin() + half, stored.end()));
  appendChunk(png, "IEND", {});
  return png;
}

void damage(Bytes& bytes, Random& random) {
  for (int count = 1 + random.below(3); count > 0 && !bytes.empty(); --count) {
    const int size = static_cast<int>(bytes.size());
    const int at = random.below(random.chance(0.5) ? std::min(64, size) : size);
    const int end = std::min(size, at + 1 + random.below(8));
    switch (random.below(5)) {
      case 0: bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ (1 << random.below(8))); break;
      case 1: bytes[at] = static_cast<std::uint8_t>(random.chance(0.5) ? 255 : random.below(256)); break;
      case 2: bytes.erase(bytes.begin() + at, bytes.begin() + end); break;
      case 3: bytes.insert(bytes.begin() + at, static_cast<std::size_t>(end - at), 0); break;
      default: if (random.chance(0.2)) bytes.resize(at);
    }
  }
}

/** Corrects the checksums of the chunks, so that damage reaches the decoder behind them. */
void mend(Bytes& png) {
  for (std::size_t at = 8; at + 12 <= png.size();) {
    const std::size_t length = static_cast<std::size_t>(png[at]) << 24 | png[at + 1] << 16 | png[at + 2] << 8 | png[at + 3];
    if (length > png.size() - at - 12) return;
    const std::uint32_t crc = libdeflate_crc32(0, png.data() + at + 4, length + 4);
    for (int k = 0; k < 4; ++k) png[at + 8 + length + k] = static_cast<std::uint8_t>(crc >> (24 - 8 * k));
    at += 12 + length;
  }
}

/** Decodes sound and damaged files; returns whether the file was read. */
bool decode(phorest::PngDecoder& decoder, Random& random) {
  Bytes png = randomPng(random);
  if (random.chance(0.8)) damage(png, random);
  if (random.chance(0.7)) mend(png);
  png.shrink_to_fit();
  phorest::PngPicture picture;
  if (!decoder.open(png.data(), png.size(), picture) || picture.storedBytes() > 50'000'000) return false;
  Bytes memory(picture.storedBytes());
  return decoder.read(picture, memory.data());
}

/** Checks sound and damaged JPEG files. */
void checkJpegs(Random& random) {
  const bool progressive = random.chance(0.5);
  Bytes jpeg = progressive ? Bytes(std::begin(kProgressiveJpeg), std::end(kProgressiveJpeg))
                           : Bytes(std::begin(kBaselineJpeg), std::end(kBaselineJpeg));
  if (phorest::checkJpeg(jpeg.data(), jpeg.size()).damage != phorest::JpegDamage::none) fail("a sound JPEG is called damaged");
  damage(jpeg, random);
  if (random.chance(0.3)) damage(jpeg, random);
  jpeg.shrink_to_fit();
  const phorest::JpegFinding found = phorest::checkJpeg(jpeg.data(), jpeg.size());
  if (found.blocks < 0 || found.blocks > found.expected) fail("more blocks of a JPEG than it has");
}

/** Fills a row, from sensible to absurd: a line with noise, constants, one spike, values that are not numbers. */
void fillRow(float* row, int width, Random& random) {
  const int kind = random.below(8);
  const double centre = (random.unit() * 1.4 - 0.2) * width, size = 0.3 + random.unit() * width / 3;
  const double height = random.chance(0.3) ? -60 : 120, noise = random.unit() * 20;
  for (int i = 0; i < width; ++i) {
    const double t = (i - centre) / size;
    double value = 110 + height / (1 + t * t) + noise * (random.unit() - 0.5);
    if (kind == 1) value = 7;
    if (kind == 2) value = i == width / 2 ? 255 : 0;
    if (kind == 3) value = std::fmin(value, 120);
    if (kind == 4) value = i % 2 == 0 ? 0 : 255;
    row[i] = static_cast<float>(value);
  }
}

void fitRows(phorest::FitScratch& scratch, Random& random) {
  const int rows = 1 + random.below(20), width = 1 + random.below(random.chance(0.3) ? 8 : 400);
  std::vector<float> samples(static_cast<std::size_t>(rows) * width);
  for (int row = 0; row < rows; ++row) fillRow(samples.data() + static_cast<std::size_t>(row) * width, width, random);
  std::vector<double> columns(static_cast<std::size_t>(rows) * 6), error(rows), explained(rows), contrast(rows);
  std::vector<std::uint8_t> status(rows);
  std::vector<float> correlation(static_cast<std::size_t>(rows) * phorest::kLagCount);
  const phorest::FitRows block{samples.data(), rows, width, width};
  const phorest::FitOutputs out{columns.data(),  error.data(),  explained.data(),
                                contrast.data(), status.data(), correlation.data()};
  const int kind = random.below(4), columnCount = kind == 0 ? 5 : kind == 1 ? 6 : 1;
  switch (kind) {
    case 0: phorest::fit(phorest::Line::gaussian, block, scratch, out); break;
    case 1: phorest::fit(phorest::Line::fano, block, scratch, out); break;
    case 2: phorest::findMaxima(block, out); break;
    default: phorest::findCentres(block, out);
  }
  for (int row = 0; row < rows; ++row) {
    if (status[row] > phorest::kNothingAboveThreshold) fail("a row has no status");
    for (int k = 0; k < columnCount; ++k) {
      const double value = columns[static_cast<std::size_t>(row) * columnCount + k];
      if (status[row] == phorest::kOk && !std::isfinite(value)) fail("a measured row is not a number");
    }
  }
}

/** Memory for the answer of one task. */
struct Room {
  std::vector<std::int32_t> rowStart = {0};
  std::vector<double> columns, error, explained, contrast, saturated, distance, scores, share;
  Bytes status, lines, joined, doubts, forms;

  Room(const phorest::KernelRequest& request, const phorest::KernelTask& task) {
    for (const phorest::Roi& roi : request.rois) rowStart.push_back(rowStart.back() + request.answersOf(task, roi));
    const auto rows = static_cast<std::size_t>(rowStart.back());
    columns.resize(rows * phorest::columnsOf(task.method));
    for (auto* perRow : {&error, &explained, &contrast}) perRow->resize(rows);
    for (auto* perRoi : {&saturated, &distance}) perRoi->resize(request.rois.size());
    for (auto* perRow : {&status, &forms}) perRow->resize(rows);
    for (auto* perRoi : {&lines, &joined, &doubts}) perRoi->resize(request.rois.size());
    scores.resize(request.rois.size() * phorest::kLines);
    share.resize(request.rois.size());
  }

  phorest::KernelAnswer answer() {
    return {rowStart.data(),  columns.data(),  error.data(), explained.data(), contrast.data(), status.data(),
            saturated.data(), distance.data(), lines.data(), scores.data(),    share.data(),    joined.data(),
            doubts.data(),    forms.data(),    0,            0};
  }

  void check(const phorest::KernelRequest& request, const phorest::KernelTask& task) const {
    for (double share : saturated) {
      if (!(share >= 0 && share <= 1)) fail("a share of saturated pixels is none");
    }
    const int rois = static_cast<int>(request.rois.size()), quantities = phorest::columnsOf(task.method);
    std::vector<double> statistics(static_cast<std::size_t>(rois) * quantities * phorest::kStatistics);
    const phorest::MeasuredRows rows{columns.data(), status.data(), rowStart.data(), rois, quantities};
    phorest::RowStatistics().run(rows, statistics.data());
    std::vector<phorest::RowSummary> summaries(rois);
    phorest::RowSummaries().run({rows, error.data(), explained.data(), contrast.data(), 0, quantities - 2, 0}, summaries.data());
    for (const phorest::RowSummary& summary : summaries) {
      if (!(summary.measured >= 0 && summary.measured <= 1)) fail("a share of measured rows is none");
    }
  }
};

/** Runs complete measurements, with ROIs that lie inside the image, half outside and far away. */
void measure(phorest::Kernel& kernel, Random& random) {
  const bool deep = random.chance(0.5);
  const int width = 1 + random.below(120), height = 1 + random.below(90);
  std::vector<std::uint16_t> wide(deep ? static_cast<std::size_t>(width) * height : 0);
  Bytes narrow(deep ? 0 : static_cast<std::size_t>(width) * height);
  const int top = random.chance(0.2) ? 1 : deep ? 65536 : 256;
  for (auto& pixel : wide) pixel = static_cast<std::uint16_t>(random.below(top));
  for (auto& pixel : narrow) pixel = static_cast<std::uint8_t>(random.below(top));
  phorest::KernelRequest request;
  request.picture = {deep ? static_cast<const void*>(wide.data()) : narrow.data(), width, height, deep};
  request.angleDegrees = random.chance(0.3) ? 0 : random.chance(0.8) ? random.unit() * 4 - 2 : random.unit() * 1e6;
  request.subRois = random.chance(0.5) ? 0 : 1 + random.below(30);
  request.sampling = static_cast<phorest::Sampling>(random.below(2));
  request.scaling = static_cast<phorest::BitDepthScaling>(random.below(2));
  if (random.chance(0.5)) request.darkLevel = random.unit() * 300 - 20;
  const bool whole = request.sampling == phorest::Sampling::established;
  const double farthest = random.chance(0.1) ? 2e5 : 150;
  std::size_t pixels = 0;
  for (int count = random.below(5); count > 0; --count) {
    double y = (random.unit() * 2 - 1) * farthest, x = (random.unit() * 2 - 1) * farthest;
    if (whole) y = std::floor(y), x = std::floor(x);
    request.rois.push_back({y, x, 1 + random.below(60), 1 + random.below(150), random.chance(0.5)});
    pixels += static_cast<std::size_t>(request.rois.back().width) * request.rois.back().height;
  }
  // Tracking starts from nothing, from the result of the same image, or from any numbers.
  std::vector<std::uint16_t> reference(pixels);
  std::vector<phorest::Anchor> anchors(request.rois.size());
  if (random.chance(0.3)) {
    for (std::uint16_t& value : reference) value = static_cast<std::uint16_t>(random.below(65536));
    for (phorest::Anchor& anchor : anchors) {
      double numbers[phorest::kAnchorNumbers];
      for (double& number : numbers) number = (random.unit() - (random.chance(0.2) ? 0.5 : 0)) * (random.chance(0.5) ? 100 : 2);
      std::memcpy(&anchor, numbers, sizeof(anchor));
      anchor.frames = 1;
    }
  }
  const int tasks = 1 + random.below(3);
  std::vector<Room> rooms;
  std::vector<phorest::KernelAnswer> answers;
  for (int task = 0; task < tasks; ++task) {
    const auto line = static_cast<phorest::Line>(random.below(phorest::kLines));
    request.tasks.push_back({static_cast<phorest::Method>(random.below(6)), line, random.chance(0.2), nullptr, anchors.data(), reference.data(),
                             random.chance(0.7)});
    request.tasks.back().findsForms = request.tasks.back().method == phorest::Method::fano && random.chance(0.5);
    rooms.emplace_back(request, request.tasks.back());
  }
  for (Room& room : rooms) answers.push_back(room.answer());
  if (random.chance(0.5)) request.depth = {8 + random.below(9), random.below(65536), random.below(17), random.below(65536)};
  for (int times = random.chance(0.3) ? 3 : 1; times > 0; --times) kernel.measure(request, answers.data());
  for (int task = 0; task < tasks; ++task) rooms[task].check(request, request.tasks[task]);
}

/** Runs all steps of finding a chip, on a small random image and with places partly outside it. */
void correlate(Random& random) {
  const int width = 8 + random.below(60), height = 8 + random.below(60), factor = 1 + random.below(3);
  Bytes pixels(static_cast<std::size_t>(width) * height);
  for (auto& pixel : pixels) pixel = static_cast<std::uint8_t>(random.below(256));
  const int left = random.below(2), top = random.below(2);
  const int columns = (width - left) / factor, rows = (height - top) / factor;
  std::vector<float> values(static_cast<std::size_t>(columns) * rows), flat(values.size());
  phorest::shrink({pixels.data(), width, height, false}, left, top, factor, columns, rows, values.data());
  const phorest::Plane plane{values.data(), columns, rows};
  phorest::Flattener().run(plane, 1 + random.below(20), flat.data());
  const int lagX = 1 + random.below(columns - 1), lagY = 1 + random.below(rows - 1);
  std::vector<float> lags((lagY + 1) * (2 * static_cast<std::size_t>(lagX) + 1));
  phorest::Autocorrelation().run({flat.data(), columns, rows}, lagX, lagY, lags.data());
  if (std::fabs(lags[lagX] - 1) > 1e-3) fail("a plane is not like itself");
  const int across = 2 + random.below(12), down = 2 + random.below(12), count = 1 + random.below(3);
  std::vector<double> frames;
  for (int i = 0; i < 6 * count; ++i) frames.push_back((random.unit() - 0.3) * (i % 6 < 2 ? columns : 2));
  if (random.chance(0.1)) frames[random.below(6)] = std::numeric_limits<double>::quiet_NaN();
  std::vector<float> patches(static_cast<std::size_t>(count) * across * down);
  phorest::samplePatches(plane, frames.data(), count, across, down, patches.data());
  const int wide = 1 + random.below(across), high = 1 + random.below(down);
  std::vector<float> pattern(static_cast<std::size_t>(wide) * high);
  for (float& value : pattern) value = static_cast<float>(random.unit());
  std::vector<float> scores(static_cast<std::size_t>(count) * (across - wide + 1) * (down - high + 1));
  phorest::correlatePatches(patches.data(), count, across, down, {pattern.data(), wide, high}, scores.data());
  for (float score : scores) {
    if (std::fabs(score) > 1.01f) fail("a correlation is beyond 1");
  }
}

}  // namespace

int main(int count, char** words) {
  const double seconds = count > 1 ? std::atof(words[1]) : 10;
  Random random(count > 2 ? std::strtoull(words[2], nullptr, 10) : 1);
  phorest::PngDecoder decoder;
  phorest::FitScratch scratch;
  phorest::Kernel kernel;
  long rounds = 0, read = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  do {
    for (int i = 0; i < 20; ++i) read += decode(decoder, random);
    for (int i = 0; i < 20; ++i) checkJpegs(random);
    fitRows(scratch, random);
    measure(kernel, random);
    correlate(random);
    for (int i = 0; i < 5; ++i) {
      if (!fitRandomKinetics(random)) fail("a fit of kinetics lost points");
    }
    ++rounds;
  } while (std::chrono::steady_clock::now() < end);
  std::printf("%s: %ld rounds, %ld of %ld pictures read\n", phorest::vectorUnit().name, rounds, read, rounds * 20);
  if (read == 0) fail("no picture was read, so that nothing behind the checks was tried");
}
