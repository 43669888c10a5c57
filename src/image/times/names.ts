// Reads times in image names: those of phorest's own captures, and those that match the user's pattern.
import { type NamePattern, nameTime } from "../../system/name-pattern.ts";
import { captureTimeOf } from "../capture-name.ts";
import type { Stated } from "./source.ts";

/** Returns the time that a pattern finds in a name; undefined if it does not match. */
export function patternTime(name: string, pattern: NamePattern): Stated | undefined {
  const time = nameTime(name, pattern);
  if (time === undefined) return undefined;
  const { us, relative } = time;
  const notes =
    relative || pattern.hasZone
      ? []
      : [`the names give no time zone (${pattern.text}); phorest reads their times as UTC`];
  return { us: [us], relative, notes };
}

/** Returns the time in a name that phorest or the established system gave to a capture; undefined for other names. */
export function ownNameTime(name: string): Stated | undefined {
  const us = captureTimeOf(name);
  return us === undefined ? undefined : { us: [us], relative: false, notes: [] };
}

/** The user's pattern, and whether it has matched any name so far. */
export class PatternedNames {
  readonly pattern: NamePattern;
  #isMatched = false;
  #example: string | undefined;

  constructor(pattern: NamePattern) {
    this.pattern = pattern;
  }

  note(name: string): void {
    if (this.#isMatched) return;
    this.#isMatched = patternTime(name, this.pattern) !== undefined;
    this.#example ??= name;
  }

  /** A line that says that the pattern matches no name, with an example; undefined if one matches, or if there was none. */
  get unmatched(): string | undefined {
    if (this.#isMatched || this.#example === undefined) return undefined;
    return `no name matches the pattern name_time ${JSON.stringify(this.pattern.text)}, for example ${this.#example}`;
  }
}
