// Reads what is done with a simulated chip and how it responds: a TOML file, or one of the built-in assays.
import { parse } from "smol-toml";
import * as z from "zod";
import { Failure } from "../failure/failure.ts";
import { CONCENTRATION_RULE, concentrationText, molarOf } from "../measurement/concentration.ts";
import { INJECTION_TYPES } from "../measurement/injection-type.ts";
import { DEEPEST_NESTING, depthOf, type GivenKind, readGivenFile } from "../system/given-file.ts";
import { PRESETS } from "./assay-presets.ts";

const MOST_PARTS = 1000;
const LONGEST_TEXT = 200;
/** A year. */
const LONGEST_S = 366 * 86_400;

const time = z.number().min(0).max(LONGEST_S);
const least = (low: number) => z.number().min(low).max(1e15);
const index = z.number().min(1).max(3);
const patterns = z
  .union([z.string(), z.array(z.string()).max(MOST_PARTS)])
  .transform((given) => (typeof given === "string" ? [given] : given));
const molar = z.string().transform((text, context) => {
  const value = molarOf(text);
  if (value !== undefined && value >= 0) return value;
  context.addIssue({ code: "custom", message: `needs ${CONCENTRATION_RULE}, not "${text}"` });
  return z.NEVER;
});

const injection = z
  .strictObject({
    solution: z.string().trim().min(1).max(LONGEST_TEXT),
    type: z.enum(INJECTION_TYPES).default("sample"),
    concentration: molar.optional(),
    refractive_index: index.optional(),
    start: time,
    seconds: time.refine((value) => value > 0, "must be more than 0"),
    dissociation_seconds: time.optional(),
  })
  .superRefine(({ type, concentration, refractive_index }, context) => {
    const problem = (message: string) => context.addIssue({ code: "custom", message });
    if (type === "sample" && !((concentration ?? 0) > 0)) problem("a sample needs a concentration above 0");
    if (type === "blank" && (concentration ?? 0) > 0) {
      problem(`a blank has no concentration, not ${concentrationText(concentration ?? 0)}`);
    }
    if (type === "calibration" && refractive_index === undefined) problem("a calibration needs a refractive_index");
  });

const kinetics = z.strictObject({
  /** Labels; `*` matches any text. The first group that matches a grating applies. */
  gratings: patterns.default(["*"]),
  /** Names of the solutions that bind. */
  solutions: patterns.default(["*"]),
  /** 1/(M s). */
  ka: least(0),
  /** 1/s. */
  kd: least(0),
  /** Rmax of a grating with the most binding sites; others have down to 60 % of it. */
  rmax_px: z.number().min(-1e4).max(1e4),
  /** px/(M s); without it molecules reach the surface at once. */
  kt: z.number().positive().max(1e15).optional(),
});

const bubble = z.strictObject({
  gratings: patterns.default(["*"]),
  start: time,
  seconds: time.refine((value) => value > 0, "must be more than 0"),
});

const assay = z
  .strictObject({
    preset: z.string().optional(),
    interval_seconds: time.refine((value) => value > 0, "must be more than 0").default(10),
    duration_seconds: time.optional(),
    buffer_index: index.default(1.333),
    sensitivity_px_per_riu: z.number().min(-1e6).max(1e6).default(2000),
    sensitivity_spread: z.number().min(0).max(1).default(0.04),
    drift_px_per_hour: z.number().min(-1e4).max(1e4).default(0.02),
    drift_spread_px_per_hour: z.number().min(0).max(1e4).default(0),
    regeneration_per_second: least(0).default(0.3),
    flow: z
      .strictObject({
        speed_um_per_second: z.number().positive().max(1e9).default(500),
        direction_degrees: z.number().min(-360).max(360).default(0),
        dead_seconds: time.default(5),
        front_width_seconds: time.default(2),
      })
      .prefault({}),
    nonspecific: z
      .strictObject({ on_px_per_molar_second: least(0).default(0), off_per_second: least(0).default(0) })
      .prefault({}),
    references: patterns.optional(),
    injections: z.array(injection).max(MOST_PARTS).default([]),
    kinetics: z.array(kinetics).max(MOST_PARTS).default([]),
    bubbles: z.array(bubble).max(MOST_PARTS).default([]),
  })
  .superRefine(({ injections }, context) => {
    const inOrder = [...injections].sort((a, b) => a.start - b.start);
    const overlap = inOrder.findIndex((one, at) => one.start + one.seconds > (inOrder[at + 1]?.start ?? Infinity));
    if (overlap < 0) return;
    const [one, next] = [inOrder[overlap], inOrder[overlap + 1]];
    const message = `"${next?.solution}" starts at ${next?.start} s, before "${one?.solution}" ends`;
    context.addIssue({ code: "custom", path: ["injections"], message });
  });

