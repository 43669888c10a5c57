// Concentrations as people write them: 40 nM instead of 4e-8 M.

const PREFIXES: readonly (readonly [exponent: number, unit: string])[] = [
  [0, "M"],
  [-3, "mM"],
  [-6, "µM"],
  [-9, "nM"],
  [-12, "pM"],
  [-15, "fM"],
];

const prefixOf = (exponent: number) => PREFIXES.find(([from]) => exponent >= from) ?? ([-15, "fM"] as const);

/** Returns a power of ten of M in words: "10 nM" for -8. */
export function molar(exponent: number): string {
  const [least, unit] = prefixOf(exponent);
  return `${Number((10 ** (exponent - least)).toPrecision(1))} ${unit}`;
}

/** Returns the unit in which a concentration, in M, has one to three digits before the point, and the factor from M to it. */
export function molarUnit(typical: number): { readonly unit: string; readonly factor: number } {
  const [least, unit] = prefixOf(typical > 0 ? Math.log10(typical) : 0);
  return { unit, factor: 10 ** -least };
}
