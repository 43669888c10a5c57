// The fits with AVX-512 (eight doubles at a time). Standard headers come first: their inline functions must not be compiled for
// this unit, because the linker may keep that copy for every processor.
#include <cmath>
#include <cstdint>
#include <limits>

#include "fit/fit.h"

#if defined(__x86_64__)
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw,fma,prefer-vector-width=512")
#define PHOREST_TARGET avx512
#define PHOREST_LANES 8
#include "fit/fit_rows.h"
#include "fit/joint_rows.h"
#include "fit/tracking_rows.h"

namespace phorest {
extern const VectorUnit kAvx512;
const VectorUnit kAvx512{"avx512", avx512::kLanes, avx512::fit, avx512::sampleSpan<std::uint8_t>, avx512::sampleSpan<std::uint16_t>, avx512::normals,
                         avx512::trace, avx512::sizes, avx512::weigh, avx512::trackGain, avx512::trackNormals,
                         avx512::trackTrace, avx512::trackHome, avx512::trackSizes, avx512::trackWeigh, avx512::trackPulls};
}  // namespace phorest
#endif