/** An assay with all settings; times in seconds since the first image. */
export type Assay = Omit<z.output<typeof assay>, "preset" | "duration_seconds"> & { readonly duration_seconds: number };
export type AssayKinetics = Assay["kinetics"][number];

/** Names of the built-in assays. */
export const ASSAY_PRESETS = Object.keys(PRESETS);

const KIND: GivenKind = {
  what: "an assay of the simulator",
  code: "usage.invalid",
  mostBytes: 1e6,
  hint: "docs/simulator.md describes the format",
};

/**
 * Returns the assay with a name, or in a file. Failure `usage.invalid` for an unknown name, a missing file, and errors in the
 * file.
 */
export function assayOf(nameOrFile: string): Assay {
  const preset = PRESETS[nameOrFile.trim().toLowerCase()];
  if (preset !== undefined) return parseAssay(preset, nameOrFile);
  let text: string;
  try {
    text = readGivenFile(nameOrFile, KIND).toString("utf8");
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure("usage.invalid", `${nameOrFile}: there is no assay of this name and no such file`, {
      hint: `use ${ASSAY_PRESETS.join(", ")} or a file as in docs/simulator.md`,
      cause: error,
    });
  }
  return parseAssay(text, nameOrFile);
}

/** Parses an assay; `where` names it in messages. Failure `usage.invalid`. */
export function parseAssay(text: string, where: string): Assay {
  const own = tableOf(text, where);
  const name = typeof own.preset === "string" ? own.preset.trim().toLowerCase() : undefined;
  const base = name === undefined ? {} : PRESETS[name];
  if (base === undefined) {
    throw new Failure("usage.invalid", `${where}: there is no assay "${name}" to begin with`, {
      hint: `preset is one of ${ASSAY_PRESETS.join(", ")}`,
    });
  }
  const checked = assay.safeParse(merged(typeof base === "string" ? tableOf(base, where) : base, own));
  if (!checked.success) {
    const [issue] = checked.error.issues;
    const place = issue?.path
      .map((part) => (typeof part === "number" ? `number ${part + 1}` : String(part)))
      .join(", ");
    throw new Failure("usage.invalid", `${where}: ${place ? `${place}: ` : ""}${issue?.message ?? "cannot be read"}`, {
      hint: KIND.hint,
    });
  }
  const { preset: _preset, ...values } = checked.data;
  const injections = [...values.injections].sort((a, b) => a.start - b.start);
  const last = injections.at(-1);
  const end = last === undefined ? 0 : last.start + last.seconds + (last.dissociation_seconds ?? last.seconds);
  return { ...values, injections, duration_seconds: values.duration_seconds ?? end };
}

type Table = Record<string, unknown>;

function tableOf(text: string, where: string): Table {
  let table: Table;
  try {
    table = parse(text);
  } catch (error) {
    const message = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    throw new Failure("usage.invalid", `${where} is not valid TOML: ${message}`, { hint: KIND.hint, cause: error });
  }
  if (depthOf(table) <= DEEPEST_NESTING) return table;
  throw new Failure("usage.invalid", `${where}: nested more than ${DEEPEST_NESTING} levels deep`, { hint: KIND.hint });
}

/** Returns the base overridden by `own`: lists are replaced, tables merged key by key. */
function merged(base: Table, own: Table): Table {
  const isTable = (value: unknown): value is Table =>
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
  const both = Object.entries(own).map(([key, value]) => {
    const before = base[key];
    return [key, isTable(value) && isTable(before) ? { ...before, ...value } : value];
  });
  return { ...base, ...Object.fromEntries(both) };
}
