// Computes when the front of each injection arrives at each grating, and the direction and speed of the liquid.
import { writeToString } from "fast-csv";
import { type Flow, flowOf } from "../assay/flow.ts";
import { type Front, frontOf } from "../assay/front.ts";
import type { Phases } from "../assay/responses.ts";
import type { WorkedSensorgram } from "../assay/worked-sensorgram.ts";
import type { Analysis } from "../manifest/analyses.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { roisOf } from "../measurement/labels.ts";
import { safeText } from "../outputs/csv/file/text.ts";
import type { InjectionCurves } from "./injection-curves.ts";
import { digits, numberOrNull } from "./numbers.ts";

export interface ArrivalRow {
  readonly label: string;
  readonly phases: Phases;
  /** Centre of the ROI or grating in the image, px. */
  readonly x: number;
  readonly y: number;
  /** Times are seconds from the start of the injection. */
  readonly front: Front;
}

export interface InjectionFlow {
  readonly phases: Phases;
  /** Undefined if the arrivals show no direction. */
  readonly flow: Flow | undefined;
}

/** Time before the injection that the fit uses, as a share of the injection's length. */
const LEAD = 0.5;

/** Returns the arrivals, curve by curve and injection by injection, and the flow of each injection. */
export function arrivalsOf(
  manifest: Manifest,
  { analysis, phases, curves }: InjectionCurves,
): { rows: ArrivalRow[]; flows: InjectionFlow[] } {
  const places = placesOf(manifest, analysis);
  const rows: ArrivalRow[] = [];
  for (const curve of curves()) {
    const place = places(curve.label);
    for (const one of phases) rows.push({ label: curve.label, phases: one, front: frontIn(curve, one), ...place });
  }
  return {
    rows,
    flows: phases.map((one) => ({ phases: one, flow: flowIn(rows.filter((row) => row.phases === one)) })),
  };
}

/** Returns the front of an injection in a curve, seconds from its start. */
export function frontIn({ timesUs, result, flags }: WorkedSensorgram, { quietFromUs, startUs, endUs }: Phases): Front {
  const fromUs = Math.max(quietFromUs, startUs - LEAD * (endUs - startUs));
  const kept = [...timesUs.keys()].filter((at) => {
    const timeUs = timesUs[at] as number;
    return timeUs >= fromUs && timeUs < endUs && flags[at] === 0 && Number.isFinite(result[at]);
  });
  return frontOf(
    Float64Array.from(kept, (at) => ((timesUs[at] as number) - startUs) / 1e6),
    Float64Array.from(kept, (at) => result[at] as number),
  );
}

function flowIn(rows: readonly ArrivalRow[]): Flow | undefined {
  return flowOf(rows.map(({ x, y, front }) => ({ x, y, seconds: front.seconds, error: front.error })));
}

/**
 * Returns a function that gives the centre of an ROI, or of a grating's halves, in the image that the ROI manifest describes.
 */
function placesOf(manifest: Manifest, { roiManifestId }: Analysis): (label: string) => { x: number; y: number } {
  const rois = roiManifestId === undefined ? [] : (manifest.analyses.roiManifest(roiManifestId)?.rois ?? []);
  return (label) => {
    const own = roisOf(rois, label);
    const mean = (of: (roi: (typeof own)[number]) => number) => own.reduce((sum, roi) => sum + of(roi), 0) / own.length;
    return { x: mean(({ x, width }) => x + width / 2), y: mean(({ y, height }) => y + height / 2) };
  };
}

const COLUMNS = [
  "label",
  "injection",
  "x_px",
  "y_px",
  "arrival_s",
  "standard_error_s",
  "width_s",
  "width_standard_error_s",
  "height_px",
  "height_standard_error_px",
  "flags",
];

export function arrivalsCsv(rows: readonly ArrivalRow[]): Promise<string> {
  const lines = rows.map(({ label, phases, x, y, front }) => [
    safeText(label),
    phases.injection.injectionId,
    digits(x, 6),
    digits(y, 6),
    digits(front.seconds, 7),
    digits(front.error, 4),
    digits(front.width, 5),
    digits(front.widthError, 4),
    digits(front.height, 6),
    digits(front.heightError, 4),
    front.flags.join("|"),
  ]);
  return writeToString([COLUMNS, ...lines], { headers: false, includeEndRowDelimiter: true });
}

export function arrivalsJson(rows: readonly ArrivalRow[], flows: readonly InjectionFlow[]) {
  return {
    arrivals: rows.map(({ label, phases, x, y, front }) => ({
      label,
      injection: phases.injection.injectionId,
      x_px: numberOrNull(x),
      y_px: numberOrNull(y),
      arrival_s: numberOrNull(front.seconds),
      standard_error_s: numberOrNull(front.error),
      width_s: numberOrNull(front.width),
      width_standard_error_s: numberOrNull(front.widthError),
      height_px: numberOrNull(front.height),
      height_standard_error_px: numberOrNull(front.heightError),
      flags: front.flags,
    })),
    flows: flows.map(({ phases, flow }) => ({
      injection: phases.injection.injectionId,
      speed_px_per_s: numberOrNull(flow?.speed),
      speed_standard_error: numberOrNull(flow?.speedError),
      direction_degrees: numberOrNull(flow?.directionDegrees),
      direction_standard_error: numberOrNull(flow?.directionError),
      gratings: flow?.used ?? 0,
      left_out: flow?.leftOut ?? 0,
      scatter_s: numberOrNull(flow?.scatter),
    })),
  };
}

/** Returns the flow of an injection as a line of text. */
export function flowLine({ phases: { injection }, flow }: InjectionFlow): string {
  const name = `injection ${injection.injectionId} (${injection.solution})`;
  if (flow === undefined) return `${name}: no direction of flow can be told from the arrivals`;
  const plus = (value: number, error: number, decimals: number) =>
    `${value.toFixed(decimals)} ± ${error.toFixed(decimals)}`;
  return (
    `${name}: flows at ${digits(flow.speed, 4)} ± ${digits(flow.speedError, 2)} px/s, ` +
    `${plus(flow.directionDegrees, flow.directionError, 1)}° from right to down in the image; ${flow.used} curves, ${flow.leftOut} left out`
  );
}
