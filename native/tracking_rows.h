// The passes over an ROI's samples that tracking consists of, samples of a row in lanes.
#pragma once
#include "joint_rows.h"
#include "tracking.h"

namespace phorest::PHOREST_TARGET {

/** The light of a line falls to this share of its height at the least: the dark end of a Fano line must not divide. */
constexpr double kDarkest = 0.0005;
/** counts^2: nor is the line known better than this where it is dark, for rounding and cutting off at black bend it. */
constexpr double kLineDoubt = 0.01;

static inline PreparedLine lineAt(const Anchor& anchor, const TrackedLine& at, double shift) {
  return PreparedLine({anchor.centre + at.by[1] + shift, anchor.slope + at.by[2], anchor.logWidth + at.by[3], anchor.phase + at.by[4]});
}

/** Light of a line in heights, and its derivatives by centre, log width and phase; that by the ground is 1. */
template <Line shape>
static inline Lanes lightAt(const RowLine& along, Lanes t, double ground, double sign, Lanes* derivatives) {
  Lanes s, u, d;
  shapeAt<shape>(along, t, s, u, d);
  u *= sign;
  derivatives[0] = u * -along.inverse;
  derivatives[1] = u * -t;
  derivatives[2] = sign * d;
  return larger(ground + sign * s, fill(kDarkest));
}

static inline double signOf(const Anchor& anchor) { return anchor.height < 0 ? -1 : 1; }

/** Place in the row, -1/2 at its left end and 1/2 at the right one. */
struct Along {
  Lanes first;
  double step;
  explicit Along(int width) : step(width > 1 ? 1.0 / (width - 1) : 0) {
    for (int lane = 0; lane < kLanes; ++lane) first[lane] = lane * step - 0.5;
  }
  Lanes at(int i) const { return first + i * step; }
};

/**
 * Takes apart what the reference says of each sample's light per light of the line: it is known as well as the reference
 * is brighter than its own noise, and is that of the row beyond (Wiener's filter). `kept` holds the reference before.
 */
template <Line shape>
static void gainOf(const TrackRows& roi, const Anchor& anchor) {
  const PreparedLine line = lineAt(anchor, {}, 0);
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
    for (int i = 0; i < roi.stride; i += kLanes) {
      const Lanes light = loadLanes(roi.gain + first + i), mean = rowGain * light;
      const Mask known = loadLanes(roi.weight + first + i) > 0.0;
      const Lanes noise = larger(anchor.floor + anchor.perCount * mean, fill(kLeastVariance));
      const Lanes grain = speckle * mean * mean, share = grain / (grain + noise / anchor.frames + kLineDoubt);
      const Lanes base = lit ? select(known, rowGain * (1.0 - share), fill(0.0)) : fill(0.0);
      const Lanes kept = lit ? select(known, share * loadLanes(roi.kept + first + i), fill(0.0)) : fill(0.0);
      storeLanes(roi.base + first + i, base);
      storeLanes(roi.kept + first + i, kept);
      storeLanes(roi.gain + first + i, base + kept / light);
      storeLanes(roi.weight + first + i, lit ? select(known, 1.0 / noise, fill(0.0)) : fill(0.0));
    }
  }
}

/** Scale and offset of a row from its sums over weight * {1, q, y, qq, qy}; both 0 where nothing can be told. */
struct RowFit {
  double scale = 0, offset = 0, own = 0, perWeight = 0;
  bool known = false;
  RowFit(bool withOffset, double w, double q, double y, double qq, double qy) {
    if (!(w > 0)) return;
    perWeight = withOffset ? 1 / w : 0;
    own = qq - q * q * perWeight;
    if (!(own > 1e-9 * qq)) return;
    known = true;
    scale = (qy - q * y * perWeight) / own;
    offset = (y - scale * q) * perWeight;
  }
};

