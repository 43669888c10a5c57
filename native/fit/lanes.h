// Vector types and functions of the fits, one row per lane, in GCC vector extensions, so that the same source serves every vector
// unit. Included once per translation unit, after PHOREST_TARGET (a namespace) and PHOREST_LANES (rows at a time).
#pragma once

namespace phorest::PHOREST_TARGET {

constexpr int kLanes = PHOREST_LANES;
typedef double Lanes __attribute__((vector_size(8 * kLanes)));
typedef long long Mask __attribute__((vector_size(8 * kLanes)));

static inline Lanes fill(double value) { return value - Lanes{}; }
static inline Lanes select(Mask mask, Lanes yes, Lanes no) { return mask ? yes : no; }
static inline Lanes smaller(Lanes a, Lanes b) { return a < b ? a : b; }
static inline Lanes larger(Lanes a, Lanes b) { return a > b ? a : b; }
static inline Lanes absolute(Lanes a) {
  return reinterpret_cast<Lanes>(reinterpret_cast<Mask>(a) & 0x7fffffffffffffffLL);  // without the sign bit
}
static inline Lanes within(Lanes a, double low, double high) { return smaller(larger(a, fill(low)), fill(high)); }

/** Sums term(first) to term(end - 1), in four chains so that additions do not wait for each other. */
template <class Term>
__attribute__((always_inline)) static inline Lanes sum(int first, int end, Term term) {
  Lanes a{}, b{}, c{}, d{};
  int i = first;
  for (; i + 4 <= end; i += 4) {
    a += term(i);
    b += term(i + 1);
    c += term(i + 2);
    d += term(i + 3);
  }
  for (; i < end; ++i) a += term(i);
  return (a + b) + (c + d);
}

static inline bool all(Mask mask) {
  long long both = -1;
  for (int lane = 0; lane < kLanes; ++lane) both &= mask[lane];
  return both != 0;
}

/** exp(x) to 2 ulp for |x| <= 700. */
static inline Lanes exponential(Lanes x) {
  // Adding 1.5 * 2^52 rounds to an integer and leaves that integer in the low bits of the mantissa.
  constexpr double kRound = 6755399441055744.0;
  Lanes k = x * 1.4426950408889634074 + kRound;
  const Mask power = reinterpret_cast<Mask>(k) << 52;
  k -= kRound;
  const Lanes r = (x - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10;
  Lanes p = fill(1.0 / 479001600);
  p = p * r + 1.0 / 39916800;
  p = p * r + 1.0 / 3628800;
  p = p * r + 1.0 / 362880;
  p = p * r + 1.0 / 40320;
  p = p * r + 1.0 / 5040;
  p = p * r + 1.0 / 720;
  p = p * r + 1.0 / 120;
  p = p * r + 1.0 / 24;
  p = p * r + 1.0 / 6;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  return reinterpret_cast<Lanes>(reinterpret_cast<Mask>(p) + power);
}

/**
 * Coefficients of the Euler-Maclaurin formula for midpoints: the sum of f at points h apart is the integral F / h from half a
 * step before the first to half a step after the last, plus kMidpoint[k] * h^(2k+1) times f's derivative of order 2k + 1 there.
 */
constexpr double kMidpoint[] = {-1.0 / 24, 7.0 / 5760, -31.0 / 967680, 127.0 / 154828800};
/**
 * For lines at least this many points wide, the sums are smooth enough for the formula, to 1e-8 at worst; for half that width, to
 * 1e-3.
 */
constexpr double kSmoothWidth = 6;

/** Result of one pass over the samples at a trial (centre, width): everything needed for the next step and for the evaluation. */
struct Pass {
  Lanes sse;       // sum of squared residuals with the best linear parameters
  Lanes du, dv;    // step of the centre in widths, step of log(width)
  Lanes variance;  // of the centre in squared widths, for residuals of unit variance
  Mask newton;     // the step is Newton's, so the remaining error is about its square
};

/**
 * Solves for the two non-linear parameters: with Newton's matrix if it is positive definite, otherwise with the Gauss-Newton
 * matrix. `guu, guv, gvv` is the Gauss-Newton matrix, `huu, huv, hvv` Newton's, both with the linear parameters eliminated.
 */
static inline void solve(Pass& pass, Lanes gu, Lanes gv, Lanes guu, Lanes guv, Lanes gvv, Lanes huu, Lanes huv,
                         Lanes hvv) {
  const Lanes gaussDeterminant = guu * gvv - guv * guv;
  const Mask regular = (guu > 0.0) & (gvv > 0.0) & (gaussDeterminant > 1e-14 * (guu * gvv));
  pass.variance = select(regular, gvv / select(regular, gaussDeterminant, fill(1.0)), fill(-1.0));
  const Lanes newtonDeterminant = huu * hvv - huv * huv;
  pass.newton = (huu > 1e-3 * guu) & (hvv > 1e-3 * gvv) & (newtonDeterminant > 1e-4 * gaussDeterminant) &
                (newtonDeterminant > 1e-14 * (huu * hvv));
  const Lanes uu = select(pass.newton, huu, guu);
  const Lanes uv = select(pass.newton, huv, guv);
  const Lanes vv = select(pass.newton, hvv, gvv);
  const Mask solvable = pass.newton | regular;
  const Lanes inverse = 1.0 / select(solvable, uu * vv - uv * uv, fill(1.0));
  pass.du = select(solvable, (uv * gv - vv * gu) * inverse, fill(0.0));
  pass.dv = select(solvable, (uv * gu - uu * gv) * inverse, fill(0.0));
}

/** The linear parameters of a finished fit, on rows without their mean. */
struct Curve {
  Lanes even, odd, base;  // base + even * {E or L} + odd * tL
  Lanes sse;
};

}  // namespace phorest::PHOREST_TARGET
