// y = base + even * E, E = exp(-t^2 / 2), t = (x - centre) / width: only centre and width are searched, the linear parameters
// follow from them (variable projection). Rows come without their mean, so centring the basis functions accounts for every sum
// with the constant.
#pragma once
#include "fit/lanes.h"

namespace phorest::PHOREST_TARGET {

struct Gaussian {
  static constexpr int kParameters = 4;
  static constexpr bool kFano = false;

  static inline Lanes bell(Lanes t) {
    const Lanes exponent = -0.5 * t * t;
    return select(exponent < -700.0, fill(0.0), exponential(larger(exponent, fill(-700.0))));
  }

  /**
   * Visits exp(-t^2/2) at equidistant points with two multiplications each, restarted before rounding or underflow can matter: 16
   * points at the smallest width of half a pixel span 32 widths, 64 at the smallest smooth one in bins 22, so that exp(-t^2/2)
   * can reach zero only where it is negligible.
   */
  template <int kRestart, class Visit>
  __attribute__((always_inline)) static inline void walk(int count, double first, double spacing, Lanes centre, Lanes width, Visit visit) {
    const Lanes inverse = 1.0 / width;
    const Lanes h = spacing * inverse;
    const Lanes halfSquare = 0.5 * h * h;
    const Lanes ratioOfRatios = exponential(larger(-2.0 * halfSquare, fill(-700.0)));
    for (int start = 0; start < count; start += kRestart) {
      Lanes t = (first + spacing * start - centre) * inverse;
      Lanes e = bell(t);
      Lanes ratio = exponential(within(-(t * h + halfSquare), -700.0, 700.0));
      const int end = start + kRestart < count ? start + kRestart : count;
      for (int i = start; i < end; ++i) {
        visit(i, t, e);
        e *= ratio;
        ratio *= ratioOfRatios;
        t += h;
      }
    }
  }

  static constexpr int kRestart = 16, kSmoothRestart = 64;

  /** Sums of t^k exp(-rate t^2 / 2) for k = 0 to 4. */
  struct Moments {
    Lanes of[5];
  };

  /**
   * Computes the higher sums from that for k = 0: t^k f differentiated by t is k t^(k-1) f - rate t^(k+1) f, and the sum of a
   * derivative is the function at the edges, with Euler-Maclaurin terms. `low` and `high` are f there.
   */
  static inline Moments momentsFrom(Lanes zeroth, double rate, Lanes a, Lanes low, Lanes b, Lanes high, Lanes h) {
    constexpr int kTerms = 3, kPowers = 4 + 2 * kTerms;
    Lanes edge[kPowers];
    for (int k = 0; k < kPowers; ++k) {
      edge[k] = high - low;
      low *= a, high *= b;
    }
    const Lanes square = h * h;
    Lanes sum[4] = {edge[0], edge[1], edge[2], edge[3]}, step = square;
    for (int term = 0; term < kTerms; ++term) {
      // Differentiated twice.
      Lanes next[kPowers];
      const int left = kPowers - 2 * (term + 1);
      for (int k = 0; k < left; ++k) {
        next[k] = (rate * rate) * edge[k + 2] - (rate * (2 * k + 1)) * edge[k];
        if (k >= 2) next[k] += (1.0 * k * (k - 1)) * edge[k - 2];
      }
      for (int k = 0; k < left; ++k) edge[k] = next[k];
      for (int k = 0; k < 4; ++k) sum[k] += (kMidpoint[term] * step) * edge[k];
      step *= square;
    }
    const Lanes perStep = 1.0 / h;
    Moments moments{{zeroth}};
    for (int k = 0; k < 4; ++k) {
      const Lanes lower = k == 0 ? fill(0.0) : (1.0 * k) * moments.of[k - 1];
      moments.of[k + 1] = (lower - sum[k] * perStep) * (1 / rate);
    }
    return moments;
  }

