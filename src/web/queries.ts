// The schemas of requests, used by the table of routes. The server checks every request against them, and docs/openapi.json is
// generated from them.
import * as z from "zod";
import type { Anchor } from "../calibration/from-anchors.ts";
import { line } from "../config/field.ts";
import { LOG_LEVELS, LOG_STAGES } from "../log/levels.ts";
import { LONGEST_MARKER, MOST_MARKERS } from "../manifest/markers.ts";
import { BEFORE_ALL } from "../manifest/outcome-ids.ts";
import { isLabel, LABEL_RULE, withoutUnseen } from "../measurement/label-rules.ts";
import type { CurvesQuery } from "./curves.ts";
import type { Change } from "./messages.ts";
import type { PanelsQuery } from "./panels.ts";
import { MOST_ROLLING, SHOWN } from "./rolled.ts";
import type { AnalysisChoice } from "./shown-analyses.ts";

/** An invalid request: answered with 400 and what is expected. */
export class BadRequest extends Error {}

const timeMs = z.coerce.number().min(0).max(8.64e15);
/** Label of an existing ROI; the manifest decides whether it exists. */
const label = z.string().min(1).max(100);
/** Label that the user assigns now. */
const newLabel = z.string().refine(isLabel, LABEL_RULE);
/** Frames that were measured again have outcome numbers below 0. */
const after = z.coerce.number().int().optional().describe("`outcome` of that earlier answer");
const yes = z.enum(["0", "1"]).default("0");

/** Parameters that choose the shown analysis. */
export const ofAnalysis = {
  analysis: z
    .string()
    .max(100)
    .optional()
    .describe("Name of the analysis, as `/api/state` lists them; without it the one shown by default"),
};
const ofCurves = {
  ...ofAnalysis,
  joined: yes.describe(
    "1: with the frames of the analyses that it continues, measured with another ROI manifest or version",
  ),
};

export const CHIP = z.object(ofCurves);

/** Returns the analysis that a request selects. */
export function analysisChoice(given: {
  readonly analysis?: string | undefined;
  readonly joined?: "0" | "1";
}): AnalysisChoice {
  return { analysis: given.analysis, joined: given.joined === "1" };
}

export const CURVES = z.object({
  ...ofCurves,
  roi: z
    .array(label)
    .min(1)
    .max(128)
    .describe("Names of ROIs; `*` stands for any letters, `group:NAME` for the mean of a group. Repeat it for several"),
  pairs: yes.describe("1: one curve for each grating, from both halves"),
  reference: z.array(label).max(64).default([]).describe("Reference ROIs, used with `own=1`. Repeat it for several"),
  own: yes.describe("1: subtract the references of this request, not those of the configuration"),
  from: timeMs.optional().describe("Start of the window, ms since 1970"),
  to: timeMs.optional().describe("End of the window, ms since 1970"),
  columns: z.coerce.number().int().min(16).max(4000).default(800).describe("Width of the drawing in pixels"),
  show: z
    .enum(SHOWN)
    .default("measured")
    .describe(
      "The values as measured, their rolling median, or the difference of the medians after and before each frame",
    ),
  frames: z.coerce.number().int().min(2).max(MOST_ROLLING).default(10).describe("Frames of a rolling median"),
  key: z.string().max(100).optional().describe("`key` of an earlier answer; the answer then has only what is new"),
  after,
});

/** Returns the curves that a request selects. Throws BadRequest for an empty window. */
export function curvesQuery(given: z.output<typeof CURVES>): CurvesQuery {
  const { roi, pairs, reference, own, columns, show, frames } = given;
  return {
    wanted: roi,
    pairs: pairs === "1",
    references: own === "1" ? reference : undefined,
    ...windowOf(given),
    columns,
    rolling: show === "measured" ? undefined : { show, frames },
    known: knownOf(given),
  };
}

interface GivenWindow {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

function windowOf({ from, to }: GivenWindow) {
  if (from !== undefined && to !== undefined && to <= from) throw new BadRequest("from must be earlier than to");
  return {
    fromUs: from === undefined ? undefined : from * 1000,
    toUs: to === undefined ? undefined : to * 1000,
  };
}

function knownOf({
  key,
  after: last = BEFORE_ALL,
}: {
  readonly key?: string | undefined;
  readonly after?: number | undefined;
}) {
  return key === undefined ? undefined : { key, outcome: last };
}

export const PANELS = z.object({
  ...ofCurves,
  pairs: yes.describe("1: one curve for each grating, from both halves"),
  from: timeMs.optional().describe("Start of the window, ms since 1970"),
  to: timeMs.optional().describe("End of the window, ms since 1970"),
  columns: z.coerce.number().int().min(16).max(256).default(64).describe("Width of a panel in pixels"),
  key: z.string().max(100).optional().describe("`key` of an earlier answer; the answer then has only changed columns"),
  after,
});

/** Returns the panels that a request selects. Throws BadRequest for an empty window. */
export function panelsQuery({ pairs, columns, ...given }: z.output<typeof PANELS>): PanelsQuery {
  return { pairs: pairs === "1", columns, ...windowOf(given), known: knownOf(given) };
}

export const PROFILE = z.object({ ...ofAnalysis, roi: label.describe("Name of the ROI") });

const frameNumber = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);

