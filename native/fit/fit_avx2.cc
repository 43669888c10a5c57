// The fits with AVX2 and FMA (four doubles at a time). Standard headers come first: their inline functions must not be compiled
// for this unit, because the linker may keep that copy for every processor.
#include <cmath>
#include <cstdint>
#include <limits>

#include "fit/fit.h"

#if defined(__x86_64__)
#pragma GCC target("avx2,fma")
#define PHOREST_TARGET avx2
#define PHOREST_LANES 4
#include "fit/fit_rows.h"
#include "fit/joint_rows.h"
#include "fit/tracking_rows.h"

namespace phorest {
extern const VectorUnit kAvx2;
const VectorUnit kAvx2{"avx2", avx2::kLanes, avx2::fit, avx2::sampleSpan<std::uint8_t>, avx2::sampleSpan<std::uint16_t>, avx2::normals,
                       avx2::trace, avx2::sizes, avx2::weigh, avx2::trackGain, avx2::trackNormals,
                       avx2::trackTrace, avx2::trackHome, avx2::trackSizes, avx2::trackWeigh, avx2::trackPulls};
}  // namespace phorest
#endif
