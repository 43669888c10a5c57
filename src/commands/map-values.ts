// The quantities that `phorest map` draws, grating by grating.
import { type ReportPoint, responsesOf } from "../assay/responses.ts";
import type { WorkedSensorgram } from "../assay/sensorgrams.ts";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { medianOf } from "../measurement/statistics.ts";
import { frontIn } from "./arrival.ts";
import { type InjectionCurves, injectionCurves, plainCurves } from "./injection-curves.ts";
import { lineOf } from "./sensitivity.ts";
import { timeOption } from "./time-options.ts";

export const MAP_QUANTITIES = [
  "shift",
  "noise",
  "drift",
  "detection-limit",
  "response",
  "arrival",
  "sensitivity",
] as const;
export type MapQuantity = (typeof MAP_QUANTITIES)[number];

/** What the options of the command say. */
export interface MapRequest {
  readonly at: string | undefined;
  readonly injection: number | undefined;
  readonly point: ReportPoint;
  readonly "buffer-index": number | undefined;
  readonly roi: string[] | undefined;
  readonly pairs: boolean;
  readonly analysis: string | undefined;
  readonly window: number | undefined;
}

export interface MapValue {
  readonly label: string;
  /** NaN: not known. */
  readonly value: number;
  readonly error: number;
  readonly flagged: boolean;
}

export interface QuantityMap {
  readonly name: string;
  readonly unit: string;
  /** What exactly is drawn, for the line below the title. */
  readonly detail: string;
  readonly diverging: boolean;
  readonly roiManifestId: number | undefined;
  readonly values: readonly MapValue[];
}

/** The values of a quantity. Failure `usage.invalid` where there is nothing to draw. */
export function mapOf(manifest: Manifest, config: Config, quantity: MapQuantity, request: MapRequest): QuantityMap {
  switch (quantity) {
    case "shift":
      return shiftMap(manifest, config, request);
    case "noise":
    case "drift":
    case "detection-limit":
      return precisionMap(manifest, config, quantity, request);
    case "response":
    case "arrival":
      return injectionMap(manifest, config, quantity, request);
    case "sensitivity":
      return sensitivityMap(manifest, config, request);
  }
}

/** Part of the frames that the last shift is the median of. */
const LAST_PART = 0.1;
const FEWEST = 3;

function shiftMap(manifest: Manifest, config: Config, request: MapRequest): QuantityMap {
  const { analysis, curves, timesUs } = plainCurves(manifest, config, request);
  const wantedUs = request.at === undefined ? undefined : timeOption("--at", request.at)(timesUs[0]);
  const [first = 0, last = 0] = [timesUs[0], timesUs.at(-1)];
  if (wantedUs !== undefined && (wantedUs < first || wantedUs > last)) {
    throw new Failure("usage.invalid", `--at ${request.at}: there is no frame at this time`, {
      hint: `the frames are from ${isoFromUs(first)} to ${isoFromUs(last)}`,
    });
  }
  const count = Math.max(FEWEST, Math.ceil(LAST_PART * timesUs.length));
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
    const line = lineOf(curve, given, request["buffer-index"]);
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
  const argv = { ...rest, injection: injection === undefined ? undefined : [injection] };
  return injectionCurves(manifest, config, argv, ({ injection: one }) => !calibrations || one.type === "calibration");
}
