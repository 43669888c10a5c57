// Converts concentrations between text, such as "50 nM", and M (mol/l), which the program uses.

/** The units of concentration, and what one of each is in M; the largest first. */
export const IN_MOLAR = { M: 1, mM: 1e-3, uM: 1e-6, nM: 1e-9, pM: 1e-12, fM: 1e-15 } as const;
export type ConcentrationUnit = keyof typeof IN_MOLAR;

const UNITS: Readonly<Record<string, number>> = IN_MOLAR;
/** Both characters for "micro" that keyboards have. */
const MICRO = /^[µμ]/u;

export const CONCENTRATION_UNITS = Object.keys(UNITS);

/** The rule for messages. */
export const CONCENTRATION_RULE = `a number and a unit (${CONCENTRATION_UNITS.join(", ")}), such as "50 nM"`;

/** Returns a concentration in M; undefined if the text is not one. Accepts a decimal comma. */
export function molarOf(text: string): number | undefined {
  const [, number = "", unit = ""] = /^([+\d.,eE-]+)\s*(\S+)$/u.exec(text.trim()) ?? [];
  const factor = UNITS[unit.replace(MICRO, "u")];
  const value = Number(number.replace(",", "."));
  if (factor === undefined || number === "" || !Number.isFinite(value)) return undefined;
  return inUnit(value, factor);
}

/** Returns a concentration in the unit that gives a number from 1 to 1000, with as many digits as it was given with. */
export function concentrationText(molar: number): string {
  const { unit, inM } = unitFor(molar);
  return `${Number((molar / inM).toPrecision(12))} ${unit}`;
}

/** Returns the unit in which a concentration, in M, is a number from 1 to 1000, and the factor from M to it. */
export function concentrationUnit(molar: number): { readonly unit: string; readonly factor: number } {
  const { unit, inM } = unitFor(molar);
  return { unit, factor: Math.round(1 / inM) };
}

function unitFor(molar: number): { readonly unit: string; readonly inM: number } {
  if (molar === 0) return { unit: "M", inM: 1 };
  const fits = CONCENTRATION_UNITS.find((unit) => Math.abs(molar) >= (UNITS[unit] as number) * (1 - 1e-9));
  const unit = fits ?? (CONCENTRATION_UNITS.at(-1) as string);
  return { unit: unit === "uM" ? "µM" : unit, inM: UNITS[unit] as number };
}

/** Converts so that 50 nM is 5e-8 M, as a user would type it, and not the nearest product of the two numbers. */
const inUnit = (value: number, factor: number): number =>
  Number(`${value}e${Math.round(Math.log10(factor))}`) || value * factor;
