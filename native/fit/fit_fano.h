// y = base + even * L + odd * tL, L = 1 / (1 + t^2), t = (x - centre) / width: a Fano line with its amplitude and
// asymmetry written as two linear parameters. With z = 1 / (1 - it) = L + i tL the line is base + Re[(even - i odd) z],
// dz/dt = i z^2 and itz = z - 1, so every derivative is a power of z and every product of two functions reduces to L^k, tL^k.
#pragma once
#include "fit/lanes.h"

namespace phorest::PHOREST_TARGET {

struct Fano {
  static constexpr int kParameters = 5;
  static constexpr bool kFano = true;

  /** Visits t and L at equidistant points; four points share one division, by far the slowest operation. */
  template <class Visit>
  __attribute__((always_inline)) static inline void walk(int count, double first, double spacing, Lanes centre, Lanes width, Visit visit) {
    const Lanes inverse = 1.0 / width;
    const Lanes h = spacing * inverse;
    int i = 0;
    for (; i + 4 <= count; i += 4) {
      const Lanes t0 = (first + spacing * i - centre) * inverse;
      const Lanes t1 = t0 + h, t2 = t0 + 2.0 * h, t3 = t0 + 3.0 * h;
      const Lanes b0 = 1.0 + t0 * t0, b1 = 1.0 + t1 * t1, b2 = 1.0 + t2 * t2, b3 = 1.0 + t3 * t3;
      const Lanes low = b0 * b1, high = b2 * b3;
      const Lanes all = 1.0 / (low * high);
      const Lanes invLow = high * all, invHigh = low * all;
      visit(i, t0, b1 * invLow);
      visit(i + 1, t1, b0 * invLow);
      visit(i + 2, t2, b3 * invHigh);
      visit(i + 3, t3, b2 * invHigh);
    }
    for (; i < count; ++i) {
      const Lanes t = (first + spacing * i - centre) * inverse;
      visit(i, t, 1.0 / (1.0 + t * t));
    }
  }

  /** Solves the 2 x 2 system of the linear parameters; `usable` is false if the two functions are not independent. */
  struct Linear {
    Lanes aa, ab, bb, inverse;
    Linear(Lanes gaa, Lanes gab, Lanes gbb) : aa(gaa), ab(gab), bb(gbb) {
      const Lanes determinant = gaa * gbb - gab * gab;
      const Mask usable = (gaa > 0.0) & (determinant > 1e-13 * (gaa * gbb));
      inverse = select(usable, 1.0 / select(usable, determinant, fill(1.0)), fill(0.0));
    }
    Lanes first(Lanes x, Lanes y) const { return (bb * x - ab * y) * inverse; }
    Lanes second(Lanes x, Lanes y) const { return (aa * y - ab * x) * inverse; }
    Lanes quadratic(Lanes x, Lanes y, Lanes u, Lanes v) const { return x * first(u, v) + y * second(u, v); }
  };

  /** Sums of L^k and tL^k, k from 1 to 4. */
  struct Sums {
    Lanes l1{}, l2{}, l3{}, l4{}, m1{}, m2{}, m3{}, m4{};
  };

