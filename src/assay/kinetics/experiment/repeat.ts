// The record of an experiment's fit, and its repetition: the plan in the record gives exactly the same fit again.
import * as z from "zod";
import { PAIR_FORMS } from "../../curve-units.ts";
import { modelNamed } from "../models.ts";
import type { ExperimentKinetics } from "./experiment-kinetics.ts";
import type { KineticsPlan } from "./plan.ts";
import { type KineticsView, kineticsView } from "./view.ts";

/** Everything that is needed to judge a fit and to repeat it. */
export interface KineticsRecord extends KineticsView {
  /** Version of phorest and its kernel. */
  readonly version: string;
  readonly kernel: string;
  readonly plan: KineticsPlan;
}

export function kineticsRecord(found: ExperimentKinetics, version: string, kernel: string): KineticsRecord {
  return { version, kernel, ...kineticsView(found), plan: found.plan };
}

const cycle = z.object({
  cycle: z.number(),
  injections: z
    .array(z.object({ injectionId: z.number(), startUs: z.number(), endUs: z.number(), concentration: z.number() }))
    .min(1),
  fromUs: z.number(),
  toUs: z.number(),
});

const PLAN = z.object({
  analysisId: z.number(),
  analysis: z.string(),
  model: z.string().refine(isModel, "no such model"),
  solution: z.string(),
  otherSolutions: z.array(z.string()),
  roi: z.array(z.string()),
  group: z.array(z.string()).nullable(),
  groups: z.record(z.string(), z.array(z.string())),
  pairs: z.enum(PAIR_FORMS).nullable(),
  references: z.array(z.string()),
  baseline: z.object({ fromUs: z.number(), toUs: z.number() }),
  untilUs: z.number(),
  delayS: z.number(),
  subtractBlanks: z.boolean(),
  pooled: z.boolean(),
  samples: z.array(cycle).min(1),
  blanks: z.array(cycle),
  leftOut: z.array(z.object({ injection: z.number(), why: z.string() })),
}) satisfies z.ZodType<KineticsPlan>;

const RECORD = z.object({
  version: z.string(),
  kernel: z.string(),
  plan: PLAN,
  data_sha256: z.string(),
  curves: z.array(z.unknown()),
  groups: z.array(z.unknown()),
});
type StoredRecord = z.output<typeof RECORD>;

function isModel(name: string): boolean {
  try {
    modelNamed(name);
    return true;
  } catch {
    // Its message is about a command-line option; the record's reader reports the error instead.
    return false;
  }
}

/** Parses a record; returns a text that says what is wrong if it is invalid. */
export function parseRecord(text: string): StoredRecord | string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return "it is not JSON";
  }
  const result = RECORD.safeParse(parsed);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  return `${issue?.path.join(".") || "record"}: ${issue?.message ?? "wrong"}`;
}

/** Returns the differences between a repetition and its record, one sentence each; empty if every number is the same. */
export function differences(record: StoredRecord, again: KineticsRecord): string[] {
  const isSame = (key: "curves" | "groups") =>
    JSON.stringify(record[key]) === JSON.stringify(JSON.parse(JSON.stringify(again[key])));
  const found: string[] = [];
  if (record.data_sha256 !== again.data_sha256) {
    found.push("the data are not the same: frames were measured later, removed or flagged, or the references changed");
  }
  const names = (["curves", "groups"] as const).filter((key) => !isSame(key));
  if (names.length > 0 && found.length === 0)
    found.push(`the data are the same, the numbers of the ${names.join(" and ")} are not`);
  if (found.length > 0 && (record.version !== again.version || record.kernel !== again.kernel)) {
    found.push(
      `the record is of phorest ${record.version}, kernel ${record.kernel}; this is ${again.version}, ${again.kernel}`,
    );
  }
  return found;
}
