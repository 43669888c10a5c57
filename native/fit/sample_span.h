// Bilinear samples along a stretch of pixels, compiled once per vector unit.
#pragma once
#include "fit/fit.h"

namespace phorest::PHOREST_TARGET {

/**
 * Computes a stretch of bilinear samples, in plain loops that the compiler vectorises. Unlike in the fits, no multiply-adds are
 * fused, so that every unit gives exactly the same samples.
 */
template <class Pixel>
__attribute__((optimize("fp-contract=off"))) static void sampleSpan(const Pixel* upper, const Pixel* lower, const Span& span, float* out) {
  const float fx = static_cast<float>(span.fractionX), sx = static_cast<float>(span.slopeX);
  const float fy = static_cast<float>(span.fractionY), sy = static_cast<float>(span.slopeY);
  for (int i = 0; i < span.count; ++i) {
    const float x = fx + sx * static_cast<float>(i), y = fy + sy * static_cast<float>(i);
    const float a = upper[i], b = upper[i + 1], c = lower[i], d = lower[i + 1];
    const float top = a + x * (b - a), bottom = c + x * (d - c);
    out[i] = (top + y * (bottom - top)) * span.scale + span.offset;
  }
}

}  // namespace phorest::PHOREST_TARGET
