// Chooses the vector unit once per process.
#include "fit/fit.h"

#include <cstdlib>
#include <cstring>

namespace phorest {

extern const VectorUnit kBaseline;
#if defined(__x86_64__)
extern const VectorUnit kAvx2;
extern const VectorUnit kAvx512;
#endif

namespace {

const VectorUnit& choose() {
  const char* wish = std::getenv("PHOREST_VECTOR_UNIT");
#if defined(__x86_64__)
  const bool lower = wish != nullptr && std::strcmp(wish, "baseline") == 0;
  const bool middle = wish != nullptr && std::strcmp(wish, "avx2") == 0;
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
  if (avx512 && !lower && !middle) return kAvx512;
  if (avx2 && !lower) return kAvx2;
#else
  static_cast<void>(wish);
#endif
  return kBaseline;
}

}  // namespace

const VectorUnit& vectorUnit() {
  static const VectorUnit& unit = choose();
  return unit;
}

void fit(Line line, const FitRows& rows, FitScratch& scratch, const FitOutputs& outputs) {
  const VectorUnit& unit = vectorUnit();
  unit.fit(line, rows, scratch.prepare(line, rows.rows, rows.width, unit.lanes), outputs);
}

}  // namespace phorest
