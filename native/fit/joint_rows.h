// The passes of the joint fit over an ROI's samples, with the samples of a row in lanes.
#pragma once
#include <limits>

#include "fit/joint.h"
#include "fit/lanes.h"
#include "fit/voigt.h"

namespace phorest::PHOREST_TARGET {

static inline Lanes loadLanes(const double* from) {
  Lanes value;
  __builtin_memcpy(&value, from, sizeof(Lanes));
  return value;
}

static inline void storeLanes(double* to, Lanes value) { __builtin_memcpy(to, &value, sizeof(Lanes)); }

static inline double across(Lanes value) {
  double total = 0;
  for (int lane = 0; lane < kLanes; ++lane) total += value[lane];
  return total;
}

/** Values that are the same for all rows of a line of this shape. */
struct PreparedLine : SharedLine {
  double inverse, cosine, sine;
  VoigtLine voigt;
  PreparedLine(Line kind, const SharedLine& line)
      : SharedLine(line),
        inverse(__builtin_exp(-line.logWidth)),
        cosine(__builtin_cos(line.phase)),
        sine(__builtin_sin(line.phase)),
        voigt(kind == Line::voigt ? VoigtLine(line.phase) : VoigtLine()) {}
};

/** A type that stands for a line shape, to select a template by it. */
template <Line line>
struct Shape {
  static constexpr Line value = line;
};

/** Calls the code that was compiled for the shape of a line. */
template <class Work>
static inline void withShape(Line line, Work work) {
  switch (line) {
    case Line::gaussian: return work(Shape<Line::gaussian>{});
    case Line::fano: return work(Shape<Line::fano>{});
    case Line::lorentzian: return work(Shape<Line::lorentzian>{});
    case Line::voigt: return work(Shape<Line::voigt>{});
  }
}

/** Where a row's samples are in t, and the shape of the line. */
struct RowLine {
  Lanes start;
  double inverse, cosine, sine;
  const VoigtLine& voigt;  // of the prepared line
  RowLine(const PreparedLine& line, double row)
      : inverse(line.inverse), cosine(line.cosine), sine(line.sine), voigt(line.voigt) {
    for (int lane = 0; lane < kLanes; ++lane) start[lane] = (lane - line.centre - line.slope * row) * inverse;
  }
  Lanes at(int i) const { return start + i * inverse; }
};

/** Computes the shape S of the line, and its derivatives by t (u) and by phase (d). */
template <Line line>
static inline void shapeAt(const RowLine& along, Lanes t, Lanes& s, Lanes& u, Lanes& d) {
  if constexpr (line == Line::gaussian) {
    s = exponential(larger(-0.5 * t * t, fill(-700.0)));
    u = -t * s;
    d = fill(0.0);
  } else if constexpr (line == Line::lorentzian) {
    s = 1.0 / (1.0 + t * t);
    u = -2.0 * t * s * s;
    d = fill(0.0);
  } else if constexpr (line == Line::voigt) {
    voigtAt(along.voigt, t, s, u, d);
  } else {
    const Lanes l = 1.0 / (1.0 + t * t), m = t * l;
    s = along.cosine * l + along.sine * m;
    u = along.sine * (l - 2.0 * m * m) - along.cosine * (2.0 * m * l);
    d = along.cosine * m - along.sine * l;
  }
}

/**
 * Computes the normal equations of the shared parameters, with each row's height and offset eliminated and stored (Kaufman's
 * matrix).
 */
template <Line shape>
static void normalsOf(const JointRows& roi, const SharedLine& shared, Normals& out) {
  const PreparedLine line(shape, shared);
  out = {};
  for (int row = 0; row < roi.rows; ++row) {
    const double fromMiddle = row - (roi.rows - 1) / 2.0;
    const RowLine along(line, fromMiddle);
    const double* y = roi.y + static_cast<long>(row) * roi.stride;
    const double* weight = roi.weight + static_cast<long>(row) * roi.stride;
    // S is the shape, U its derivative by t, V = tU that by log width, D that by phase.
    Lanes w0{}, ws{}, wy{}, wu{}, wv{}, wd{}, ss{}, sy{}, yy{}, us{}, uy{}, uu{}, vs{}, vy{}, vv{}, uv{}, ds{}, dy{}, dd{}, ud{},
        vd{};
    for (int i = 0; i < roi.stride; i += kLanes) {
      const Lanes t = along.at(i);
      Lanes s, u, d;
      shapeAt<shape>(along, t, s, u, d);
      const Lanes v = u * t;
      const Lanes w = loadLanes(weight + i), value = loadLanes(y + i);
      const Lanes wS = w * s, wY = w * value, wU = w * u, wV = w * v, wD = w * d;
      w0 += w, ws += wS, wy += wY, wu += wU, wv += wV, wd += wD;
      ss += wS * s, sy += wS * value, yy += wY * value;
      us += wU * s, uy += wU * value, uu += wU * u;
      vs += wV * s, vy += wV * value, vv += wV * v, uv += wU * v;
      ds += wD * s, dy += wD * value, dd += wD * d, ud += wU * d, vd += wV * d;
    }
    const double sumW = across(w0);
    roi.height[row] = roi.offset[row] = roi.firmness[row] = 0;
    if (!(sumW > 0)) continue;
    const double sumS = across(ws), sumY = across(wy), sumU = across(wu), sumV = across(wv), sumD = across(wd);
    const auto centred = [sumW](Lanes product, double a, double b) { return across(product) - a * b / sumW; };
    const double cSS = centred(ss, sumS, sumS), cSY = centred(sy, sumS, sumY), cYY = centred(yy, sumY, sumY);
    if (!(cSS > 1e-12 * across(ss))) {
      out.cost += cYY;
      roi.offset[row] = sumY / sumW;
      continue;
    }
    const double height = cSY / cSS;
    roi.height[row] = height;
    roi.offset[row] = (sumY - height * sumS) / sumW;
    roi.firmness[row] = cSS;
    out.cost += cYY - height * cSY;
    const double byS[3] = {centred(us, sumU, sumS), centred(vs, sumV, sumS), centred(ds, sumD, sumS)};
    const double byY[3] = {centred(uy, sumU, sumY), centred(vy, sumV, sumY), centred(dy, sumD, sumY)};
    const double uvAll = centred(uv, sumU, sumV), udAll = centred(ud, sumU, sumD), vdAll = centred(vd, sumV, sumD);
    const double product[3][3] = {{centred(uu, sumU, sumU), uvAll, udAll},
                                  {uvAll, centred(vv, sumV, sumV), vdAll},
                                  {udAll, vdAll, centred(dd, sumD, sumD)}};
    // Shared parameter k moves the line by factor[k] times function which[k].
    const double factor[kShared] = {-along.inverse, -along.inverse * fromMiddle, -1, 1};
    constexpr int which[kShared] = {0, 0, 1, 2};
    for (int k = 0; k < kShared; ++k) {
      const int a = which[k];
      out.right[k] += factor[k] * height * (byY[a] - byS[a] * height);
      for (int j = 0; j < kShared; ++j) {
        const int b = which[j];
        out.matrix[k][j] += factor[k] * factor[j] * height * height * (product[a][b] - byS[a] * byS[b] / cSS);
      }
    }
  }
}

/** Writes the typical model and the residual of every sample, using the heights and offsets of the last normals. */
template <Line shape>
static void traceOf(const JointRows& roi, const SharedLine& shared) {
  const PreparedLine line(shape, shared);
  for (int row = 0; row < roi.rows; ++row) {
    const RowLine along(line, row - (roi.rows - 1) / 2.0);
    const long first = static_cast<long>(row) * roi.stride;
    for (int i = 0; i < roi.stride; i += kLanes) {
      Lanes s, u, d;
      shapeAt<shape>(along, along.at(i), s, u, d);
      storeLanes(roi.model + first + i, roi.typicalOffset + roi.typicalHeight * s);
      storeLanes(roi.residual + first + i, loadLanes(roi.y + first + i) - roi.offset[row] - roi.height[row] * s);
    }
  }
}

/** Visits the samples of all rows: their offset in memory, and which of them are samples and not padding. */
template <class Visit>
__attribute__((always_inline)) static inline void eachSample(const JointRows& roi, Visit visit) {
  Lanes lane;
  for (int k = 0; k < kLanes; ++k) lane[k] = k;
  for (int row = 0; row < roi.rows; ++row) {
    const long first = static_cast<long>(row) * roi.stride;
    for (int i = 0; i < roi.width; i += kLanes) visit(first + i, lane + i < 1.0 * roi.width);
  }
}

/**
 * Finds the range of `model` and the sizes of `residual` by it, over the samples that `each` visits as (offset in memory, which
 * of them count); `typical` is negative if none does. `edge`: where each bin begins in the range, 0 to 1.
 */
template <bool withModels, class Each, class Edge>
static inline void noiseSizes(Each each, Edge edge, const double* model, const double* residual, NoiseSizes& out) {
  const double infinite = std::numeric_limits<double>::infinity();
  Lanes low = fill(infinite), high = fill(-infinite), sum{}, counted{};
  each([&](long at, Mask counts) __attribute__((always_inline)) {
    const Lanes value = loadLanes(model + at);
    low = select(counts, smaller(low, value), low);
    high = select(counts, larger(high, value), high);
    sum += select(counts, absolute(loadLanes(residual + at)), fill(0.0));
    counted += select(counts, fill(1.0), fill(0.0));
  });
  out = {};
  out.low = infinite, out.high = -infinite;
  for (int k = 0; k < kLanes; ++k) {
    out.low = low[k] < out.low ? low[k] : out.low;
    out.high = high[k] > out.high ? high[k] : out.high;
  }
  const double all = across(counted);
  out.typical = all > 0 ? across(sum) / all : -1;
  if (!(all > 0)) return;
  const double range = out.high - out.low > 1e-9 ? out.high - out.low : 1e-9;
  // Sums of a bin and all above it; the bins themselves are the differences.
  Lanes size[kNoiseBins] = {}, count[kNoiseBins] = {}, models[kNoiseBins] = {};
  each([&](long at, Mask counts) __attribute__((always_inline)) {
    const Lanes value = loadLanes(model + at), place = (value - out.low) / range;
    const Lanes kept = smaller(absolute(loadLanes(residual + at)), fill(kDust * out.typical));
    for (int bin = 0; bin < kNoiseBins; ++bin) {
      Mask above = counts;
      if (bin > 0) above &= place >= edge(bin);
      size[bin] += select(above, kept, fill(0.0));
      count[bin] += select(above, fill(1.0), fill(0.0));
      if constexpr (withModels) models[bin] += select(above, value, fill(0.0));
    }
  });
  double sizeAbove = 0, countAbove = 0, modelAbove = 0;
  for (int bin = kNoiseBins - 1; bin >= 0; --bin) {
    const double allSize = across(size[bin]), allCount = across(count[bin]), allModel = across(models[bin]);
    out.sizes[bin] = allSize - sizeAbove, out.counts[bin] = allCount - countAbove, out.models[bin] = allModel - modelAbove;
    sizeAbove = allSize, countAbove = allCount, modelAbove = allModel;
  }
}

/** Finds the range of the model and the sizes of the residuals of the last trace. */
static void sizes(const JointRows& roi, NoiseSizes& out) {
  const auto edge = [](int bin) { return 1.0 * bin / kNoiseBins; };
  noiseSizes<false>([&](auto visit) { eachSample(roi, visit); }, edge, roi.model, roi.residual, out);
}

/** Returns one over the noise deviation, interpolated between the bins: each segment adds its part below the value. */
static inline Lanes inverseNoiseAt(const NoiseCurve& noise, Lanes model) {
  const Lanes place = within((model - noise.first) * noise.binsPerCount, 0.0, kNoiseBins - 1.001);
  Lanes inverse = fill(noise.inverse[0]);
  for (int bin = 0; bin + 1 < kNoiseBins; ++bin) {
    inverse += (noise.inverse[bin + 1] - noise.inverse[bin]) * within(place - 1.0 * bin, 0.0, 1.0);
  }
  return inverse;
}

/** Computes new weights from the residuals of the last trace: Joint::pullOf for every sample. */
static void weigh(const JointRows& roi, const NoiseCurve& noise) {
  eachSample(roi, [&](long at, Mask inside) __attribute__((always_inline)) {
    const Lanes model = loadLanes(roi.model + at), residual = loadLanes(roi.residual + at), y = loadLanes(roi.y + at);
    const Lanes inverse = inverseNoiseAt(noise, model);
    const Lanes size = absolute(residual), room = noise.ceiling - (y - residual);
    const Lanes part = residual * residual * (inverse * inverse * (1 / (kTukey * kTukey)));
    const Lanes kept = 1.0 - part;
    const Mask cut = size >= room, counts = inside & (room > 0.0) & (part < 1.0);
    const Lanes share = select(cut, room / select(cut, size, fill(1.0)), fill(1.0));
    storeLanes(roi.weight + at, select(counts, kept * kept * share * inverse * inverse, fill(0.0)));
  });
}

static void normals(const JointRows& roi, const SharedLine& line, Normals& out) {
  withShape(roi.line, [&](auto shape) { normalsOf<shape.value>(roi, line, out); });
}

static void trace(const JointRows& roi, const SharedLine& line) {
  withShape(roi.line, [&](auto shape) { traceOf<shape.value>(roi, line); });
}

}  // namespace phorest::PHOREST_TARGET
