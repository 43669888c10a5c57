// What a request may say: every parameter and body is checked here before anything looks at it.
import { z } from "zod";
import type { Anchor } from "../calibration/from-anchors.ts";
import { LOG_LEVELS, LOG_STAGES } from "../log/levels.ts";
import { LONGEST_MARKER } from "../manifest/markers.ts";
import { isLabel, LABEL_RULE, textProblem, withoutUnseen } from "../measurement/label-rules.ts";
import type { CurvesQuery } from "./curves.ts";
import type { Change } from "./messages.ts";

/** Something asked wrongly: 400, with what is expected. */
export class BadRequest extends Error {}

const timeMs = z.coerce.number().min(0).max(8.64e15);
/** Of ROIs that are there: which ones, the manifest says. */
const label = z.string().min(1).max(100);
/** Of what a person names now. */
const newLabel = z.string().refine(isLabel, LABEL_RULE);
const curves = z.object({
  roi: z.array(label).min(1).max(32),
  pairs: z.enum(["0", "1"]).default("0"),
  reference: z.array(label).max(64),
  own: z.enum(["0", "1"]).default("0"),
  from: timeMs.optional(),
  to: timeMs.optional(),
  columns: z.coerce.number().int().min(16).max(4000).default(800),
  key: z.string().max(100).optional(),
  after: z.coerce.number().int().min(0).default(0),
});

/**
 * Query parameters of curves: roi (repeated), pairs, reference (repeated, in force with own=1), from, to, columns; of
 * what the page has already: key, and after, its last outcome.
 */
export function curvesQuery(parameters: URLSearchParams): CurvesQuery {
  const { roi, pairs, reference, own, from, to, columns, key, after } = checked(curves, {
    ...Object.fromEntries(parameters),
    roi: parameters.getAll("roi"),
    reference: parameters.getAll("reference"),
  });
  if (from !== undefined && to !== undefined && to <= from) throw new BadRequest("from must be earlier than to");
  return {
    wanted: roi,
    pairs: pairs === "1",
    references: own === "1" ? reference : undefined,
    fromUs: from === undefined ? undefined : from * 1000,
    toUs: to === undefined ? undefined : to * 1000,
    columns,
    known: key === undefined ? undefined : { key, outcome: after },
  };
}

const log = z.object({
  stage: z.enum(LOG_STAGES).optional(),
  level: z.enum(LOG_LEVELS).default("info"),
  text: z.string().max(200).default(""),
  lines: z.coerce.number().int().min(1).max(1000).default(200),
});

/** Query parameters of the log: stage, level, text, lines. */
export function logQuery(parameters: URLSearchParams): z.output<typeof log> {
  return checked(log, Object.fromEntries([...parameters].filter(([, value]) => value !== "")));
}

const tile = z.tuple([
  z.coerce.number().int().min(1),
  z.coerce.number().int().min(0).max(16),
  z.coerce.number().int().min(0).max(1024),
  z.coerce.number().int().min(0).max(1024),
]);

/** Entry, level, column and row of a tile. */
export function tileAddress(parts: readonly (string | undefined)[]): [number, number, number, number] {
  return checked(tile, parts);
}

/** Year 2255: later times are not exact in microseconds. */
const LATEST_MS = 9e12;

// What cannot be seen could hide text in a terminal, reverse it on the page or break a line of the CSV.
const marker = z.strictObject({
  at: z.number().min(0).max(LATEST_MS),
  text: z
    .string()
    .trim()
    .min(1)
    .max(LONGEST_MARKER)
    .superRefine((text, context) => {
      const problem = textProblem(text);
      if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
    }),
});

export function newMarker(body: unknown): Change {
  const { at, text } = checked(marker, body);
  return { type: "add-marker", atUs: Math.round(at * 1000), text };
}

export function markerId(text: string): number {
  return checked(z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER), text);
}

const baseline = z.strictObject({ from: z.number().min(0).max(LATEST_MS), to: z.number().min(0).max(LATEST_MS) });

export function newBaseline(body: unknown): Change {
  const { from, to } = checked(baseline, body);
  if (to <= from) throw new BadRequest("from must be earlier than to");
  return { type: "set-baseline", fromUs: Math.round(from * 1000), toUs: Math.round(to * 1000) };
}

const place = z.strictObject({ label: newLabel, x: z.number().min(-1e5).max(1e6), y: z.number().min(-1e5).max(1e6) });
const search = z.strictObject({
  id: z.number().int().min(1),
  chip: newLabel.optional(),
  places: z.array(place).min(2, "name at least two labels").max(32),
});

/** What a person named in a picture: the middles of gratings or labels, px. */
export function namedPlaces(body: unknown): { id: number; chip: string | undefined; anchors: Anchor[] } {
  const { id, chip, places } = checked(search, body);
  return { id, chip, anchors: places.map((one) => ({ ...one, at: "middle" })) };
}

/** Which picture is meant. */
export function pictureId(body: unknown): number {
  return checked(z.strictObject({ id: z.number().int().min(1) }), body).id;
}

/** The name of a picture that is sent: shown to people, never part of a path. */
export function pictureName(parameters: URLSearchParams): string {
  const name = checked(z.string().max(200), parameters.get("name") ?? "");
  return withoutUnseen(name).trim() || "the image";
}

function checked<T extends z.ZodType>(schema: T, given: unknown): z.output<T> {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new BadRequest(`${issue?.path.join(".") || "request"}: ${issue?.message ?? "wrong"}`);
}
