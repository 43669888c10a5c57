// Defines a setting: a zod type, and the notes about it for people. Both are in one place, so that the checks, the defaults, the
// reference and config.toml cannot disagree.
import * as z from "zod";
import { isLabel, LABEL_RULE, textProblem } from "../measurement/label-rules.ts";

// Compiling a check takes longer than running it once, and settings are checked only once.
z.config({ jitless: true });

/** Notes about a key besides its type, bounds and default. */
export interface KeyNotes {
  /** One line of explanation, without a full stop at its end. */
  readonly doc: string;
  readonly unit?: string;
  /** The default if the effective camera is the simulated one. */
  readonly simulatedDefault?: unknown;
  /** What applies if a key without a default is absent. */
  readonly none?: string;
  /** Example value that config.toml shows, commented out, for a key without a default. */
  readonly example?: unknown;
  /** The value is a path relative to the configuration file's directory, or to Paths.root_dir. */
  readonly relativeTo?: "file" | "root";
  /** Values that are keywords, not paths. */
  readonly words?: readonly string[];
  /** The allowed values, if the type alone does not describe them well. */
  readonly allowed?: string;
}

/** The notes of every key and section. */
export const NOTES = z.registry<KeyNotes>();

/** Declares a key: its zod type (with default and bounds), its meaning and further notes. */
export function field<T extends z.ZodType>(
  type: T,
  doc: string,
  notes: Omit<KeyNotes, "doc" | "simulatedDefault"> & { simulatedDefault?: z.output<T> } = {},
): T {
  NOTES.add(type, { doc, ...notes });
  return type;
}

/** Declares a section; a key that it does not list is an error. */
export function section<S extends z.core.$ZodLooseShape>(doc: string, shape: S): z.ZodObject<S, z.core.$strict> {
  return field(z.strictObject(shape), doc);
}

/** Accepts one of `values` in any letter case; `aliases` (lower case) are other spellings found in existing files. */
export function choice<const V extends readonly [string, ...string[]]>(
  values: V,
  aliases: Readonly<Record<string, V[number]>> = {},
) {
  return z.preprocess((given) => canonical(given, values, aliases), z.enum(values));
}

/** Accepts a list of `values`, in any letter case; a single value means a list of one. Repeated values count once. */
export function choices<const V extends readonly [string, ...string[]]>(values: V, { least = 1 } = {}) {
  const asList = (given: unknown): unknown => {
    const list = typeof given === "string" ? [given] : given;
    return Array.isArray(list) ? [...new Set(list.map((entry) => canonical(entry, values, {})))] : list;
  };
  return z.preprocess(asList, z.array(z.enum(values)).min(least).readonly());
}

function canonical(given: unknown, values: readonly string[], aliases: Readonly<Record<string, string>>): unknown {
  if (typeof given !== "string") return given;
  const wanted = given.trim().toLowerCase();
  const exact = values.find((value) => value.toLowerCase() === wanted);
  return exact ?? (Object.hasOwn(aliases, wanted) ? aliases[wanted] : given);
}

/** A path as written. It must not contain NUL characters, because the operating system ends a path there. */
export const path = () => z.string().refine((text) => !text.includes("\0"), "must not contain a NUL character");

/** An optional text; existing files may also leave it empty. */
export const optionalText = () =>
  z.preprocess((given) => (given === "" ? undefined : given), path().optional()).optional();

/** A name that is shown to people. */
export const shownName = () => z.string().refine(isLabel, LABEL_RULE);

/** A table with such names as keys. */
export const byShownName = <T extends z.ZodType>(values: T) =>
  z.record(z.string(), values).refine((table) => Object.keys(table).every(isLabel), `names: ${LABEL_RULE}`);

/** Visible characters on one line, without surrounding blanks. */
export const line = (longest: number) =>
  z
    .string()
    .trim()
    .max(longest)
    .superRefine((text, context) => {
      const problem = textProblem(text);
      if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
    });

/** A list of texts; a single text means a list of one. */
export const texts = () =>
  z.preprocess((given) => (typeof given === "string" ? [given] : given), z.array(z.string()).readonly());

/** A number greater than 0. */
export const positive = () => z.number().positive();

/** A whole number from `low` to `high`. */
export const whole = (low: number, high = Number.MAX_SAFE_INTEGER) => z.int().min(low).max(high);

/** A time in seconds, with its default. */
export const seconds = (of: number) => positive().default(of);

/** A switch that is off by default. */
export const off = () => z.boolean().default(false);

/** The notes of a key in seconds. */
export const SECONDS = { unit: "seconds" };

/** The notes of a path relative to Paths.root_dir. */
export const IN_ROOT = { relativeTo: "root" } as const;

/** The notes of a path relative to the directory of the configuration file. */
export const BESIDE_FILE = { relativeTo: "file" } as const;
