// The fits with the vector unit every processor of the architecture has (two doubles at a time).
#define PHOREST_TARGET baseline
#define PHOREST_LANES 2
#include "fit/fit_rows.h"
#include "fit/joint_rows.h"
#include "fit/tracking_rows.h"

namespace phorest {
extern const VectorUnit kBaseline;
const VectorUnit kBaseline{"baseline", baseline::kLanes, baseline::fit, baseline::sampleSpan<std::uint8_t>,
                           baseline::sampleSpan<std::uint16_t>, baseline::normals,
                           baseline::trace, baseline::sizes, baseline::weigh, baseline::trackGain, baseline::trackNormals,
                           baseline::trackTrace, baseline::trackHome, baseline::trackSizes, baseline::trackWeigh, baseline::trackPulls};
}  // namespace phorest
