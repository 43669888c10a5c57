// Schemas of requests about injections over HTTP, with the meaning of the commands' options.
import * as z from "zod";
import { REPORT_POINTS } from "../assay/responses.ts";
import { MAP_QUANTITIES } from "../evaluation/maps.ts";
import type { ComparisonQuestion, InjectionQuestion, KineticsQuestion, MapQuestion } from "./evaluation-jobs.ts";
import { microseconds, ofAnalysis } from "./queries.ts";

const label = z.string().min(1).max(100);
const id = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);

const curves = {
  ...ofAnalysis,
  roi: z
    .array(label)
    .max(128)
    .default([])
    .describe("Names of ROIs; `*` stands for any letters. May be repeated; default: all"),
  pairs: z.enum(["0", "1"]).default("1").describe("1: one value for each grating, from both halves"),
  window: z.coerce
    .number()
    .positive()
    .max(86_400)
    .optional()
    .describe("Length of windows in seconds; the usual one without it"),
};
const bufferIndex = z.coerce.number().min(1).max(3).optional().describe("Refractive index of the running buffer");

export const INJECTION_QUESTION = z.object({
  ...curves,
  injection: z.array(id).max(1000).default([]).describe("Number of an injection. May be repeated; default: all"),
});
export const SENSITIVITY_QUESTION = INJECTION_QUESTION.extend({ bufferIndex });
export const MAP_QUESTION = z.object({
  ...curves,
  quantity: z.enum(MAP_QUANTITIES).describe("What to map"),
  at: z.coerce
    .number()
    .min(0)
    .max(8.64e15)
    .optional()
    .describe("shift: time, ms since 1970; the last frames without it"),
  injection: id.optional().describe("response, arrival: number of the injection; the first without it"),
  point: z.enum(REPORT_POINTS).default("late").describe("response: point of the injection"),
  bufferIndex,
});

export const COMPARISON_QUESTION = z.object({
  roi: curves.roi,
  pairs: curves.pairs,
  ...ofAnalysis,
  other: z.string().min(1).max(100).describe("Name of the analysis to compare with"),
});

export const KINETICS_QUESTION = z.object({
  roi: curves.roi,
  pairs: curves.pairs,
  group: z.array(label).max(64).default([]).describe("Name of a group. Repeat it for several; all without it"),
  model: z.string().max(60).default("auto").describe("As `phorest kinetics --model`, such as `1:1+bulk`"),
  ...ofAnalysis,
  solution: label.optional().describe("Solution to fit; the one that was injected most often without it"),
  delay: z.coerce
    .number()
    .min(-3600)
    .max(3600)
    .default(0)
    .describe("Seconds from the start of an injection until it is over the chip"),
  blanks: z.enum(["0", "1"]).default("1").describe("0: do not subtract blanks"),
  pooled: z.enum(["0", "1"]).default("0").describe("1: also one fit over each group, with common rates"),
  points: z.coerce
    .number()
    .int()
    .min(0)
    .max(2000)
    .default(0)
    .describe("Points of each cycle with their fit, for at most 16 curves"),
});

export function kineticsQuestion(given: z.output<typeof KINETICS_QUESTION>): KineticsQuestion {
  const { roi, pairs, group, model, analysis, solution, delay, blanks, pooled, points } = given;
  return {
    roi: roi.length === 0 ? undefined : roi,
    pairs: pairs === "1",
    group: group.length === 0 ? undefined : group,
    model,
    analysis,
    solution,
    delayS: delay,
    subtractBlanks: blanks === "1",
    pooled: pooled === "1",
    points,
  };
}

export function comparisonQuestion(given: z.output<typeof COMPARISON_QUESTION>): ComparisonQuestion {
  const { roi, pairs, analysis, other } = given;
  return { analysis, other, roi: roi.length === 0 ? undefined : roi, pairs: pairs === "1" };
}

export function injectionQuestion(given: z.output<typeof INJECTION_QUESTION>): InjectionQuestion {
  return { ...chosen(given), injection: given.injection.length === 0 ? undefined : given.injection };
}

export function mapQuestion(given: z.output<typeof MAP_QUESTION>): MapQuestion {
  const { quantity, at, injection, point, bufferIndex: index } = given;
  const atUs = at === undefined ? undefined : microseconds(at);
  return { ...chosen(given), quantity, injection, point, bufferIndex: index, atUs };
}

function chosen({
  analysis,
  roi,
  pairs,
  window,
}: {
  readonly analysis?: string | undefined;
  readonly roi: readonly string[];
  readonly pairs: string;
  window?: number | undefined;
}) {
  return { analysis, roi: roi.length === 0 ? undefined : roi, pairs: pairs === "1", window };
}
