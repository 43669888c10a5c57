// The Voigt line, a Gaussian convolved with a Lorentzian; the same formulas as in native/voigt.h.

/** Number of terms of Weideman's series for the Faddeeva function; 24 are accurate to 2e-10. */
const TERMS = 24;
const LENGTH = Math.sqrt(TERMS / Math.SQRT2);
const SERIES = series();
/**
 * Half-width of a Voigt line from those of its parts: f = a l + sqrt(b l² + g²), accurate to 0.02 % (Olivero and Longbothum
 * 1977).
 */
const OWN = 0.5346;
const JOINED = (1 - OWN) ** 2;

/** Computes the coefficients of the series: J. A. C. Weideman, SIAM J. Numer. Anal. 31 (1994) 1497, equations 38 to 40. */
function series(): Float64Array {
  const terms = new Float64Array(TERMS);
  const points = 2 * TERMS;
  for (let k = 1 - points; k < points; k++) {
    const angle = (k * Math.PI) / points;
    const x = LENGTH * Math.tan(angle / 2);
    const value = (Math.exp(-x * x) * (LENGTH ** 2 + x * x)) / (2 * points);
    for (let n = 0; n < TERMS; n++) terms[n] = (terms[n] ?? 0) + value * Math.cos((n + 1) * angle);
  }
  return terms;
}

/** Returns the real part of the Faddeeva function w(x + iy), y >= 0. */
function faddeeva(x: number, y: number): number {
  const size = 1 / ((LENGTH + y) ** 2 + x * x);
  const [r, i] = [(LENGTH + y) * size, x * size];
  const [zr, zi] = [(LENGTH ** 2 - y * y - x * x) * size, 2 * LENGTH * i];
  let [pr, pi] = [0, 0];
  for (let n = TERMS - 1; n >= 0; n--) [pr, pi] = [pr * zr - pi * zi + (SERIES[n] ?? 0), pr * zi + pi * zr];
  return 2 * pr * (r * r - i * i) - 4 * pi * r * i + r / Math.sqrt(Math.PI);
}

/**
 * Returns a Voigt line of height 1 and half-width 1 at half height. `share` is the half-width of its Lorentzian alone, 0 (a
 * Gaussian) to 1 (a Lorentzian).
 */
export function voigtLine(share: number): (t: number) => number {
  if (share >= 1) return (t) => 1 / (1 + t * t);
  const scale = Math.sqrt(Math.LN2 / ((1 - OWN * share) ** 2 - JOINED * share * share));
  const middle = faddeeva(0, scale * share);
  return (t) => faddeeva(scale * t, scale * share) / middle;
}