export const DIFFERENCE = z.object({
  a: frameNumber.describe("Number of the first frame (`entryId`)"),
  b: frameNumber.describe("Number of the second frame; red where it is brighter"),
});

export const PROFILES = z.object({
  ...ofAnalysis,
  roi: label.describe("Name of the ROI"),
  entry: z.array(frameNumber).min(1).max(8).describe("Number of a frame (`entryId`). Repeat it for several"),
});

export const LOG = z.object({
  stage: z.enum(LOG_STAGES).optional().describe("Lines of this stage only"),
  level: z.enum(LOG_LEVELS).default("info").describe("Lines of this level and of more serious ones"),
  text: z.string().max(200).default("").describe("Lines that contain this text, in upper or lower case"),
  lines: z.coerce.number().int().min(1).max(1000).default(200).describe("Number of lines, the newest ones"),
});

const square = z.coerce.number().int().min(0).max(1024);
const place = {
  level: z.coerce.number().int().min(0).max(16).describe("Level n has 1/2^n of the pixels on each side"),
  column: square.describe("Column of the tile, from 0"),
  row: square.describe("Row of the tile, from 0"),
};
const number = z.coerce.number().int().min(1);

export const FRAME_TILE = z.object({ entry: number.describe("`entryId` of the frame"), ...place });
export const CALIBRATION_TILE = z.object({ id: number.describe("`id` of the calibration"), ...place });

/** Year 2255: later times are not exact in microseconds. */
const LATEST_MS = 9e12;
export const moment = z.number().min(0).max(LATEST_MS);

// Invisible characters could hide text in a terminal, reverse it on the page or break a line of the CSV.
const markerText = line(LONGEST_MARKER).min(1).describe("Visible characters on one line");

export const MARKER = z.strictObject({ at: moment.describe("Time of the marker, ms since 1970"), text: markerText });

export const MARKERS = z.strictObject({
  markers: z.array(MARKER).min(1).max(MOST_MARKERS).describe("Either all of them are added or none"),
});

export const MARKER_EDIT = z
  .strictObject({
    at: moment.optional().describe("New time of the marker, ms since 1970"),
    text: markerText.optional(),
  })
  .refine(({ at, text }) => at !== undefined || text !== undefined, "give a time, a text, or both");

export function newMarkers(markers: readonly z.output<typeof MARKER>[]): Change {
  return { type: "add-markers", markers: markers.map(({ at, text }) => ({ atUs: microseconds(at), text })) };
}

export function editedMarker(markerId: number, { at, text }: z.output<typeof MARKER_EDIT>): Change {
  return { type: "edit-marker", markerId, atUs: at === undefined ? undefined : microseconds(at), text };
}

export const microseconds = (ms: number): number => Math.round(ms * 1000);

export const MARKER_ID = z.object({
  id: number.max(Number.MAX_SAFE_INTEGER).describe("`id` of the marker in `/api/state`"),
});

export const BASELINE = z.strictObject({
  from: moment.describe("Start of the baseline, ms since 1970"),
  to: moment.describe("End of the baseline, ms since 1970"),
});

/** Throws BadRequest for an empty window. */
export function newBaseline({ from, to }: z.output<typeof BASELINE>): Change & { readonly type: "set-baseline" } {
  if (to <= from) throw new BadRequest("from must be earlier than to");
  return { type: "set-baseline", fromUs: microseconds(from), toUs: microseconds(to) };
}

const coordinate = z.number().min(-1e5).max(1e6);
const calibrationId = z.number().int().min(1).describe("`id` of the calibration");

export const PLACES = z.strictObject({
  id: calibrationId,
  chip: newLabel.optional().describe("Chip type; all types are tried without it"),
  places: z
    .array(
      z.strictObject({
        label: newLabel.describe("Printed label or name of a grating"),
        x: coordinate.describe("Middle, px from the left"),
        y: coordinate.describe("Middle, px from the top"),
      }),
    )
    .min(2, "name at least two labels")
    .max(32),
});

/** Returns the places that the user named in a picture: the centres of gratings or labels, px. */
export function namedPlaces({ places }: z.output<typeof PLACES>): Anchor[] {
  return places.map((one) => ({ ...one, at: "middle" }));
}

export const CALIBRATION_ID = z.strictObject({ id: calibrationId });

/** The body of a change that needs no data. */
export const NOTHING = z.strictObject({});

export const PICTURE_NAME = z.object({
  name: z.string().max(200).default("").describe("Name of the file, to show; it is never part of a path"),
  page: number.optional().describe("Page of a file with several images, from 1; the first by default"),
});

/** Returns the name of an uploaded picture. It is only displayed, never part of a path. */
export function pictureName({ name }: Pick<z.output<typeof PICTURE_NAME>, "name">): string {
  return withoutUnseen(name).trim() || "the image";
}