/** Normal equations of the shift alone, each row's scale and offset eliminated and stored. */
template <Line shape>
static void shiftNormals(const TrackRows& roi, const Anchor& anchor, const TrackedLine& at, TrackNormals& out) {
  const PreparedLine line = lineAt(anchor, at, at.by[0]);
  const double sign = signOf(anchor);
  for (int row = 0; row < roi.rows; ++row) {
    const RowLine along(line, row - (roi.rows - 1) / 2.0);
    const long first = static_cast<long>(row) * roi.stride;
    Lanes w0{}, wq{}, wy{}, wf{}, qq{}, qy{}, yy{}, qf{}, ff{}, fy{};
    for (int i = 0; i < roi.stride; i += kLanes) {
      Lanes by[3];
      const Lanes light = lightAt<shape>(along, along.at(i), anchor.ground, sign, by);
      const Lanes gain = loadLanes(roi.gain + first + i), w = loadLanes(roi.weight + first + i);
      const Lanes value = loadLanes(roi.y + first + i);
      const Lanes q = gain * light, f = gain * by[0];
      const Lanes wQ = w * q, wF = w * f, wY = w * value;
      w0 += w, wq += wQ, wy += wY, wf += wF;
      qq += wQ * q, qy += wQ * value, yy += wY * value;
      qf += wF * q, ff += wF * f, fy += wF * value;
    }
    const double sumQ = across(wq), sumY = across(wy), sumF = across(wf);
    const RowFit fit(true, across(w0), sumQ, sumY, across(qq), across(qy));
    roi.scale[row] = fit.scale, roi.offset[row] = fit.offset;
    if (!fit.known) continue;
    const double ofY = across(yy) - sumY * sumY * fit.perWeight, ofQF = across(qf) - sumQ * sumF * fit.perWeight;
    const double ofFY = across(fy) - sumF * sumY * fit.perWeight, ofFF = across(ff) - sumF * sumF * fit.perWeight;
    out.cost += ofY - fit.scale * fit.scale * fit.own;
    out.right[0] += fit.scale * (ofFY - ofQF * fit.scale);
    out.matrix[0][0] += fit.scale * fit.scale * (ofFF - ofQF * ofQF / fit.own);
  }
}

/**
 * Those of shift and shape, of the gradient too where `more` is 1, and of what the frame may have alone where it is 3. The
 * functions whose sums are taken: shift, centre, log width, ground, phase where the line has one, and those of `more`.
 */
template <Line shape, int more>
static void shapeNormals(const TrackRows& roi, const Anchor& anchor, const TrackedLine& at, TrackNormals& out) {
  constexpr int own = shape == Line::gaussian || shape == Line::lorentzian ? 4 : 5, functions = own + more;
  const PreparedLine before = lineAt(anchor, at, 0), now = lineAt(anchor, at, at.by[0]);
  const double ground = anchor.ground + at.by[5], sign = signOf(anchor);
  const Along place(roi.width);
  for (int row = 0; row < roi.rows; ++row) {
    const double fromMiddle = row - (roi.rows - 1) / 2.0;
    const RowLine alongBefore(before, fromMiddle), alongNow(now, fromMiddle);
    const long first = static_cast<long>(row) * roi.stride;
    Lanes w0{}, wq{}, wy{}, qq{}, qy{}, yy{};
    Lanes wf[functions] = {}, qf[functions] = {}, fy[functions] = {}, ff[functions][functions] = {};
    for (int i = 0; i < roi.stride; i += kLanes) {
      Lanes present[3], then[3], f[functions];
      const Lanes t = alongNow.at(i);
      const Lanes lightNow = lightAt<shape>(alongNow, t, ground, sign, present);
      const Lanes lightThen = lightAt<shape>(alongBefore, alongBefore.at(i), ground, sign, then);
      const Lanes w = loadLanes(roi.weight + first + i), value = loadLanes(roi.y + first + i);
      const Lanes inverse = 1.0 / lightThen, known = loadLanes(roi.kept + first + i) * inverse;
      Lanes plain = loadLanes(roi.base + first + i) + known, gain = plain;
      // A change of the shape that both have changes what the reference says of the speckle.
      Lanes drag = known * lightNow * inverse;
      if constexpr (more > 0) {
        const Lanes profile = 1.0 + at.by[6] * place.at(i);
        gain *= profile, drag *= profile;
      }
      const Lanes q = gain * lightNow;
      f[0] = gain * present[0];
      f[1] = f[0] - drag * then[0];
      f[2] = gain * present[1] - drag * then[1];
      f[3] = gain - drag;
      if constexpr (own > 4) f[4] = gain * present[2] - drag * then[2];
      if constexpr (more > 0) f[own] = plain * lightNow * place.at(i);
      if constexpr (more > 1) {
        f[own + 1] = gain * present[1];
        // Asymmetry: of a Gaussian what its third moment adds, of a Lorentzian what makes it a Fano line, of that its phase.
        if constexpr (shape == Line::gaussian) {
          f[own + 2] = gain * (lightNow - ground) * (t * t * t - 3.0 * t);
        } else {
          f[own + 2] = shape == Line::fano ? gain * present[2] : gain * t / (1.0 + t * t);
        }
      }
      const Lanes wQ = w * q, wY = w * value;
      w0 += w, wq += wQ, wy += wY;
      qq += wQ * q, qy += wQ * value, yy += wY * value;
      for (int k = 0; k < functions; ++k) {
        const Lanes wF = w * f[k];
        wf[k] += wF;
        qf[k] += wF * q;
        fy[k] += wF * value;
        for (int j = 0; j <= k; ++j) ff[k][j] += wF * f[j];
      }
    }
    const double sumQ = across(wq), sumY = across(wy);
    const RowFit fit(!roi.absolute, across(w0), sumQ, sumY, across(qq), across(qy));
    roi.scale[row] = fit.scale, roi.offset[row] = fit.offset;
    if (!fit.known) continue;
    out.cost += across(yy) - sumY * sumY * fit.perWeight - fit.scale * fit.scale * fit.own;
    double sumF[functions], ofQF[functions], right[functions], matrix[functions][functions];
    for (int k = 0; k < functions; ++k) {
      sumF[k] = across(wf[k]);
      ofQF[k] = across(qf[k]) - sumQ * sumF[k] * fit.perWeight;
      right[k] = fit.scale * (across(fy[k]) - sumF[k] * sumY * fit.perWeight - ofQF[k] * fit.scale);
      for (int j = 0; j <= k; ++j) {
        const double product = across(ff[k][j]) - sumF[k] * sumF[j] * fit.perWeight;
        matrix[k][j] = matrix[j][k] = fit.scale * fit.scale * (product - ofQF[k] * ofQF[j] / fit.own);
      }
    }
    // Function and factor of each parameter; the slope is the centre's times the row.
    constexpr int which[kSuspected] = {0, 1, 1, 2, own > 4 ? 4 : -1, 3, own, own + 1, own + 2};
    for (int k = 0; k < kShape + 1 + more; ++k) {
      if (which[k] < 0) continue;
      const double factor = k == 2 ? fromMiddle : 1;
      out.right[k] += factor * right[which[k]];
      for (int j = 0; j < kShape + 1 + more; ++j) {
        if (which[j] >= 0) out.matrix[k][j] += factor * (j == 2 ? fromMiddle : 1) * matrix[which[k]][which[j]];
      }
    }
  }
}