  /**
   * Computes the sums for k = 2 to 4 from those for k = 1 with the Euler-Maclaurin formula for z^k: its integral is z^(k-1) / (i
   * (k-1)), its derivative of order m is i^m k (k+1) ... (k+m-1) z^(k+m), so only powers of z at the edges `a` and `b` are
   * needed, and z^k gives L^k and tL^k.
   */
  static inline void addHigherSums(Sums& sums, Lanes a, Lanes b, Lanes h) {
    constexpr int kTerms = 4, kPowers = 4 + 2 * kTerms;  // of z, from 1 to kPowers - 1
    Lanes real[kPowers], imaginary[kPowers];
    {
      const Lanes zRa = 1.0 / (1.0 + a * a), zIa = a * zRa, zRb = 1.0 / (1.0 + b * b), zIb = b * zRb;
      Lanes ra = zRa, ia = zIa, rb = zRb, ib = zIb;
      for (int k = 1; k < kPowers; ++k) {
        real[k] = rb - ra, imaginary[k] = ib - ia;
        const Lanes nextA = ra * zRa - ia * zIa, nextB = rb * zRb - ib * zIb;
        ia = ra * zIa + ia * zRa, ib = rb * zIb + ib * zRb;
        ra = nextA, rb = nextB;
      }
    }
    const Lanes square = h * h, perStep = 1.0 / h;
    Lanes re[5], im[5];
    for (int k = 2; k <= 4; ++k) {
      Lanes r = real[k - 1] * (perStep * (1.0 / (k - 1))), i = imaginary[k - 1] * (perStep * (1.0 / (k - 1)));
      double rising = k;
      Lanes step = h;
      for (int term = 0; term < kTerms; ++term) {
        // The sign of i^(2 term + 1) / i is the opposite of that of kMidpoint[term].
        const double factor = (kMidpoint[term] < 0 ? -kMidpoint[term] : kMidpoint[term]) * rising;
        r += (factor * step) * real[k + 2 * term + 1], i += (factor * step) * imaginary[k + 2 * term + 1];
        rising *= (k + 2 * term + 1.0) * (k + 2 * term + 2.0);
        step *= square;
      }
      re[k] = i, im[k] = -r;
    }
    sums.l2 = 0.5 * (re[2] + sums.l1), sums.m2 = 0.5 * im[2];
    sums.l3 = 0.25 * (re[3] + 3.0 * sums.l2), sums.m3 = 0.25 * (im[3] + sums.m2);
    sums.l4 = 0.125 * (re[4] - sums.l2) + sums.l3, sums.m4 = 0.125 * im[4] + 0.5 * sums.m3;
  }

