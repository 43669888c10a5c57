// The sample that a node gets for a frame: the value before any cast, and its quality.

import { type FrameMeasure, quantityColumn, type RoiMeasure, type ValueName } from "../../config/opcua-value-name.ts";
import type { Measured, Outcome } from "../../manifest/outcomes.ts";
import { frameName } from "../../manifest/page-rows.ts";
import { STATISTICS } from "../../measurement/method.ts";
import type { Shift } from "./baseline.ts";
import type { Plain } from "./data-type.ts";
import { type Quality, qualityOfFailure, qualityOfFlags, worse } from "./quality.ts";
import type { Target } from "./target.ts";

export interface Sample {
  /** One value, or one per ROI for an array. */
  readonly value: Plain | readonly Plain[];
  readonly quality: Quality;
}

/** A frame's outcome, and the shifts if a node needs them. */
export interface Frame {
  readonly outcome: Outcome;
  readonly shift: Shift | undefined;
}

/** Returns the sample of a target that is not live. */
export function sampleOf(target: Target, frame: Frame): Sample {
  const { name, rois, isArray } = target;
  if (name.kind === "frame") return frameSample(name.measure, frame.outcome);
  if (name.kind === "reading") return readingSample(target, name.sensor, frame.outcome);
  const { measured, errorCode } = frame.outcome;
  if (measured === undefined) {
    const quality = qualityOfFailure(errorCode);
    return isArray ? { value: rois.map(() => Number.NaN), quality } : { value: Number.NaN, quality };
  }
  if (!isArray) return roiSample(target, name, frame, measured, rois[0] as number);
  let quality: Quality = "Good";
  const value = rois.map((roi) => {
    const sample = roiSample(target, name, frame, measured, roi);
    quality = worse(quality, sample.quality);
    return sample.value;
  });
  return { value, quality };
}

function roiSample(
  target: Target,
  name: ValueName,
  frame: Frame,
  measured: Measured,
  roi: number,
): { value: number; quality: Quality } {
  const flags = measured.flags[roi] ?? 0;
  // Flags, and the quality value, are always certain.
  if (name.kind === "roi" && name.measure === "flags") return { value: flags, quality: "Good" };
  const raw = roiValue(name, frame, measured, roi);
  if (name.kind === "roi" && name.measure === "quality") return { value: scaled(target, raw), quality: "Good" };
  if (Number.isNaN(raw)) return { value: raw, quality: "BadNoData" };
  const quality = qualityOfFlags(flags);
  const early = name.kind === "roi" && isOfShift(name.measure) && frame.shift?.settled !== true;
  return { value: scaled(target, raw), quality: early ? worse(quality, "UncertainSubNormal") : quality };
}

/** Whether a value is relative to the baseline. */
function isOfShift(measure: RoiMeasure): boolean {
  return measure === "shift" || measure === "shift_standard_error";
}

function roiValue(name: ValueName, { outcome, shift }: Frame, measured: Measured, roi: number): number {
  if (name.kind === "statistic") {
    const column = quantityColumn(outcome.method, name.quantity);
    if (column === undefined) return Number.NaN;
    const perRoi = measured.statistics.length / outcome.labels.length;
    return (
      measured.statistics[roi * perRoi + column * STATISTICS.length + STATISTICS.indexOf(name.statistic)] ?? Number.NaN
    );
  }
  return name.kind === "roi" ? measureOf(name.measure, shift, measured, roi) : Number.NaN;
}

function measureOf(measure: RoiMeasure, shift: Shift | undefined, measured: Measured, roi: number): number {
  switch (measure) {
    case "position":
      return measured.position[roi] ?? Number.NaN;
    case "standard_error":
      return measured.standardError[roi] ?? Number.NaN;
    case "quality":
      return measured.quality[roi] ?? Number.NaN;
    case "flags":
      return measured.flags[roi] ?? 0;
    case "shift":
      return shift?.px[roi] ?? Number.NaN;
    case "shift_standard_error":
      return shift?.errors[roi] ?? Number.NaN;
  }
}

const scaled = ({ scale, offset }: Target, value: number): number => value * scale + offset;

function frameSample(measure: FrameMeasure, outcome: Outcome): Sample {
  const { measured, ok, errorCode } = outcome;
  const optical = (value: number | undefined): Sample =>
    value === undefined || Number.isNaN(value)
      ? { value: Number.NaN, quality: ok ? "BadNoData" : qualityOfFailure(errorCode) }
      : { value, quality: "Good" };
  const good = (value: Plain): Sample => ({ value, quality: "Good" });
  switch (measure) {
    case "frame":
      return good(outcome.entryId);
    case "captured_at":
      return good(new Date(outcome.capturedAtUs / 1000));
    case "processed_at":
      return good(new Date(outcome.processedAtUs / 1000));
    case "filename":
      return good(frameName(outcome.filename, outcome.page));
    case "ok":
      return good(ok);
    case "error":
      return good(outcome.error ?? "");
    case "flagged":
      return optical(measured?.flags.reduce((count, flags) => count + (flags === 0 ? 0 : 1), 0));
    case "brightness":
      return optical(measured?.brightness);
    case "contrast":
      return optical(measured?.contrast);
  }
}

function readingSample(target: Target, sensor: string, { readings }: Outcome): Sample {
  const reading = readings.find((one) => one.sensor === sensor);
  if (reading === undefined) return { value: Number.NaN, quality: "BadNoData" };
  if (reading.value === undefined) return { value: Number.NaN, quality: "BadSensorFailure" };
  return { value: scaled(target, reading.value), quality: "Good" };
}
