// The light of a line as tracking models it, and the normal equations of its parameters; samples of a row in lanes.
#pragma once
#include "fit/joint_rows.h"
#include "fit/tracking.h"

namespace phorest::PHOREST_TARGET {

/**
 * The light of a line is at least this fraction of its height, so that the dark end of a Fano line is not a divisor near zero.
 */
constexpr double kDarkest = 0.0005;
/** counts^2: uncertainty of the line where it is dark, because rounding and clipping at black bend it. */
constexpr double kLineDoubt = 0.01;

static inline PreparedLine lineAt(Line kind, const Anchor& anchor, const TrackedLine& at, double shift) {
  return PreparedLine(kind, {anchor.centre + at.by[1] + shift, anchor.slope + at.by[2], anchor.logWidth + at.by[3], anchor.phase + at.by[4]});
}

/** Computes the light of a line in heights, and its derivatives by centre, log width and phase; that by the ground is 1. */
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

/** Position in the row, -1/2 at its left end and 1/2 at the right one. */
struct Along {
  Lanes first;
  double step;
  explicit Along(int width) : step(width > 1 ? 1.0 / (width - 1) : 0) {
    for (int lane = 0; lane < kLanes; ++lane) first[lane] = lane * step - 0.5;
  }
  Lanes at(int i) const { return first + i * step; }
};

/** Scale and offset of a row, from its sums over weight * {1, q, y, qq, qy}; both 0 if they are undetermined. */
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

/** Computes the normal equations of the shift alone, with each row's scale and offset eliminated and stored. */
template <Line shape>
static void shiftNormals(const TrackRows& roi, const Anchor& anchor, const TrackedLine& at, TrackNormals& out) {
  const PreparedLine line = lineAt(shape, anchor, at, at.by[0]);
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
 * Computes those of shift and shape, also of the gradient if `more` is 1, and of what only this frame may have if it is 3. The
 * functions whose sums are taken: shift, centre, log width, ground, phase if the line has one, and those of `more`.
 */
template <Line shape, int more>
static void shapeNormals(const TrackRows& roi, const Anchor& anchor, const TrackedLine& at, TrackNormals& out) {
  constexpr int own = shape == Line::gaussian || shape == Line::lorentzian ? 4 : 5, functions = own + more;
  const PreparedLine before = lineAt(shape, anchor, at, 0), now = lineAt(shape, anchor, at, at.by[0]);
  const double ground = anchor.ground + at.by[5], sign = signOf(anchor);
  const Along place(roi.width);
  for (int row = 0; row < roi.rows; ++row) {
    const double fromMiddle = row - (roi.rows - 1) / 2.0;
    const RowLine alongBefore(before, fromMiddle), alongNow(now, fromMiddle);
    const long first = static_cast<long>(row) * roi.stride;
    const double perGain = roi.alike > 1 && roi.rowGain[row] > 0 ? 1 / roi.rowGain[row] : 0;
    Lanes w0{}, wq{}, wy{}, qq{}, qy{}, yy{};
    Lanes wf[functions] = {}, qf[functions] = {}, fy[functions] = {}, ff[functions][functions] = {};
    for (int i = 0; i < roi.stride; i += kLanes) {
      Lanes present[3], then[3], f[functions];
      const Lanes t = alongNow.at(i);
      const Lanes lightNow = lightAt<shape>(alongNow, t, ground, sign, present);
      const Lanes lightThen = lightAt<shape>(alongBefore, alongBefore.at(i), ground, sign, then);
      const Lanes w = loadLanes(roi.weight + first + i), value = loadLanes(roi.y + first + i);
      const Lanes inverse = 1.0 / lightThen, known = loadLanes(roi.kept + first + i) * inverse;
      const Lanes base = loadLanes(roi.base + first + i);
      Lanes plain = base + known, gain = plain;
      // A change of the shape that both have changes what the reference says about the speckle.
      Lanes drag = known * lightNow * inverse;
      if (roi.alike > 1) drag *= roi.alike / (roi.alike - (roi.alike - 1.0) * perGain * base);
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
        // Asymmetry: for a Gaussian the effect of its third moment, for a Lorentzian what makes it a Fano line, for a Fano line
        // its phase.
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

static void trackNormals(const TrackRows& roi, const Anchor& anchor, const TrackedLine& at, unsigned free, TrackNormals& out) {
  out = {};
  withShape(roi.line, [&](auto shape) { normalsOfTracked<shape.value>(roi, anchor, at, free, out); });
}

}  // namespace phorest::PHOREST_TARGET