  /** `smooth`: compute the model's own sums without its points, which is accurate for lines that are wide enough. */
  static inline Pass evaluate(const Lanes* y, int count, double first, double spacing, Lanes centre, Lanes width,
                              Lanes total, bool smooth) {
    Lanes l1{}, l2{}, l3{}, l4{}, m1{}, m2{}, m3{}, m4{}, dl1{}, dl2{}, dl3{}, dm1{}, dm2{}, dm3{};
    if (smooth) {
      walk(count, first, spacing, centre, width, [&](int i, Lanes t, Lanes l) __attribute__((always_inline)) {
        const Lanes yl = y[i] * l, yl2 = yl * l, yl3 = yl2 * l;
        l1 += l, m1 += l * t;
        dl1 += yl, dl2 += yl2, dl3 += yl3;
        dm1 += yl * t, dm2 += yl2 * t, dm3 += yl3 * t;
      });
      const Lanes h = spacing / width, a = (first - 0.5 * spacing - centre) / width;
      Sums sums;
      sums.l1 = l1, sums.m1 = m1;
      addHigherSums(sums, a, a + 1.0 * count * h, h);
      l2 = sums.l2, l3 = sums.l3, l4 = sums.l4, m2 = sums.m2, m3 = sums.m3, m4 = sums.m4;
    } else {
      walk(count, first, spacing, centre, width, [&](int i, Lanes t, Lanes l) __attribute__((always_inline)) {
        const Lanes square = l * l, cube = square * l, fourth = square * square, value = y[i];
        const Lanes yl = value * l, yl2 = yl * l, yl3 = yl2 * l;
        l1 += l, l2 += square, l3 += cube, l4 += fourth;
        m1 += l * t, m2 += square * t, m3 += cube * t, m4 += fourth * t;
        dl1 += yl, dl2 += yl2, dl3 += yl3;
        dm1 += yl * t, dm2 += yl2 * t, dm3 += yl3 * t;
      });
    }
    const double n = 1.0 / count;
    // Products of the centred functions L, tL, L^2, tL^2 (named a, b, c, d), using t^2 L = 1 - L.
    const Lanes aa = l2 - l1 * l1 * n, ab = m2 - l1 * m1 * n, ac = l3 - l1 * l2 * n, ad = m3 - l1 * m2 * n;
    const Lanes bb = (l1 - l2) - m1 * m1 * n, bc = m3 - m1 * l2 * n, bd = (l2 - l3) - m1 * m2 * n;
    const Lanes cc = l4 - l2 * l2 * n, cd = m4 - l2 * m2 * n, dd = (l3 - l4) - m2 * m2 * n;
    const Linear linear(aa, ab, bb);
    const Lanes even = linear.first(dl1, dm1), odd = linear.second(dl1, dm1);
    Pass pass;
    pass.sse = total - even * dl1 - odd * dm1;
    // Residual times L^2, tL^2, L^3, tL^3, and from them times z^2 and z^3.
    const Lanes rc = dl2 - even * ac - odd * bc, rd = dm2 - even * ad - odd * bd;
    const Lanes re = dl3 - even * (l4 - l1 * l3 * n) - odd * (m4 - m1 * l3 * n);
    const Lanes rf = dm3 - even * (m4 - l1 * m3 * n) - odd * ((l3 - l4) - m1 * m3 * n);
    const Lanes z2r = 2.0 * rc, z2i = 2.0 * rd, z3r = 4.0 * re - 3.0 * rc, z3i = 4.0 * rf - rd;
    // Line differentiated by centre: odd*a - 2 odd*c + 2 even*d; by log width: 2 even*a + odd*b - 2 even*c - 2 odd*d.
    const Lanes uc = -2.0 * odd, ud = 2.0 * even, vc = -2.0 * even, vd = -2.0 * odd;
    const Lanes ua = odd, va = 2.0 * even, vb = odd;
    // Their products with a and b, and Gauss-Newton's matrix with a and b eliminated.
    const Lanes uA = ua * aa + uc * ac + ud * ad, uB = ua * ab + uc * bc + ud * bd;
    const Lanes vA = va * aa + vb * ab + vc * ac + vd * ad, vB = va * ab + vb * bb + vc * bc + vd * bd;
    const Lanes uC = ua * ac + uc * cc + ud * cd, uD = ua * ad + uc * cd + ud * dd;
    const Lanes vC = va * ac + vb * bc + vc * cc + vd * cd, vD = va * ad + vb * bd + vc * cd + vd * dd;
    const Lanes uu = ua * uA + uc * uC + ud * uD, uv = va * uA + vb * uB + vc * uC + vd * uD;
    const Lanes vv = va * vA + vb * vB + vc * vC + vd * vD;
    const Lanes pcc = cc - linear.quadratic(ac, bc, ac, bc), pcd = cd - linear.quadratic(ac, bc, ad, bd);
    const Lanes pdd = dd - linear.quadratic(ad, bd, ad, bd);
    const Lanes guu = uc * uc * pcc + 2.0 * uc * ud * pcd + ud * ud * pdd;
    const Lanes guv = uc * vc * pcc + (uc * vd + ud * vc) * pcd + ud * vd * pdd;
    const Lanes gvv = vc * vc * pcc + 2.0 * vc * vd * pcd + vd * vd * pdd;
    // Newton: second derivatives against the residual, also between linear and non-linear parameters.
    const Lanes huA = uA - z2i, huB = uB + z2r, hvA = vA + z2r, hvB = vB + z2i;
    const Lanes huu = uu + 2.0 * (even * z3r + odd * z3i) - linear.quadratic(huA, huB, huA, huB);
    const Lanes huv = uv - (odd * (2.0 * z3r - z2r) - even * (2.0 * z3i - z2i)) - linear.quadratic(huA, huB, hvA, hvB);
    const Lanes hvv = vv - (even * (2.0 * z3r - 3.0 * z2r) + odd * (2.0 * z3i - 3.0 * z2i)) -
                      linear.quadratic(hvA, hvB, hvA, hvB);
    solve(pass, odd * z2r - even * z2i, even * z2r + odd * z2i, guu, guv, gvv, huu, huv, hvv);
    return pass;
  }

  /** Computes the linear parameters at the final centre and width, and the residuals themselves. */
  static inline Curve finish(const Lanes* y, int count, Lanes centre, Lanes width, Lanes* residual, Lanes* odds) {
    Lanes l1{}, l2{}, m1{}, m2{}, d{}, e{};
    walk(count, 0.0, 1.0, centre, width, [&](int i, Lanes t, Lanes l) __attribute__((always_inline)) {
      const Lanes m = t * l;
      residual[i] = l, odds[i] = m;
      l1 += l, l2 += l * l, m1 += m, m2 += l * m, d += y[i] * l, e += y[i] * m;
    });
    const double n = 1.0 / count;
    const Linear linear(l2 - l1 * l1 * n, m2 - l1 * m1 * n, (l1 - l2) - m1 * m1 * n);
    Curve curve;
    curve.even = linear.first(d, e);
    curve.odd = linear.second(d, e);
    curve.base = -(curve.even * l1 + curve.odd * m1) * n;
    curve.sse = sum(0, count, [&](int i) __attribute__((always_inline)) {
      const Lanes r = (y[i] - curve.base) - curve.even * residual[i] - curve.odd * odds[i];
      residual[i] = r;
      return r * r;
    });
    return curve;
  }
};

}  // namespace phorest::PHOREST_TARGET
