// Converts a curve for the page: decimated, rounded, with NaN replaced, and named.
import { createHash } from "node:crypto";
import { type Baseline, baselineReason } from "../assay/baseline.ts";
import type { Precision } from "../assay/precision.ts";
import type { Analysis } from "../manifest/analyses.ts";
import { gratingOf, labelMatcher } from "../measurement/labels.ts";
import { finite } from "./chip-state.ts";
import { type Columns, type CurveData, type DecimatedCurve, decimate } from "./decimate.ts";
import { type Rolling, rolled } from "./rolled.ts";
import type { BaselineView } from "./views.ts";

/** Returns the baseline as the page shows it. */
export function baselineView(baseline: Baseline): BaselineView {
  const { window, origin } = baseline;
  return {
    from: window.fromUs / 1000,
    to: window.toUs / 1000,
    chosen: origin === "chosen",
    why: baselineReason(baseline),
  };
}

/** Returns the patterns and groups of a request that match nothing. */
export function unknownNames(
  { labels }: Analysis,
  patterns: readonly string[],
  groups: readonly string[],
  known: readonly string[],
) {
  const units = [...labels, ...labels.map(gratingOf)];
  return [
    ...patterns.filter((pattern) => !units.some(labelMatcher([pattern]))),
    ...groups.filter((name) => !known.includes(`group ${name}`)).map((name) => `${GROUP}${name}`),
  ];
}

/** Which part of a curve is drawn, and how; see decimate. */
export interface Part {
  readonly fromUs: number;
  readonly toUs: number;
  readonly columns: Columns;
  readonly tailUs: number | undefined;
  readonly rolling: Rolling | undefined;
}

/** Returns what the page draws of a curve. */
export function drawn(curve: CurveData, { fromUs, toUs, columns, tailUs, rolling }: Part): DecimatedCurve {
  return decimate(rolled(curve, rolling, fromUs, toUs), fromUs, toUs, columns, tailUs);
}

/** Returns noise, drift and limit of detection; `null` for unknown values. */
export function precisionView(precision: Precision) {
  return {
    noise: finite(precision.noise),
    noiseError: finite(precision.noiseError),
    driftPerHour: finite(precision.driftPerHour),
    driftError: finite(precision.driftError),
    detectionLimit: finite(precision.detectionLimit),
    detectionLimitError: finite(precision.detectionLimitError),
    doubts: precision.doubts,
  };
}

export function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 16);
}

const GROUP = "group:";
export const isGroup = (name: string): boolean => name.startsWith(GROUP);
/** Returns the group names among the wanted names, without their prefix. */
export const groupNames = (wanted: readonly string[]): string[] =>
  wanted.filter(isGroup).map((name) => name.slice(GROUP.length));
