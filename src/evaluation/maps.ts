// Maps: any quantity of the gratings, with its position on the chip.
import { writeToString } from "fast-csv";
import type { ExperimentKinetics } from "../assay/kinetics/experiment/experiment-kinetics.ts";
import { type KineticsRequest, USUAL_REQUEST } from "../assay/kinetics/experiment/plan.ts";
import { type ReportPoint, responsesOf } from "../assay/responses.ts";
import type { WorkedSensorgram } from "../assay/worked-sensorgram.ts";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import { type MapCell, withUnit } from "../figures/map-figure.ts";
import type { Analysis } from "../manifest/analyses.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { gratingOf, roisOf } from "../measurement/labels.ts";
import { medianOf } from "../measurement/statistics.ts";
import { safeText } from "../outputs/csv/file/text.ts";
import { frontIn } from "./arrivals.ts";
import { type ChosenCurves, type InjectionCurves, injectionCurves, plainCurves } from "./injection-curves.ts";
import { kineticsOf } from "./kinetics.ts";
import { digits, numberOrNull } from "./numbers.ts";
import { isCalibration, lineOf } from "./sensitivities.ts";

export const MAP_QUANTITIES = [
  "shift",
  "quality",
  "noise",
  "drift",
  "detection-limit",
  "response",
  "arrival",
  "sensitivity",
  "ka",
  "kd",
  "KD",
] as const;
export type MapQuantity = (typeof MAP_QUANTITIES)[number];

/** The options of a map. */
export interface MapRequest extends ChosenCurves {
  /** shift: microseconds since the epoch, given the first frame's; undefined: the last frames. */
  readonly at: ((firstUs: number | undefined) => number) | undefined;
  /** response, arrival, sensitivity: number of the injection; undefined: the first, or all calibrations. */
  readonly injection: number | undefined;
  readonly point: ReportPoint;
  /** sensitivity: refractive index of the running buffer. */
  readonly bufferIndex: number | undefined;
  /** Length of windows, seconds; undefined: the usual one. */
  readonly window: number | undefined;
  /** ka, kd, KD: fit settings; undefined: the usual ones. */
  readonly kinetics?: Pick<KineticsRequest, "model" | "solution" | "delayS"> | undefined;
}

interface MapValue {
  readonly label: string;
  /** Value; NaN if unknown. */
  readonly value: number;
  readonly error: number;
  readonly flagged: boolean;
}

export interface QuantityMap {
  readonly name: string;
  readonly unit: string;
  /** Description of what is drawn, for the line below the title. */
  readonly detail: string;
  readonly diverging: boolean;
  readonly roiManifestId: number | undefined;
  readonly values: readonly MapValue[];
}

/** Returns the values of a quantity. Failure `usage.invalid` if there is nothing to draw. */
export function mapOf(manifest: Manifest, config: Config, quantity: MapQuantity, request: MapRequest): QuantityMap {
  switch (quantity) {
    case "shift":
      return shiftMap(manifest, config, request);
    case "quality":
      return qualityMap(manifest, config, request);
    case "noise":
    case "drift":
    case "detection-limit":
      return precisionMap(manifest, config, quantity, request);
    case "response":
    case "arrival":
      return injectionMap(manifest, config, quantity, request);
    case "sensitivity":
      return sensitivityMap(manifest, config, request);
    case "ka":
    case "kd":
    case "KD":
      return kineticsMap(
        kineticsOf(manifest, config, request.analysis, {
          ...USUAL_REQUEST,
          ...request.kinetics,
          roi: request.roi,
          pairs: request.pairs,
        }),
        quantity,
        request.analysis,
      );
  }
}

const RATES = {
  ka: { name: "Association rate ka", unit: "1/(M s)" },
  kd: { name: "Dissociation rate kd", unit: "1/s" },
  KD: { name: "Affinity KD", unit: "M" },
} as const;

/** Returns a rate of every grating; bounds do not count as values. */
export function kineticsMap(
  { gratings, plan }: ExperimentKinetics,
  quantity: keyof typeof RATES,
  { roiManifestId }: Pick<Analysis, "roiManifestId">,
): QuantityMap {
  const values = gratings.map(({ found }): MapValue => {
    if ("why" in found) return { label: found.set.name, value: Number.NaN, error: Number.NaN, flagged: true };
    const { value, standardError } = found[quantity];
    return {
      label: found.set.name,
      value: value ?? Number.NaN,
      error: standardError ?? Number.NaN,
      flagged: found.flags.length > 0,
    };
  });
  const cycles = plan.samples.length;
  const detail = `${plan.solution}, model ${plan.model}, ${cycles} ${cycles === 1 ? "cycle" : "cycles"}; gray: the data do not fix it`;
  return { ...RATES[quantity], detail, diverging: false, roiManifestId, values };
}

