// The Voigt line: a Gaussian convolved with a Lorentzian, the real part of the Faddeeva function w(z).
#pragma once

namespace phorest {

/** Terms of Weideman's series for w(z); 24 give it to 2e-10 in the upper half plane. */
constexpr int kFaddeevaTerms = 24;

/** J. A. C. Weideman, SIAM J. Numer. Anal. 31 (1994) 1497, equations 38 to 40. */
struct FaddeevaSeries {
  double length;
  double terms[kFaddeevaTerms];
};
extern const FaddeevaSeries kFaddeeva;

/** A complex number; samples of a row in lanes, or one number. */
template <class Number>
struct Complex {
  Number real, imaginary;
};

/** w(x + iy) for y >= 0. */
template <class Number>
static inline Complex<Number> faddeeva(Number x, double y) {
  constexpr double kOverRootPi = 0.564189583547756287;
  const double length = kFaddeeva.length;
  // 1 / (L - iz), and Z = (L + iz) / (L - iz), in which the series is a polynomial.
  const Number size = 1.0 / ((length + y) * (length + y) + x * x);
  const Number r = (length + y) * size, i = x * size;
  const Number zr = (length * length - y * y - x * x) * size, zi = 2.0 * length * i;
  Number pr = kFaddeeva.terms[kFaddeevaTerms - 1] + 0.0 * x, pi = 0.0 * x;
  for (int n = kFaddeevaTerms - 2; n >= 0; --n) {
    const Number next = pr * zr - pi * zi + kFaddeeva.terms[n];
    pi = pr * zi + pi * zr;
    pr = next;
  }
  const Number rr = 2.0 * (r * r - i * i), ri = 4.0 * r * i;
  return {pr * rr - pi * ri + kOverRootPi * r, pr * ri + pi * rr + kOverRootPi * i};
}

/** dw/dz = 2i / sqrt(pi) - 2zw. */
template <class Number>
static inline Complex<Number> faddeevaSlope(Number x, double y, const Complex<Number>& w) {
  constexpr double kTwoOverRootPi = 1.12837916709551257;
  return {-2.0 * (x * w.real - y * w.imaginary), kTwoOverRootPi - 2.0 * (x * w.imaginary + y * w.real)};
}

/**
 * Values that are the same for all samples of a Voigt line of height 1 and half-width 1. `share` is the half-width that its
 * Lorentzian would have alone: 0 is a Gaussian, 1 a Lorentzian.
 */
struct VoigtLine {
  double share = 0;   // share at which the formula is evaluated
  double beyond = 0;  // how much larger the requested share is; the line is extrapolated linearly
  double scale = 0;   // from t to z
  double growth = 0;  // derivative of `scale` by the share
  double height = 0;  // one over w in the middle
  double fall = 0;    // derivative of the middle's w by the share, as a part of it
  VoigtLine() = default;
  /** Accepts any share; fits may go slightly outside 0 to 1. */
  explicit VoigtLine(double asked);
};

/** The line's value at t, and its derivatives by t (u) and by the share (d). */
template <class Number>
static inline void voigtAt(const VoigtLine& line, Number t, Number& s, Number& u, Number& d) {
  const Number x = line.scale * t;
  const double y = line.scale * line.share, towards = line.growth * line.share + line.scale;
  const Complex<Number> w = faddeeva(x, y), slope = faddeevaSlope(x, y, w);
  const Number across = line.growth * t;
  s = line.height * w.real;
  u = line.height * line.scale * slope.real;
  d = line.height * (slope.real * across - slope.imaginary * towards) - line.fall * s;
  if (line.beyond == 0) return;
  // Second derivative of w, for that of d by t.
  const Number real = -2.0 * (w.real + x * slope.real - y * slope.imaginary);
  const Number imaginary = -2.0 * (w.imaginary + x * slope.imaginary + y * slope.real);
  const Number turn = line.scale * (real * across - imaginary * towards) + line.growth * slope.real;
  const Number steeper = line.height * turn - line.fall * u;
  s += line.beyond * d;
  u += line.beyond * steeper;
}

}  // namespace phorest
