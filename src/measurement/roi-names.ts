// Names of ROIs and gratings that a person gives, as patterns: those that there are not are refused.
import { Failure } from "../failure/failure.ts";
import { nearest, nearestToPattern } from "../failure/nearest.ts";
import { quoted } from "../failure/quote.ts";
import { labelMatcher } from "./labels.ts";

/** How many names a hint has where none is near. */
const TOLD = 3;

export interface GivenNames {
  /** The option or setting that they were given by; absent: it is clear from the command. */
  readonly where?: string;
  /** What the names are names of. */
  readonly what?: "ROI" | "grating";
  /** Whether a pattern means one of them; absent: whether a name matches it. */
  isKnown?(pattern: string): boolean;
}

/** Failure `usage.invalid` for a pattern that means none of `names`; its hint has the nearest one. */
export function refuseUnknownNames(
  patterns: readonly string[] | undefined,
  names: readonly string[],
  { where, what = "ROI", isKnown = (pattern) => names.some(labelMatcher([pattern])) }: GivenNames = {},
): void {
  const unknown = patterns?.find((pattern) => !isKnown(pattern));
  if (unknown === undefined) return;
  const text = `no ${what} is named ${quoted(unknown)}`;
  throw new Failure("usage.invalid", where === undefined ? text : `${where}: ${text}`, {
    hint: nameHint(unknown, names),
  });
}

/** The name nearest to a pattern, also to a label as files have it (`ROI_001A_N`); else the first names. */
function nameHint(pattern: string, names: readonly string[]): string {
  const given = pattern.replace(/^ROI_/i, "");
  const near = given.includes("*") ? nearestToPattern(given, names) : nearest(given, names);
  return near === undefined ? firstNames(names) : `did you mean ${near}?`;
}

/** A hint where names were asked for, or none was near. */
export const firstNames = (names: readonly string[]): string => `the first ROIs are ${names.slice(0, TOLD).join(", ")}`;
