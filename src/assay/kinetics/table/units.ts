// Units of times and concentrations, as options and column names write them.

import { type ConcentrationUnit, IN_MOLAR } from "../../../measurement/concentration.ts";

export const TIME_UNITS = { s: 1, min: 60, h: 3600, ms: 1e-3 } as const;
export type TimeUnit = keyof typeof TIME_UNITS;

const TIME_WORDS: Readonly<Record<string, TimeUnit>> = {
  s: "s",
  sec: "s",
  secs: "s",
  second: "s",
  seconds: "s",
  min: "min",
  mins: "min",
  minute: "min",
  minutes: "min",
  h: "h",
  hour: "h",
  hours: "h",
  ms: "ms",
};

/** Returns the unit of time in a column's name, such as "Time (s)" or "time_min"; undefined if there is none. */
export function timeUnitIn(name: string): TimeUnit | undefined {
  return wordsOf(name)
    .map((word) => TIME_WORDS[word.toLowerCase()])
    .findLast((unit) => unit !== undefined);
}

/** Returns the unit of concentration in a column's name, such as "conc (nM)". Case matters: mM and MM. */
export function concentrationUnitIn(name: string): ConcentrationUnit | undefined {
  return wordsOf(name)
    .map((word) => concentrationUnit(word))
    .findLast((unit) => unit !== undefined);
}

/** "µM", "um" and "uM" are one; "M" alone is molar. */
export function concentrationUnit(word: string): ConcentrationUnit | undefined {
  const [, prefix, molar] = /^([munpfµμ]?)(M|mol\/l|molar)$/i.exec(word) ?? [];
  if (molar === undefined) return undefined;
  const lower = (prefix ?? "").toLowerCase().replace(/[µμ]/, "u");
  // A lone "m" is metres or minutes.
  if (lower === "" && word === "m") return undefined;
  return Object.keys(IN_MOLAR).find((unit): unit is ConcentrationUnit => unit === `${lower}M`);
}

function wordsOf(name: string): string[] {
  return name.split(/[\s_()[\]{}.,;:]+/).filter((word) => word !== "");
}

/** Returns a concentration with its unit in a name, M: "50 nM", "Conc..16.7nM.", "A 1e-8 M". Undefined if there is none. */
export function concentrationIn(name: string): { readonly molar: number; readonly rest: string } | undefined {
  const found = /(\d+(?:[.,]\d+)?(?:e[+-]?\d+)?)[\s_.]*((?:[munpfµμ])?M)(?![a-z0-9])/i.exec(name);
  const unit = found?.[2] === undefined ? undefined : concentrationUnit(found[2]);
  if (found === null || unit === undefined) return undefined;
  const molar = Number((found[1] as string).replace(",", ".")) * IN_MOLAR[unit];
  return { molar, rest: name.slice(0, found.index) + name.slice(found.index + found[0].length) };
}
