// The status of a row.
#pragma once
#include <cstdint>

namespace phorest {

/** The numbers are those of ROW in kernel.ts. */
enum RowStatus : std::uint8_t { kOk = 0, kFlat = 1, kNotConverged = 2, kNothingAboveThreshold = 3 };

}  // namespace phorest