/** Share of the frames that the last shift and the quality are the medians of. */
const LAST_PART = 0.1;
const FEWEST = 3;

function shiftMap(manifest: Manifest, config: Config, request: MapRequest): QuantityMap {
  const { analysis, curves, timesUs } = plainCurves(manifest, config, request);
  const wantedUs = request.at?.(timesUs[0]);
  const [first = 0, last = 0] = [timesUs[0], timesUs.at(-1)];
  if (wantedUs !== undefined && (wantedUs < first || wantedUs > last)) {
    throw new Failure("usage.invalid", `there is no frame at ${isoFromUs(wantedUs)}`, {
      hint: `the frames are from ${isoFromUs(first)} to ${isoFromUs(last)}`,
    });
  }
  const count = lastFrames(timesUs);
  const values = [...curves()].map((curve): MapValue => {
    const at = wantedUs === undefined ? undefined : nearestFrame(curve.timesUs, wantedUs);
    const from = at ?? Math.max(0, curve.result.length - count);
    const to = at === undefined ? curve.result.length : at + 1;
    const sound = curve.result.slice(from, to).filter((_px, i) => curve.flags[from + i] === 0 || at !== undefined);
    const error =
      at === undefined
        ? medianOf(curve.errors.result.slice(from, to)) / Math.sqrt(Math.max(1, sound.length))
        : (curve.errors.result[at] as number);
    return { label: curve.label, value: medianOf(sound), error, flagged: at !== undefined && curve.flags[at] !== 0 };
  });
  const detail =
    wantedUs === undefined
      ? `Shift from the baseline, median of the last ${count} frames`
      : `Shift from the baseline at ${isoFromUs(wantedUs)}`;
  return { name: "Shift", unit: "px", detail, diverging: true, roiManifestId: analysis.roiManifestId, values };
}

const lastFrames = (timesUs: Float64Array): number => Math.max(FEWEST, Math.ceil(LAST_PART * timesUs.length));

/** Maps the quality; that of a grating is the quality of its worse half. */
function qualityMap(manifest: Manifest, config: Config, request: MapRequest): QuantityMap {
  const { analysis, curves, timesUs } = plainCurves(manifest, config, request);
  const count = lastFrames(timesUs);
  const values = [...curves()].map(({ label }): MapValue => {
    const halves = analysis.labels.flatMap((one, roi) => {
      if (one !== label && gratingOf(one) !== label) return [];
      const { quality, flags } = manifest.results.sensorgram({ analysisId: analysis.analysisId, roi });
      return [{ quality: medianOf(quality.slice(-count)), isFlagged: flags.slice(-count).some((flag) => flag !== 0) }];
    });
    const value = Math.min(...halves.map(({ quality }) => quality));
    return { label, value, error: Number.NaN, flagged: halves.some(({ isFlagged }) => isFlagged) };
  });
  const detail = `Quality from 0 to 1, median of the last ${count} frames; dashed: one of them is flagged`;
  return { name: "Quality", unit: "", detail, diverging: false, roiManifestId: analysis.roiManifestId, values };
}

function nearestFrame(timesUs: Float64Array, wantedUs: number): number {
  let best = 0;
  timesUs.forEach((timeUs, at) => {
    if (Math.abs(timeUs - wantedUs) < Math.abs((timesUs[best] as number) - wantedUs)) best = at;
  });
  return best;
}

function precisionMap(
  manifest: Manifest,
  config: Config,
  quantity: "noise" | "drift" | "detection-limit",
  request: MapRequest,
): QuantityMap {
  const { analysis, curves } = plainCurves(manifest, config, request);
  const values = [...curves()].map(({ label, precision }): MapValue => {
    const [value, error] = {
      noise: [precision.noise, precision.noiseError],
      drift: [precision.driftPerHour, precision.driftError],
      "detection-limit": [precision.detectionLimit, precision.detectionLimitError],
    }[quantity] as [number, number];
    return { label, value, error, flagged: precision.doubts.length > 0 };
  });
  const names = { noise: "Noise", drift: "Drift", "detection-limit": "Limit of detection" } as const;
  const unit = quantity === "drift" ? "px/h" : "px";
  const shared = { roiManifestId: analysis.roiManifestId, values, diverging: quantity === "drift" };
  return { name: names[quantity], unit, detail: `${names[quantity]} in the baseline`, ...shared };
}

