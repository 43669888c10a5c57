// Reads the curves that sensorgrams are made of: one for each ROI, or one for each grating from its two halves.

import type { Analysis } from "../manifest/analyses.ts";
import type { ManifestPart } from "../manifest/manifest.ts";
import { pairsOf } from "../measurement/labels.ts";
import { alignFrames, separatePair } from "./sensorgram.ts";

/** The source of the curves. */
export type SensorgramSource = ManifestPart<{ results: "sensorgram"; analyses: "roiManifest" }>;

/** An ROI, or a grating with the labels of its halves. */
export interface Unit {
  readonly label: string;
  readonly labels: readonly string[];
  read(): RawCurve;
}

/** Measured positions, px, in order of capture; `movement`: movement of the chip along the rows, only for pairs. */
export interface RawCurve {
  readonly entryId: Float64Array;
  readonly timesUs: Float64Array;
  readonly position: Float64Array;
  readonly standardError: Float64Array;
  readonly flags: Uint8Array;
  readonly movement?: Float64Array;
}

/** How the two halves of a grating are combined: half their sum, with the noise of one half / √2, or their sum. */
export const PAIR_FORMS = ["half", "sum"] as const;
export type PairForm = (typeof PAIR_FORMS)[number];
/** Says what the curve of a grating is. */
export const PAIR_TEXTS: Readonly<Record<PairForm, string>> = {
  half: "half the sum of both halves of each grating",
  sum: "the sum of both halves of each grating",
};
/** Factors on half the sum. */
export const PAIR_SCALES: Readonly<Record<PairForm, number>> = { half: 1, sum: 2 };

/** Returns the units of an analysis, in the order of its ROI manifest; `pairs`: one for each grating. */
export function unitsOf(source: SensorgramSource, analysis: Analysis, pairs: PairForm | undefined): Unit[] {
  return pairs === undefined ? roiUnits(source, analysis) : pairUnits(source, analysis, PAIR_SCALES[pairs]);
}

/** Whether a unit is selected. A pair can be selected by its grating's label or by the labels of both halves. */
export function isMeant(
  { label, labels }: Pick<Unit, "label" | "labels">,
  matches: (label: string) => boolean,
): boolean {
  return matches(label) || labels.every(matches);
}

function roiUnits(source: SensorgramSource, { analysisId, labels }: Analysis): Unit[] {
  return labels.map((label, roi) => ({ label, labels: [label], read: () => readRoi(source, analysisId, roi) }));
}

function readRoi(source: SensorgramSource, analysisId: number, roi: number): RawCurve {
  const { capturedAtUs, ...curve } = source.results.sensorgram({ analysisId, roi });
  return { ...curve, timesUs: capturedAtUs };
}

function pairUnits(source: SensorgramSource, { analysisId, roiManifestId }: Analysis, scale: number): Unit[] {
  const rois = roiManifestId === undefined ? [] : (source.analyses.roiManifest(roiManifestId)?.rois ?? []);
  return pairsOf(rois).map(({ label, flipped, plain }) => ({
    label,
    labels: [flipped, plain].flatMap((roi) => rois[roi]?.label ?? []),
    read() {
      const one = readRoi(source, analysisId, plain);
      const other = readRoi(source, analysisId, flipped);
      // A frame may have been measured between the two reads.
      const aligned = (values: Float64Array) => alignFrames(other.entryId, values, one.entryId, Number.NaN);
      const otherError = aligned(other.standardError);
      const pair = separatePair(
        {
          values: aligned(other.position),
          flags: Uint8Array.from(alignFrames(other.entryId, other.flags, one.entryId, 0)),
        },
        { values: one.position, flags: one.flags },
      );
      return {
        entryId: one.entryId,
        timesUs: one.timesUs,
        position: pair.signal.map((px) => scale * px),
        standardError: one.standardError.map((error, at) => (scale * Math.hypot(error, otherError[at] as number)) / 2),
        flags: pair.flags,
        movement: pair.movement,
      };
    },
  }));
}