/** Writes what the line foretells, what is left over and what the reference does not know, by the last normals' scales. */
template <Line shape>
static void traceTracked(const TrackRows& roi, const Anchor& anchor, const TrackedLine& at) {
  const PreparedLine before = lineAt(anchor, at, 0), now = lineAt(anchor, at, at.by[0]);
  const double ground = anchor.ground + at.by[5], sign = signOf(anchor), speckle = anchor.speckle * anchor.speckle;
  /** In widths: over less, what was dark does not become bright. */
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
    // Speckle that is not known is alike over a grain, what the camera's noise makes of the rest is not.
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

/** The frame moved back to where the anchor is and brought to its light, into `spread`; by the last trace. */
template <Line shape>
static void homeOf(const TrackRows& roi, const Anchor& anchor, const TrackedLine& at) {
  const PreparedLine home = lineAt(anchor, {}, 0), now = lineAt(anchor, at, at.by[0]);
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

/** Visits the samples of every `every`-th row: where they are in memory, and which of them can be compared. */
template <class Visit>
__attribute__((always_inline)) static inline void eachCompared(const TrackRows& roi, int every, Visit visit) {
  for (int row = 0; row < roi.rows; row += every) {
    const long first = static_cast<long>(row) * roi.stride;
    // What has no reference, the padding among it, has no gain.
    for (int i = 0; i < roi.stride; i += kLanes) visit(first + i, loadLanes(roi.base + first + i) > 0.0);
  }
}

/** Range of what is foretold, and sizes of the residuals of the last trace by it, where the speckle is known. */
static void trackSizes(const TrackRows& roi, int every, NoiseSizes& out) {
  /** Share of the camera's noise. */
  constexpr double kHardly = 0.1;
  noiseSizes(
      [&](auto visit) {
        eachCompared(roi, every, [&](long at, Mask known) __attribute__((always_inline)) {
          visit(at, known & (loadLanes(roi.spread + at) * loadLanes(roi.weight + at) < kHardly));
        });
      },
      [](int bin) { return noiseEdge(bin); }, roi.predicted, roi.residual, out);
}

/** One over the variance of a residual, its noise linear between the nodes: every stretch adds what of it lies below. */
static inline Lanes inverseVarianceAt(const TrackRows& roi, const TrackNoise& noise, long at) {
  const Lanes predicted = loadLanes(roi.predicted + at);
  Lanes inverse = fill(noise.inverse[0]);
  for (int bin = 0; bin + 1 < kNoiseBins; ++bin) inverse += noise.rise[bin] * within((predicted - noise.node[bin]) * noise.perCount[bin], 0.0, 1.0);
  const Lanes square = inverse * inverse;
  return square / (1.0 + square * loadLanes(roi.spread + at));
}

/** New weights from the residuals of the last trace: Tukey's biweight over the variance of the noise. */
static void trackWeigh(const TrackRows& roi, const TrackNoise& noise) {
  eachCompared(roi, 1, [&](long at, Mask known) __attribute__((always_inline)) {
    const Lanes residual = loadLanes(roi.residual + at), inverse = inverseVarianceAt(roi, noise, at);
    const Lanes predicted = loadLanes(roi.predicted + at), part = residual * residual * inverse * (1 / (kTukey * kTukey));
    const Lanes room = larger(noise.ceiling - predicted, fill(0.0));
    const Lanes kept = 1.0 - part, size = absolute(residual);
    // Not by whether it was cut off, which noise decides, but by whether it could have been. Speckle is too coarse for
    // that: there, what is as far below as the camera cuts off above is cut off too.
    const Mask counts = known & (part < 1.0) & (roi.absolute ? room > 0.0 : room * room * inverse > kHeadroom * kHeadroom);
    // What is rounded to black, or cut off there, is not in proportion to the light.
    const Lanes lit = within(predicted - noise.black, 0.0, 1.0);
    const Lanes share = roi.absolute ? select(size > room, room / larger(size, fill(1e-9)), fill(1.0)) : fill(1.0);
    storeLanes(roi.weight + at, select(counts, lit * share * kept * kept * inverse, fill(0.0)));
  });
}

/** 1 / sqrt(x) to 1e-9 for normal numbers: a guess from the exponent, and Newton's steps. */
static inline Lanes inverseRoot(Lanes x) {
  Lanes root = reinterpret_cast<Lanes>(0x5fe6eb50c7b537a9LL - (reinterpret_cast<Mask>(x) >> 1));
  for (int step = 0; step < 4; ++step) root *= 1.5 - 0.5 * x * root * root;
  return root;
}

/** What the residuals of the last trace pull on the shift; each sample's influence takes the place of its spread. */
static void trackPulls(const TrackRows& roi, const TrackNoise& noise, TrackPulls& out) {
  Lanes influences{}, slopes{}, inside{}, compared{};
  eachCompared(roi, 1, [&](long at, Mask known) __attribute__((always_inline)) {
    const Lanes residual = loadLanes(roi.residual + at), inverse = inverseVarianceAt(roi, noise, at);
    const Lanes part = residual * residual * inverse * (1 / (kTukey * kTukey)), kept = larger(1.0 - part, fill(0.0));
    const Mask counts = known & (loadLanes(roi.weight + at) > 0.0);
    const Lanes influence = select(counts, residual * inverse * inverseRoot(inverse) * kept * kept, fill(0.0));
    storeLanes(roi.spread + at, influence);
    influences += influence * influence;
    slopes += select(counts, kept * (1.0 - 5.0 * part), fill(0.0));
    inside += select(counts, kept * kept, fill(0.0));
    compared += select(known, fill(1.0), fill(0.0));
  });
  out = {across(influences), across(slopes), across(inside), across(compared)};
}

template <Line shape>
static void normalsOfTracked(const TrackRows& roi, const Anchor& anchor, const TrackedLine& at, unsigned free, TrackNormals& out) {
  if (free == kShiftBit) {
    shiftNormals<shape>(roi, anchor, at, out);
  } else if (free & kAloneBits) {
    shapeNormals<shape, 3>(roi, anchor, at, out);
  } else if (free & kGradientBit) {
    shapeNormals<shape, 1>(roi, anchor, at, out);
  } else {
    shapeNormals<shape, 0>(roi, anchor, at, out);
  }
}

static void trackGain(const TrackRows& roi, const Anchor& anchor) {
  withShape(roi.line, [&](auto shape) { gainOf<shape.value>(roi, anchor); });
}

static void trackNormals(const TrackRows& roi, const Anchor& anchor, const TrackedLine& at, unsigned free, TrackNormals& out) {
  out = {};
  withShape(roi.line, [&](auto shape) { normalsOfTracked<shape.value>(roi, anchor, at, free, out); });
}

static void trackTrace(const TrackRows& roi, const Anchor& anchor, const TrackedLine& at) {
  withShape(roi.line, [&](auto shape) { traceTracked<shape.value>(roi, anchor, at); });
}

static void trackHome(const TrackRows& roi, const Anchor& anchor, const TrackedLine& at) {
  withShape(roi.line, [&](auto shape) { homeOf<shape.value>(roi, anchor, at); });
}

}  // namespace phorest::PHOREST_TARGET
