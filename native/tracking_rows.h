// The passes over an ROI's samples that tracking consists of, samples of a row in lanes.
#pragma once
#include "joint_rows.h"
#include "tracking.h"

namespace phorest::PHOREST_TARGET {

/** A line's light falls to this share of what it stands on at the least: the dark end of a Fano line must not divide. */
constexpr double kDarkest = 0.02;

static inline PreparedLine lineAt(const Anchor& anchor, const TrackedLine& at, double shift) {
  return PreparedLine({anchor.centre + at.by[1] + shift, anchor.slope + at.by[2], anchor.logWidth + at.by[3], anchor.phase + at.by[4]});
}

/** Light of the line relative to what it stands on, and derivatives of its logarithm by centre, log width, phase, log ratio. */
template <Line shape>
static inline Lanes lightAt(const RowLine& along, Lanes t, double ratio, Lanes* derivatives) {
  Lanes s, u, d;
  shapeAt<shape>(along, t, s, u, d);
  const Lanes light = larger(1.0 + ratio * s, fill(kDarkest));
  const Lanes part = ratio / light;
  derivatives[0] = part * u * -along.inverse;
  derivatives[1] = part * u * -t;
  derivatives[2] = part * d;
  derivatives[3] = part * s;
  return light;
}

/** gain = reference over the light of the anchor's line. */
template <Line shape>
static void gainOf(const TrackRows& roi, const Anchor& anchor) {
  const PreparedLine line = lineAt(anchor, {}, 0);
  for (int row = 0; row < roi.rows; ++row) {
    const RowLine along(line, row - (roi.rows - 1) / 2.0);
    const long first = static_cast<long>(row) * roi.stride;
    for (int i = 0; i < roi.stride; i += kLanes) {
      Lanes unused[kShared];
      const Lanes light = lightAt<shape>(along, along.at(i), anchor.ratio, unused);
      storeLanes(roi.gain + first + i, loadLanes(roi.reference + first + i) / light);
    }
  }
}

/** Normal equations of the shift alone, each row's scale eliminated and stored. */
template <Line shape>
static void shiftNormals(const TrackRows& roi, const Anchor& anchor, const TrackedLine& at, TrackNormals& out) {
  const PreparedLine line = lineAt(anchor, at, at.by[0]);
  for (int row = 0; row < roi.rows; ++row) {
    const RowLine along(line, row - (roi.rows - 1) / 2.0);
    const long first = static_cast<long>(row) * roi.stride;
    Lanes qq{}, qy{}, yy{}, qf{}, ff{}, fy{};
    for (int i = 0; i < roi.stride; i += kLanes) {
      Lanes s, u, d;
      const Lanes t = along.at(i);
      shapeAt<shape>(along, t, s, u, d);
      const Lanes gain = loadLanes(roi.gain + first + i), w = loadLanes(roi.weight + first + i);
      const Lanes value = loadLanes(roi.y + first + i);
      const Lanes q = gain * larger(1.0 + anchor.ratio * s, fill(kDarkest));
      const Lanes f = gain * u * (-along.inverse * anchor.ratio);
      const Lanes wq = w * q, wf = w * f;
      qq += wq * q, qy += wq * value, yy += w * value * value;
      qf += wq * f, ff += wf * f, fy += wf * value;
    }
    const double sumQQ = across(qq);
    roi.scale[row] = 0;
    if (!(sumQQ > 0)) continue;
    const double scale = across(qy) / sumQQ, sumQF = across(qf);
    roi.scale[row] = scale;
    out.cost += across(yy) - scale * across(qy);
    out.right[0] += scale * (across(fy) - sumQF * scale);
    out.matrix[0][0] += scale * scale * (across(ff) - sumQF * sumQF / sumQQ);
  }
}

/** Those of the shift and of the shape that frame and reference share. */
template <Line shape>
static void shapeNormals(const TrackRows& roi, const Anchor& anchor, const TrackedLine& at, TrackNormals& out) {
  const PreparedLine before = lineAt(anchor, at, 0), now = lineAt(anchor, at, at.by[0]);
  const double ratio = anchor.ratio * __builtin_exp(at.by[5]);
  for (int row = 0; row < roi.rows; ++row) {
    const double fromMiddle = row - (roi.rows - 1) / 2.0;
    const RowLine alongBefore(before, fromMiddle), alongNow(now, fromMiddle);
    const long first = static_cast<long>(row) * roi.stride;
    Lanes qq{}, qy{}, yy{}, qf[kTracked] = {}, fy[kTracked] = {}, ff[kTracked][kTracked] = {};
    for (int i = 0; i < roi.stride; i += kLanes) {
      Lanes present[kShared], then[kShared], f[kTracked];
      const Lanes lightNow = lightAt<shape>(alongNow, alongNow.at(i), ratio, present);
      const Lanes lightBefore = lightAt<shape>(alongBefore, alongBefore.at(i), ratio, then);
      const Lanes w = loadLanes(roi.weight + first + i), value = loadLanes(roi.y + first + i);
      const Lanes q = loadLanes(roi.reference + first + i) * lightNow / lightBefore;
      const Lanes wq = w * q;
      qq += wq * q, qy += wq * value, yy += w * value * value;
      f[0] = q * present[0];
      f[1] = q * (present[0] - then[0]);
      f[2] = f[1] * fromMiddle;
      f[3] = q * (present[1] - then[1]);
      f[4] = q * (present[2] - then[2]);
      f[5] = q * (present[3] - then[3]);
      for (int k = 0; k < kTracked; ++k) {
        const Lanes wf = w * f[k];
        qf[k] += wq * f[k];
        fy[k] += wf * value;
        for (int j = 0; j <= k; ++j) ff[k][j] += wf * f[j];
      }
    }
    const double sumQQ = across(qq);
    roi.scale[row] = 0;
    if (!(sumQQ > 0)) continue;
    const double scale = across(qy) / sumQQ;
    roi.scale[row] = scale;
    out.cost += across(yy) - scale * across(qy);
    for (int k = 0; k < kTracked; ++k) {
      const double sumQF = across(qf[k]);
      out.right[k] += scale * (across(fy[k]) - sumQF * scale);
      for (int j = 0; j <= k; ++j) {
        out.matrix[k][j] += scale * scale * (across(ff[k][j]) - sumQF * across(qf[j]) / sumQQ);
        out.matrix[j][k] = out.matrix[k][j];
      }
    }
  }
}

/** Writes what the line foretells and what is left over, with the scales of the last normals. */
template <Line shape>
static void traceTracked(const TrackRows& roi, const Anchor& anchor, const TrackedLine& at) {
  const PreparedLine before = lineAt(anchor, at, 0), now = lineAt(anchor, at, at.by[0]);
  const double ratio = anchor.ratio * __builtin_exp(at.by[5]);
  for (int row = 0; row < roi.rows; ++row) {
    const double fromMiddle = row - (roi.rows - 1) / 2.0;
    const RowLine alongBefore(before, fromMiddle), alongNow(now, fromMiddle);
    const long first = static_cast<long>(row) * roi.stride;
    for (int i = 0; i < roi.stride; i += kLanes) {
      Lanes unused[kShared];
      const Lanes lightNow = lightAt<shape>(alongNow, alongNow.at(i), ratio, unused);
      const Lanes lightBefore = lightAt<shape>(alongBefore, alongBefore.at(i), ratio, unused);
      const Lanes predicted = roi.scale[row] * loadLanes(roi.reference + first + i) * lightNow / lightBefore;
      storeLanes(roi.predicted + first + i, predicted);
      storeLanes(roi.residual + first + i, loadLanes(roi.y + first + i) - predicted);
    }
  }
}

/** Visits the samples of every `every`-th row: where they are in memory, and which of them can be compared. */
template <class Visit>
__attribute__((always_inline)) static inline void eachCompared(const TrackRows& roi, int every, Visit visit) {
  for (int row = 0; row < roi.rows; row += every) {
    const long first = static_cast<long>(row) * roi.stride;
    // What has no reference, the padding among it, has none of it.
    for (int i = 0; i < roi.stride; i += kLanes) visit(first + i, loadLanes(roi.reference + first + i) > 0.0);
  }
}

/** Range of what is foretold, and sizes of the residuals of the last trace by it. */
static void trackSizes(const TrackRows& roi, int every, NoiseSizes& out) {
  noiseSizes([&](auto visit) { eachCompared(roi, every, visit); }, roi.predicted, roi.residual, out);
}

/** New weights from the residuals of the last trace: Tukey's biweight over the variance of the noise. */
static void trackWeigh(const TrackRows& roi, const NoiseCurve& noise) {
  eachCompared(roi, 1, [&](long at, Mask known) __attribute__((always_inline)) {
    const Lanes predicted = loadLanes(roi.predicted + at), residual = loadLanes(roi.residual + at);
    const Lanes inverse = inverseNoiseAt(noise, predicted), part = residual * inverse * (1 / kTukey);
    // Not by whether it was cut off, which noise decides, but by whether it could have been.
    const Mask counts = known & ((noise.ceiling - predicted) * inverse > kHeadroom) & (absolute(part) < 1.0);
    const Lanes kept = 1.0 - part * part;
    storeLanes(roi.weight + at, select(counts, kept * kept * inverse * inverse, fill(0.0)));
  });
}

/** What the residuals of the last trace pull on the shift; each sample's influence becomes its gain. */
static void trackPulls(const TrackRows& roi, const NoiseCurve& noise, TrackPulls& out) {
  Lanes influences{}, slopes{}, inside{}, compared{};
  eachCompared(roi, 1, [&](long at, Mask known) __attribute__((always_inline)) {
    const Lanes scaled = loadLanes(roi.residual + at) * inverseNoiseAt(noise, loadLanes(roi.predicted + at));
    const Lanes part = scaled * scaled * (1 / (kTukey * kTukey)), kept = larger(1.0 - part, fill(0.0));
    const Mask counts = known & (loadLanes(roi.weight + at) > 0.0);
    const Lanes influence = select(counts, scaled * kept * kept, fill(0.0));
    storeLanes(roi.gain + at, influence);
    influences += influence * influence;
    slopes += select(counts, kept * (1.0 - 5.0 * part), fill(0.0));
    inside += select(counts, kept * kept, fill(0.0));
    compared += select(known, fill(1.0), fill(0.0));
  });
  out = {across(influences), across(slopes), across(inside), across(compared)};
}

static void trackGain(const TrackRows& roi, const Anchor& anchor) {
  withShape(roi.line, [&](auto shape) { gainOf<shape.value>(roi, anchor); });
}

static void trackNormals(const TrackRows& roi, const Anchor& anchor, const TrackedLine& at, bool released, TrackNormals& out) {
  out = {};
  withShape(roi.line, [&](auto shape) {
    released ? shapeNormals<shape.value>(roi, anchor, at, out) : shiftNormals<shape.value>(roi, anchor, at, out);
  });
}

static void trackTrace(const TrackRows& roi, const Anchor& anchor, const TrackedLine& at) {
  withShape(roi.line, [&](auto shape) { traceTracked<shape.value>(roi, anchor, at); });
}

}  // namespace phorest::PHOREST_TARGET
