// Parses the values of an injection that a user gives in options or in the cells of a file.

import { Failure } from "../failure/failure.ts";
import { nearest } from "../failure/nearest.ts";
import { type InjectionData, LONGEST_TEXT, type NewInjection } from "../manifest/injections.ts";
import { CONCENTRATION_RULE, molarOf } from "../measurement/concentration.ts";
import { INJECTION_TYPES, type InjectionType } from "../measurement/injection-type.ts";
import { textProblem } from "../measurement/label-rules.ts";
import { type TimeZone, UTC } from "../system/time-zone.ts";
import { timeOption } from "./time-options.ts";

/** Texts by name; undefined: not given. `duration` and `dissociation` are in seconds and replace the two end times. */
export type GivenValues = Readonly<
  Record<
    | "solution"
    | "type"
    | "concentration"
    | "refractive-index"
    | "start"
    | "end"
    | "duration"
    | "dissociation-end"
    | "dissociation"
    | "cycle"
    | "note",
    string | undefined
  >
>;

type Names = Readonly<Record<keyof GivenValues, string>>;

/** Text that clears an optional value. */
const NONE = "none";

/** Parses values; `names` are the names of options or columns, for messages. Failures are `usage.invalid`. */
export class InjectionValues {
  readonly #given: GivenValues;
  readonly #names: Names;
  readonly #firstUs: number | undefined;
  readonly #zone: TimeZone;

  /** `firstUs`: time of the first frame, from which seconds count; `zone`: time zone of times without one. */
  constructor(given: GivenValues, names: Names, firstUs: number | undefined, zone: TimeZone = UTC) {
    this.#given = given;
    this.#names = names;
    this.#firstUs = firstUs;
    this.#zone = zone;
  }

  /** Returns a complete injection. */
  all(): NewInjection {
    const { solution, startUs, endUs, ...rest } = this.changes();
    if (solution === undefined) throw this.#wrong("solution", "the name of the solution");
    if (startUs === undefined) throw this.#wrong("start", "a time, or seconds since the first frame");
    if (endUs === undefined) throw this.#wrong("end", `a time, or ${this.#names.duration} in its place`);
    const usual = {
      type: "sample",
      concentration: null,
      refractiveIndex: null,
      dissociationEndUs: null,
      note: "",
    } as const;
    return { ...usual, ...rest, solution, startUs, endUs };
  }

  /** Returns only the given values; `old` is the injection that they change. */
  changes(old?: InjectionData): Partial<InjectionData> {
    const startUs = this.#time("start");
    const endUs = this.#time("end") ?? this.#after("duration", startUs ?? old?.startUs);
    const from = endUs ?? old?.endUs;
    const values: Partial<Record<keyof InjectionData, unknown>> = {
      solution: this.#text("solution"),
      type: this.#type(),
      concentration: this.#number("concentration", molarOf, CONCENTRATION_RULE),
      refractiveIndex: this.#number("refractive-index", decimal, "a number such as 1.3345"),
      startUs,
      endUs,
      dissociationEndUs: this.#isNone("dissociation-end")
        ? null
        : (this.#time("dissociation-end") ?? this.#after("dissociation", from)),
      cycle: this.#number("cycle", whole, "a number from 1"),
      note: this.#given.note === "" ? "" : this.#text("note"),
    };
    return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
  }

  #text(key: "solution" | "note"): string | undefined {
    const text = this.#given[key]?.trim();
    if (text === undefined) return undefined;
    const long = text.length > LONGEST_TEXT ? `at most ${LONGEST_TEXT} characters` : undefined;
    const problem = long ?? textProblem(text);
    if (problem !== undefined) throw this.#wrong(key, problem);
    return text;
  }

  #type(): InjectionType | undefined {
    const { type } = this.#given;
    if (type === undefined) return undefined;
    const found = INJECTION_TYPES.find((known) => known === type.toLowerCase());
    if (found === undefined) throw this.#wrong("type", INJECTION_TYPES.join(", "), nearest(type, INJECTION_TYPES));
    return found;
  }

  #number(key: keyof GivenValues, read: (text: string) => number | undefined, rule: string): number | null | undefined {
    const text = this.#given[key];
    if (text === undefined) return undefined;
    if (this.#isNone(key) && key !== "cycle") return null;
    const value = read(text);
    if (value === undefined) throw this.#wrong(key, rule);
    return value;
  }

  #isNone(key: keyof GivenValues): boolean {
    return this.#given[key]?.toLowerCase() === NONE;
  }

  #time(key: "start" | "end" | "dissociation-end"): number | undefined {
    const text = this.#given[key];
    return text === undefined ? undefined : timeOption(this.#names[key], text, this.#zone)(this.#firstUs);
  }

  /** Returns the end time after a number of seconds. */
  #after(key: "duration" | "dissociation", fromUs: number | undefined): number | undefined {
    const text = this.#given[key];
    if (text === undefined || fromUs === undefined) return undefined;
    const seconds = decimal(text);
    if (seconds === undefined || seconds <= 0) throw this.#wrong(key, "seconds, such as 180");
    return fromUs + Math.round(seconds * 1e6);
  }

  #wrong(key: keyof GivenValues, expected: string, meant?: string): Failure {
    const given = this.#given[key];
    const received = given === undefined ? "" : `, not "${given}"`;
    return new Failure(
      "usage.invalid",
      `${this.#names[key]} needs ${expected}${received}`,
      meant === undefined ? {} : { hint: `did you mean "${meant}"?` },
    );
  }
}

function decimal(text: string): number | undefined {
  const value = Number(text.replace(",", "."));
  return text.trim() !== "" && Number.isFinite(value) ? value : undefined;
}

function whole(text: string): number | undefined {
  const value = Number(text);
  return Number.isSafeInteger(value) && value > 0 ? value : undefined;
}
