// The passes over an ROI's samples that tracking makes in addition to its normal equations; the samples of a row are in lanes.
#pragma once
#include "fit/tracking_normals.h"

namespace phorest::PHOREST_TARGET {

/**
 * Computes, around each sample, the light of the row relative to that of the line (into `sense`, times the fraction of it that is
 * more than noise), and that fraction (into `pull`). Speckle is correlated over a grain, and so known better than sample by
 * sample. The line's light is in `gain`, the reference in `kept`.
 */
static void lightAround(const TrackRows& roi, const Anchor& anchor, int row, double rowGain) {
  const int reach = reachOfGrain(anchor);
  const long first = static_cast<long>(row) * roi.stride;
  const double speckle = anchor.speckle * anchor.speckle, doubt = kLineDoubt * (roi.least / kLeastVariance);
  double light = 0, reference = 0, samples = 0;
  const auto add = [&](int i, double sign) {
    if (i < 0 || i >= roi.width || !(roi.weight[first + i] > 0)) return;
    light += sign * roi.gain[first + i], reference += sign * roi.kept[first + i], samples += sign;
  };
  for (int i = 0; i < reach; ++i) add(i, 1);
  for (int i = 0; i < roi.stride; ++i) {
    add(i + reach, 1);
    add(i - reach - 1, -1);
    const double mean = rowGain * light, grain = speckle * mean * mean;
    const double camera = anchor.floor * samples + anchor.perCount * mean, least = roi.least * samples;
    const double noise = roi.together * (camera > least ? camera : least) / anchor.frames + doubt * samples * samples;
    // What the neighbouring samples add to the sample itself: nothing if they have the same noise.
    const double beside = samples - roi.together, known = beside > 0 && light > 0 ? grain * beside / samples : 0;
    const double share = known > 0 ? known / (known + noise) : 0;
    roi.pull[first + i] = share;
    roi.sense[first + i] = share > 0 ? share * reference / light : 0;
  }
}

/**
 * Separates the reference's light per light of the line for each sample (a Wiener filter): it is used as far as the reference
 * exceeds its own noise; beyond that the light of the neighbourhood is used, as far as that is known; beyond both, the mean of
 * the row. `kept` holds the reference before.
 */
template <Line shape>
static void gainOf(const TrackRows& roi, const Anchor& anchor) {
  const PreparedLine line = lineAt(shape, anchor, {}, 0);
  const double speckle = anchor.speckle * anchor.speckle, sign = signOf(anchor);
  for (int row = 0; row < roi.rows; ++row) {
    const RowLine along(line, row - (roi.rows - 1) / 2.0);
    const long first = static_cast<long>(row) * roi.stride;
    Lanes lights{}, references{};
    for (int i = 0; i < roi.stride; i += kLanes) {
      Lanes unused[3];
      const Lanes light = lightAt<shape>(along, along.at(i), anchor.ground, sign, unused);
      const Mask known = loadLanes(roi.weight + first + i) > 0.0;
      lights += select(known, light, fill(0.0));
      references += select(known, loadLanes(roi.kept + first + i), fill(0.0));
      storeLanes(roi.gain + first + i, light);
    }
    const double sum = across(lights), rowGain = sum > 0 ? across(references) / sum : 0;
    const bool lit = rowGain > 0;
    roi.rowGain[row] = lit ? rowGain : 0;
    lightAround(roi, anchor, row, rowGain);
    for (int i = 0; i < roi.stride; i += kLanes) {
      const Lanes light = loadLanes(roi.gain + first + i), mean = rowGain * light;
      const Mask known = loadLanes(roi.weight + first + i) > 0.0;
      const Lanes noise = larger(anchor.floor + anchor.perCount * mean, fill(roi.least));
      const Lanes grain = speckle * mean * mean, share = grain / (grain + noise / anchor.frames + kLineDoubt * (roi.least / kLeastVariance));
      const Lanes own = share * loadLanes(roi.kept + first + i), around = loadLanes(roi.sense + first + i) * light;
      const Lanes base = lit ? select(known, rowGain * (1.0 - share) * (1.0 - loadLanes(roi.pull + first + i)), fill(0.0)) : fill(0.0);
      const Lanes kept = lit ? select(known, own + (1.0 - share) * around, fill(0.0)) : fill(0.0);
      storeLanes(roi.base + first + i, base);
      storeLanes(roi.kept + first + i, kept);
      storeLanes(roi.gain + first + i, base + kept / light);
      storeLanes(roi.weight + first + i, lit ? select(known, 1.0 / noise, fill(0.0)) : fill(0.0));
    }
  }
}

/**
 * Writes the line's prediction, the residual and what the reference does not know, using the scales of the last normal equations.
 */
template <Line shape>
static void traceTracked(const TrackRows& roi, const Anchor& anchor, const TrackedLine& at) {
  const PreparedLine before = lineAt(shape, anchor, at, 0), now = lineAt(shape, anchor, at, at.by[0]);
  const double ground = anchor.ground + at.by[5], sign = signOf(anchor), speckle = anchor.speckle * anchor.speckle;
  /** In widths: over smaller shifts, what was dark does not become bright. */
  constexpr double kHere = 0.1;
  bool here = !roi.absolute && __builtin_fabs(at.by[0]) * now.inverse < kHere;
  for (int k = 1; k < kTracked; ++k) here = here && at.by[k] == 0;
  const Along place(roi.width);
  for (int row = 0; row < roi.rows; ++row) {
    const double fromMiddle = row - (roi.rows - 1) / 2.0;
    const RowLine alongBefore(before, fromMiddle), alongNow(now, fromMiddle);
    const long first = static_cast<long>(row) * roi.stride;
    const double scale = roi.scale[row], offset = roi.offset[row], rowGain = roi.rowGain[row];
    const double unknown = roi.absolute ? 0 : scale * scale * rowGain * speckle;
    // Unknown speckle is correlated over a grain; the part caused by the camera's noise is not.
    const double slow = !roi.absolute && rowGain > 0 ? (anchor.grain - 1) / rowGain : 0;
    for (int i = 0; i < roi.stride; i += kLanes) {
      Lanes unused[3], light, spread{};
      const Lanes lightNow = lightAt<shape>(alongNow, alongNow.at(i), ground, sign, unused);
      if (here) {
        light = loadLanes(roi.gain + first + i) * lightNow;
      } else {
        const Lanes lightThen = lightAt<shape>(alongBefore, alongBefore.at(i), ground, sign, unused);
        const Lanes base = loadLanes(roi.base + first + i);
        light = (base + loadLanes(roi.kept + first + i) / lightThen) * lightNow * (1.0 + at.by[6] * place.at(i));
        const Lanes brighter = larger(lightNow * lightNow - lightThen * lightThen, fill(0.0));
        spread = unknown * base * (1.0 + slow * base) * brighter;
      }
      const Lanes fitted = scale * light + offset;
      storeLanes(roi.predicted + first + i, roi.absolute ? roi.typical * light : fitted);
      storeLanes(roi.residual + first + i, loadLanes(roi.y + first + i) - fitted);
      storeLanes(roi.spread + first + i, spread);
    }
  }
}

/** Moves the frame back to the anchor and scales it to its light, into `spread`; uses the last trace. */
template <Line shape>
static void homeOf(const TrackRows& roi, const Anchor& anchor, const TrackedLine& at) {
  const PreparedLine home = lineAt(shape, anchor, {}, 0), now = lineAt(shape, anchor, at, at.by[0]);
  const double ground = anchor.ground + at.by[5], sign = signOf(anchor);
  for (int row = 0; row < roi.rows; ++row) {
    const double fromMiddle = row - (roi.rows - 1) / 2.0;
    const RowLine alongHome(home, fromMiddle), alongNow(now, fromMiddle);
    const long first = static_cast<long>(row) * roi.stride;
    const double inverse = roi.scale[row] > 0 ? 1 / roi.scale[row] : 0;
    for (int i = 0; i < roi.stride; i += kLanes) {
      Lanes unused[3];
      const Lanes lightNow = lightAt<shape>(alongNow, alongNow.at(i), ground, sign, unused);
      const Lanes lightHome = lightAt<shape>(alongHome, alongHome.at(i), anchor.ground, sign, unused);
      const Lanes expected = loadLanes(roi.base + first + i) * lightHome + loadLanes(roi.kept + first + i);
      const Lanes excess = loadLanes(roi.residual + first + i) * inverse * lightHome / lightNow;
      storeLanes(roi.spread + first + i, expected + excess);
    }
  }
}

/** Visits the samples of every `every`-th row: their offset in memory, and which of them can be compared. */
template <class Visit>
__attribute__((always_inline)) static inline void eachCompared(const TrackRows& roi, int every, Visit visit) {
  for (int row = 0; row < roi.rows; row += every) {
    const long first = static_cast<long>(row) * roi.stride;
    // Samples without a reference, including the padding, have no gain.
    for (int i = 0; i < roi.stride; i += kLanes) visit(first + i, loadLanes(roi.base + first + i) > 0.0);
  }
}

/** Finds the range of the predicted light, and the sizes of the residuals of the last trace by it, where the speckle is known. */
static void trackSizes(const TrackRows& roi, int every, NoiseSizes& out) {
  /** Fraction of the camera's noise. */
  constexpr double kHardly = 0.1;
  noiseSizes<true>(
      [&](auto visit) {
        eachCompared(roi, every, [&](long at, Mask known) __attribute__((always_inline)) {
          visit(at, known & (loadLanes(roi.spread + at) * loadLanes(roi.weight + at) < kHardly));
        });
      },
      [](int bin) { return noiseEdge(bin); }, roi.predicted, roi.residual, out);
}

/**
 * Returns one over the variance of a residual, with its noise interpolated between the nodes: each segment adds its part below
 * the value.
 */
static inline Lanes inverseVarianceAt(const TrackRows& roi, const TrackNoise& noise, long at) {
  const Lanes predicted = loadLanes(roi.predicted + at);
  Lanes inverse = fill(noise.inverse[0]);
  for (int bin = 0; bin + 1 < kNoiseBins; ++bin) inverse += noise.rise[bin] * within((predicted - noise.node[bin]) * noise.perCount[bin], 0.0, 1.0);
  const Lanes square = inverse * inverse;
  return square / (1.0 + square * loadLanes(roi.spread + at));
}

/** Computes new weights from the residuals of the last trace: Tukey's biweight over the variance of the noise. */
static void trackWeigh(const TrackRows& roi, const TrackNoise& noise) {
  eachCompared(roi, 1, [&](long at, Mask known) __attribute__((always_inline)) {
    const Lanes residual = loadLanes(roi.residual + at), inverse = inverseVarianceAt(roi, noise, at);
    const Lanes predicted = loadLanes(roi.predicted + at), part = residual * residual * inverse * (1 / (kTukey * kTukey));
    const Lanes room = larger(noise.ceiling - predicted, fill(0.0));
    const Lanes kept = 1.0 - part, size = absolute(residual);
    // Not by whether it was clipped, which the noise decides, but by whether it could have been. Speckle is too coarse for that:
    // there, residuals as far below as the camera clips above are cut off too.
    const Mask counts = known & (part < 1.0) & (roi.absolute ? room > 0.0 : room * room * inverse > kHeadroom * kHeadroom);
    // Values that are rounded to black, or clipped there, are not proportional to the light.
    const Lanes lit = within((predicted - noise.black) * noise.perUnit, 0.0, 1.0);
    const Lanes share = roi.absolute ? select(size > room, room / larger(size, fill(1e-9)), fill(1.0)) : fill(1.0);
    storeLanes(roi.weight + at, select(counts, lit * share * kept * kept * inverse, fill(0.0)));
  });
}

/** Computes 1 / sqrt(x) to 1e-9 for normal numbers: an estimate from the exponent, and Newton steps. */
static inline Lanes inverseRoot(Lanes x) {
  Lanes root = reinterpret_cast<Lanes>(0x5fe6eb50c7b537a9LL - (reinterpret_cast<Mask>(x) >> 1));
  for (int step = 0; step < 4; ++step) root *= 1.5 - 0.5 * x * root * root;
  return root;
}

/**
 * Computes the pull of the residuals of the last trace on the shift; each sample's influence replaces its spread. What a row's
 * light and offset can imitate says nothing about a shift. Only sizes count: otherwise the two flanks of a line that does not fit
 * could hide each other.
 */
template <Line shape>
static void pullsOf(const TrackRows& roi, const TrackNoise& noise, const Anchor& anchor, const TrackedLine& at, TrackPulls& out) {
  const PreparedLine line = lineAt(shape, anchor, at, at.by[0]);
  const double ground = anchor.ground + at.by[5], sign = signOf(anchor);
  Lanes influences{}, slopes{}, inside{}, compared{}, toldInfluences{}, toldSlopes{}, toldInside{};
  for (int row = 0; row < roi.rows; ++row) {
    const RowLine along(line, row - (roi.rows - 1) / 2.0);
    const long first = static_cast<long>(row) * roi.stride;
    const double offset = roi.absolute ? 0 : roi.offset[row];
    Lanes w0{}, wq{}, wf{}, qq{}, qf{};
    for (int i = 0; i < roi.stride; i += kLanes) {
      Lanes by[3];
      const Lanes light = lightAt<shape>(along, along.at(i), ground, sign, by);
      const Lanes q = loadLanes(roi.predicted + first + i) - offset, f = q * by[0] / light;
      const Lanes w = loadLanes(roi.weight + first + i), wQ = w * q;
      w0 += w, wq += wQ, wf += w * f, qq += wQ * q, qf += wQ * f;
      storeLanes(roi.sense + first + i, f);
    }
    const RowFit imitated(true, across(w0), across(wq), across(wf), across(qq), across(qf));
    for (int i = 0; i < roi.stride; i += kLanes) {
      const long sample = first + i;
      const Mask known = loadLanes(roi.base + sample) > 0.0;
      const Lanes predicted = loadLanes(roi.predicted + sample), residual = loadLanes(roi.residual + sample);
      const Lanes inverse = inverseVarianceAt(roi, noise, sample), root = inverse * inverseRoot(inverse);
      const Lanes part = residual * residual * inverse * (1 / (kTukey * kTukey)), kept = larger(1.0 - part, fill(0.0));
      const Mask counts = known & (loadLanes(roi.weight + sample) > 0.0);
      const Lanes influence = select(counts, residual * root * kept * kept, fill(0.0));
      const Lanes told = (loadLanes(roi.sense + sample) - imitated.scale * (predicted - offset) - imitated.offset) * root;
      const Lanes sense = select(counts, absolute(told), fill(0.0)), pull = influence * sense, share = sense * sense;
      storeLanes(roi.spread + sample, influence);
      storeLanes(roi.sense + sample, sense);
      storeLanes(roi.pull + sample, pull);
      const Lanes slope = select(counts, kept * (1.0 - 5.0 * part), fill(0.0)), weight = select(counts, kept * kept, fill(0.0));
      influences += influence * influence, slopes += slope, inside += weight;
      toldInfluences += pull * pull, toldSlopes += share * slope, toldInside += share * weight;
      // Dark samples say nothing, and are no reason to doubt the others.
      compared += select(known & (predicted > noise.black), fill(1.0), fill(0.0));
    }
  }
  out = {across(influences), across(slopes), across(inside), across(compared), across(toldInfluences), across(toldSlopes), across(toldInside)};
}

static void trackPulls(const TrackRows& roi, const TrackNoise& noise, const Anchor& anchor, const TrackedLine& at, TrackPulls& out) {
  withShape(roi.line, [&](auto shape) { pullsOf<shape.value>(roi, noise, anchor, at, out); });
}

static void trackGain(const TrackRows& roi, const Anchor& anchor) {
  withShape(roi.line, [&](auto shape) { gainOf<shape.value>(roi, anchor); });
}

static void trackTrace(const TrackRows& roi, const Anchor& anchor, const TrackedLine& at) {
  withShape(roi.line, [&](auto shape) { traceTracked<shape.value>(roi, anchor, at); });
}

static void trackHome(const TrackRows& roi, const Anchor& anchor, const TrackedLine& at) {
  withShape(roi.line, [&](auto shape) { homeOf<shape.value>(roi, anchor, at); });
}

}  // namespace phorest::PHOREST_TARGET
