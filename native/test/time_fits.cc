// Times the fits alone, without Node, and lets valgrind count their instructions (see bench/kernel.ts). Usage: time_fits
// gaussian|fano WIDTH REPEATS < rows, each row WIDTH bytes. Prints the smallest us per fit of all repeats.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "fit/fit.h"

int main(int count, char** words) {
  if (count != 4) return 2;
  const phorest::Line line = std::strcmp(words[1], "fano") == 0 ? phorest::Line::fano : phorest::Line::gaussian;
  const int width = std::atoi(words[2]), repeats = std::atoi(words[3]);
  std::vector<float> samples;
  for (int byte = std::getchar(); byte != EOF; byte = std::getchar()) samples.push_back(static_cast<float>(byte));
  const int rows = width > 0 ? static_cast<int>(samples.size()) / width : 0;
  if (rows == 0) return 2;
  std::vector<double> columns(static_cast<std::size_t>(rows) * phorest::columnsOf(line)), error(rows), explained(rows), peak(rows);
  std::vector<std::uint8_t> status(rows);
  std::vector<float> correlation(static_cast<std::size_t>(rows) * phorest::kLagCount);
  phorest::FitScratch scratch;
  double least = 1e300;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    constexpr int kBatch = 256;  // as the kernel passes them
    for (int first = 0; first < rows; first += kBatch) {
      const int some = rows - first < kBatch ? rows - first : kBatch;
      phorest::fit(line, {samples.data() + static_cast<long>(first) * width, some, width, width}, scratch,
                   {columns.data() + static_cast<long>(first) * phorest::columnsOf(line), error.data() + first,
                    explained.data() + first, peak.data() + first, status.data() + first,
                    correlation.data() + static_cast<long>(first) * phorest::kLagCount});
    }
    const std::chrono::duration<double, std::micro> spent = std::chrono::steady_clock::now() - start;
    if (spent.count() / rows < least) least = spent.count() / rows;
  }
  std::printf("%s %.4f\n", phorest::vectorUnit().name, least);
  return 0;
}