  /** `smooth`: compute the model's own sums without its points, which is accurate for lines that are wide enough. */
  static inline Pass evaluate(const Lanes* y, int count, double first, double spacing, Lanes centre, Lanes width,
                              Lanes total, bool smooth) {
    Lanes e0{}, e1{}, e2{}, e3{}, e4{}, s0{}, s1{}, s2{}, s3{}, s4{}, d0{}, d1{}, d2{}, d3{}, d4{};
    if (smooth) {
      walk<kSmoothRestart>(count, first, spacing, centre, width, [&](int i, Lanes t, Lanes e) __attribute__((always_inline)) {
        Lanes q = y[i] * e;
        e0 += e, s0 += e * e, d0 += q;
        q *= t, d1 += q;
        q *= t, d2 += q;
        q *= t, d3 += q;
        d4 += q * t;
      });
      const Lanes h = spacing / width;
      const Lanes a = (first - 0.5 * spacing - centre) / width, b = a + 1.0 * count * h;
      const Lanes low = bell(a), high = bell(b);
      const Moments e = momentsFrom(e0, 1, a, low, b, high, h), s = momentsFrom(s0, 2, a, low * low, b, high * high, h);
      e1 = e.of[1], e2 = e.of[2], e3 = e.of[3], e4 = e.of[4];
      s1 = s.of[1], s2 = s.of[2], s3 = s.of[3], s4 = s.of[4];
    } else {
      walk<kRestart>(count, first, spacing, centre, width, [&](int i, Lanes t, Lanes e) __attribute__((always_inline)) {
        Lanes p = e, q = y[i] * e, s = e * e;
        e0 += p, d0 += q, s0 += s;
        p *= t, q *= t, s *= t;
        e1 += p, d1 += q, s1 += s;
        p *= t, q *= t, s *= t;
        e2 += p, d2 += q, s2 += s;
        p *= t, q *= t, s *= t;
        e3 += p, d3 += q, s3 += s;
        e4 += p * t, d4 += q * t, s4 += s * t;
      });
    }
    const double n = 1.0 / count;
    // Products of the centred functions E, Et, Et^2 and of E with Et^3, Et^4.
    const Lanes g00 = s0 - e0 * e0 * n, g01 = s1 - e0 * e1 * n, g02 = s2 - e0 * e2 * n;
    const Lanes g03 = s3 - e0 * e3 * n, g04 = s4 - e0 * e4 * n;
    const Lanes g11 = s2 - e1 * e1 * n, g12 = s3 - e1 * e2 * n, g22 = s4 - e2 * e2 * n;
    const Mask usable = g00 > 1e-13 * s0;
    const Lanes inverse = select(usable, 1.0 / select(usable, g00, fill(1.0)), fill(0.0));
    const Lanes a = d0 * inverse;
    Pass pass;
    pass.sse = total - a * d0;
    // Residual times Et^k.
    const Lanes r1 = d1 - a * g01, r2 = d2 - a * g02, r3 = d3 - a * g03, r4 = d4 - a * g04;
    const Lanes aa = a * a;
    const Lanes hu = a * g01 - r1, hv = a * g02 - r2;
    solve(pass, -a * r1, -a * r2, aa * (g11 - g01 * g01 * inverse), aa * (g12 - g01 * g02 * inverse),
          aa * (g22 - g02 * g02 * inverse), aa * g11 - a * r2 - hu * hu * inverse,
          aa * g12 - a * (r3 - 2.0 * r1) - hu * hv * inverse, aa * g22 - a * (r4 - 2.0 * r2) - hv * hv * inverse);
    return pass;
  }

  /** Computes the linear parameters at the final centre and width, and the residuals themselves. */
  static inline Curve finish(const Lanes* y, int count, Lanes centre, Lanes width, Lanes* residual, Lanes*) {
    Lanes e0{}, s0{}, d0{};
    walk<kRestart>(count, 0.0, 1.0, centre, width, [&](int i, Lanes, Lanes e) __attribute__((always_inline)) {
      residual[i] = e;
      e0 += e, s0 += e * e, d0 += y[i] * e;
    });
    const Lanes g00 = s0 - e0 * e0 / count;
    const Mask usable = g00 > 1e-13 * s0;
    Curve curve;
    curve.even = select(usable, d0 / select(usable, g00, fill(1.0)), fill(0.0));
    curve.odd = fill(0.0);
    curve.base = -curve.even * e0 / count;
    curve.sse = sum(0, count, [&](int i) __attribute__((always_inline)) {
      const Lanes r = (y[i] - curve.base) - curve.even * residual[i];
      residual[i] = r;
      return r * r;
    });
    return curve;
  }
};

}  // namespace phorest::PHOREST_TARGET