function injectionMap(
  manifest: Manifest,
  config: Config,
  quantity: "response" | "arrival",
  request: MapRequest,
): QuantityMap {
  const given = injectionsOf(manifest, config, request);
  const [phases] = given.phases;
  if (phases === undefined) throw new Failure("usage.invalid", "there are no injections");
  const { injectionId, solution } = phases.injection;
  const name = `injection ${injectionId} (${solution})`;
  const valueIn = (curve: WorkedSensorgram): Omit<MapValue, "label"> => {
    if (quantity === "arrival") {
      const { seconds, error, flags } = frontIn(curve, phases);
      return { value: seconds, error, flagged: flags.includes("between_frames") };
    }
    const found = responsesOf(curve, phases, given.windowUs).find(({ point }) => point === request.point);
    return {
      value: found?.px ?? Number.NaN,
      error: found?.error ?? Number.NaN,
      flagged: (found?.flags.length ?? 0) > 0,
    };
  };
  const values = [...given.curves()].map((curve): MapValue => ({ label: curve.label, ...valueIn(curve) }));
  const shared = { roiManifestId: given.analysis.roiManifestId, values };
  return quantity === "arrival"
    ? {
        name: "Arrival",
        unit: "s",
        detail: `Seconds from the start of ${name} to half of the step`,
        diverging: false,
        ...shared,
      }
    : { name: "Response", unit: "px", detail: `Response to ${name}, ${request.point}`, diverging: true, ...shared };
}

function sensitivityMap(manifest: Manifest, config: Config, request: MapRequest): QuantityMap {
  const given = injectionsOf(manifest, config, request, true);
  const values = [...given.curves()].map((curve): MapValue => {
    const line = lineOf(curve, given, request.bufferIndex);
    const [value, error] = [line?.pxPerRiu ?? Number.NaN, line?.error ?? Number.NaN];
    return { label: curve.label, value, error, flagged: line?.flags.includes("not_linear") === true };
  });
  const detail = `From ${given.phases.length} calibration injections`;
  return {
    name: "Sensitivity",
    unit: "px/RIU",
    detail,
    diverging: false,
    roiManifestId: given.analysis.roiManifestId,
    values,
  };
}

function injectionsOf(manifest: Manifest, config: Config, request: MapRequest, calibrations = false): InjectionCurves {
  const { injection, ...rest } = request;
  const chosen = { ...rest, injection: injection === undefined ? undefined : [injection] };
  return injectionCurves(manifest, config, chosen, (one) => !calibrations || isCalibration(one));
}

/** Returns values with the positions of their gratings in the image; leaves out gratings without a position. */
export function mapCells(manifest: Manifest, { roiManifestId, values }: QuantityMap): MapCell[] {
  const rois = roiManifestId === undefined ? [] : (manifest.analyses.roiManifest(roiManifestId)?.rois ?? []);
  return values.flatMap(({ label, value, flagged }): MapCell[] => {
    const own = roisOf(rois, label);
    if (own.length === 0) return [];
    const edge = (of: (roi: (typeof own)[number]) => number, most: (...all: number[]) => number) =>
      most(...own.map(of));
    return [
      {
        label,
        left: edge(({ x }) => x, Math.min),
        top: edge(({ y }) => y, Math.min),
        right: edge(({ x, width }) => x + width, Math.max),
        bottom: edge(({ y, height }) => y + height, Math.max),
        value,
        flagged,
      },
    ];
  });
}

/** "median 1054 px/RIU, middle 68 % from 1020 to 1090, 318 of 322" */
export function mapSummary({ values, unit }: QuantityMap): string {
  const known = values
    .map(({ value }) => value)
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  if (known.length === 0) return `none of ${values.length} is known`;
  const at = (share: number) => digits(known[Math.round(share * (known.length - 1))] as number, 4);
  const median = [digits(medianOf(Float64Array.from(known)), 4), unit].join(" ").trim();
  return `median ${median}, middle 68 % from ${at(0.16)} to ${at(0.84)}, ${known.length} of ${values.length}`;
}

export function mapCsv(quantity: string, { values, unit }: QuantityMap): Promise<string> {
  const rows = values.map(({ label, value, error, flagged }) => [
    safeText(label),
    digits(value, 7),
    digits(error, 4),
    Number(flagged),
  ]);
  const names = ["label", withUnit(quantity, unit), withUnit("standard error", unit), "flagged"];
  return writeToString([names, ...rows], { headers: false, includeEndRowDelimiter: true });
}

/** Returns the map in the form for other programs. */
export function mapJson(quantity: string, { values, unit }: QuantityMap) {
  return {
    quantity,
    unit,
    values: values.map(({ label, value, error, flagged }) => ({
      label,
      value: numberOrNull(value),
      standard_error: numberOrNull(error),
      flagged,
    })),
  };
}
