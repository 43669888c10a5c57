// Sensorgrams of an experiment: read from the manifest ROI by ROI, worked up by the arithmetic of analysis/sensorgram.ts.
// For the command line, plots and the page alike.
import { type Groups, groupsOf, pairsOf } from "../analysis/labels.ts";
import { type Precision, precisionOf } from "../analysis/precision.ts";
import {
  alignFrames,
  FrameMean,
  openingWindow,
  refractiveIndexChange,
  separatePair,
  shiftFrom,
  soundPoints,
  subtractBlank,
  type TimeWindow,
  type Trace,
} from "../analysis/sensorgram.ts";
import { smooth } from "../analysis/smoothing.ts";
import { medianOf } from "../analysis/statistics.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { Analysis } from "../manifest/runs.ts";

/** Where curves are read from. */
export type SensorgramSource = Pick<Manifest, "sensorgram" | "roiManifest">;

export interface SensorgramOptions {
  /** Labels of the curves wanted. */
  isWanted(label: string): boolean;
  /** Labels of the references. */
  isReference(label: string): boolean;
  /** The baseline, given the times of the frames. */
  baseline(timesUs: Float64Array): TimeWindow;
  /** One curve for each grating from its two halves, instead of one for each half. */
  readonly pairs: boolean;
  /** Undefined: groups are not asked for, which saves their means. */
  readonly groups: Groups | undefined;
  readonly sensitivityPxPerRiu?: number | undefined;
  /** By label of an ROI the line that it is measured with; absent for methods without a line for the whole ROI. */
  readonly lines?: ReadonlyMap<string, string> | undefined;
  /** Frames a smooth curve goes over. */
  readonly smoothFrames?: number | undefined;
  /** Double referencing: the window of a blank injection and the beginning of the one it is taken from. */
  blank?(timesUs: Float64Array): { readonly window: TimeWindow; readonly injectionUs: number };
}

/** The baseline in force, given the times of the frames: as a person chose it on the page, else the first seconds. */
export function baselineInForce(
  { markers }: Pick<Manifest, "markers">,
  openingSeconds: number,
): (timesUs: Float64Array) => TimeWindow {
  const chosen = markers.baseline();
  return chosen === undefined ? (timesUs) => openingWindow(timesUs, openingSeconds) : () => chosen;
}

/** A curve with all that was made of it; arrays of equal length, one element per frame in order of capture. */
export interface WorkedSensorgram {
  /** Of the ROI, or with pairs of the grating. */
  readonly label: string;
  /** Of its ROIs, "|" between those of a pair that differ; undefined where that is not known. */
  readonly line: string | undefined;
  readonly reference: boolean;
  readonly entryId: Float64Array;
  readonly timesUs: Float64Array;
  /** px; with pairs the mean of the halves. */
  readonly position: Float64Array;
  /** px. */
  readonly standardError: Float64Array;
  readonly flags: Uint8Array;
  /** px from the baseline. */
  readonly shift: Float64Array;
  /** Movement of the chip along the rows since the baseline, px; pairs only. */
  readonly movement: Float64Array | undefined;
  /** The shift minus that of the references. */
  readonly referenced: Float64Array | undefined;
  readonly doubleReferenced: Float64Array | undefined;
  /** The furthest of shift, referenced and doubleReferenced. */
  readonly result: Float64Array;
  readonly smoothed: Float64Array | undefined;
  readonly riu: Float64Array | undefined;
  /** The baseline, and its points with and without a say. */
  readonly baseline: TimeWindow & { readonly levelPx: number; readonly points: number; readonly excluded: number };
  /** Of the result in the baseline, px. */
  readonly precision: Precision;
}

/** What is known of a group: the precision of the mean of its curves. */
export interface GroupPrecision {
  readonly group: string;
  readonly members: number;
  readonly precision: Precision;
}

interface Unit {
  readonly label: string;
  readonly labels: readonly string[];
  read(): RawCurve;
}

interface RawCurve {
  readonly entryId: Float64Array;
  readonly timesUs: Float64Array;
  readonly position: Float64Array;
  readonly standardError: Float64Array;
  readonly flags: Uint8Array;
  readonly movement?: Float64Array;
}

/** The curves of one analysis, one in memory at a time, and the groups they belong to. */
export class Sensorgrams {
  readonly #options: SensorgramOptions;
  readonly #units: readonly Unit[];
  readonly #references = new FrameMean();
  readonly #groups = new Map<string, { mean: FrameMean; members: number }>();
  #frames: Pick<RawCurve, "entryId" | "timesUs"> | undefined;
  /** Labels of the references with a baseline; those without one have no say. */
  readonly references: readonly string[];

  constructor(source: SensorgramSource, analysis: Analysis, options: SensorgramOptions) {
    this.#options = options;
    this.#units = options.pairs ? pairUnits(source, analysis) : roiUnits(source, analysis);
    this.references = this.#units.flatMap((unit) => {
      if (!isMeant(unit, options.isReference)) return [];
      const curve = unit.read();
      const { level } = this.#levelOf(curve);
      if (Number.isNaN(level)) return [];
      this.#references.add(curve.entryId, { values: shiftFrom(curve.position, level), flags: curve.flags });
      return [unit.label];
    });
  }

  /** Labels of the curves that there are. */
  get labels(): string[] {
    return this.#wanted().map(({ label }) => label);
  }

  /** The wanted curves in the order of the ROI manifest. */
  *curves(): Generator<WorkedSensorgram> {
    this.#groups.clear();
    for (const unit of this.#wanted()) {
      const worked = this.#work(unit);
      this.#frames ??= worked;
      // Nothing binds on a reference: in the mean of a group it would dilute what does.
      if (!worked.reference) this.#addToGroups(unit, worked);
      yield worked;
    }
  }

  /** The groups of the curves that `curves` has given so far. */
  groups(): GroupPrecision[] {
    const frames = this.#frames;
    if (frames === undefined) return [];
    const { entryId, timesUs } = frames;
    const flags = new Uint8Array(entryId.length);
    return [...this.#groups].map(([group, { mean, members }]) => {
      const precision = precisionOf({ timesUs, values: mean.of(entryId), flags }, this.#options.baseline(timesUs));
      return { group, members, precision };
    });
  }

  #wanted(): Unit[] {
    return this.#units.filter((unit) => isMeant(unit, this.#options.isWanted));
  }

  #levelOf({ timesUs, position, flags }: RawCurve) {
    const window = this.#options.baseline(timesUs);
    const { values, excluded } = soundPoints({ timesUs, values: position, flags }, window);
    return { window, level: medianOf(values), points: values.length, excluded };
  }

  #work(unit: Unit): WorkedSensorgram {
    const { blank, lines, pairs, sensitivityPxPerRiu, smoothFrames } = this.#options;
    const curve = unit.read();
    const { entryId, timesUs, position, standardError, flags } = curve;
    const { window, level, points, excluded } = this.#levelOf(curve);
    const traceOf = (values: Float64Array): Trace => ({ timesUs, values, flags });
    const shift = shiftFrom(position, level);
    const reference = this.references.includes(unit.label);
    const referenced =
      this.references.length === 0
        ? undefined
        : this.#references.subtractFrom(entryId, { values: shift, flags }, reference);
    const single = referenced ?? shift;
    const injection = blank?.(timesUs);
    const doubleReferenced =
      injection === undefined ? undefined : subtractBlank(traceOf(single), injection.window, injection.injectionUs);
    const result = doubleReferenced ?? single;
    const moved = pairs ? curve.movement : undefined;
    return {
      label: unit.label,
      line: lines && [...new Set(unit.labels.map((label) => lines.get(label) ?? ""))].join("|"),
      reference,
      entryId,
      timesUs,
      position,
      standardError,
      flags,
      shift,
      movement: moved && shiftFrom(moved, medianOf(soundPoints(traceOf(moved), window).values)),
      referenced,
      doubleReferenced,
      result,
      smoothed: smoothFrames === undefined ? undefined : smooth(traceOf(result), smoothFrames),
      riu: sensitivityPxPerRiu === undefined ? undefined : refractiveIndexChange(result, sensitivityPxPerRiu),
      baseline: { ...window, levelPx: level, points, excluded },
      precision: precisionOf(traceOf(result), window),
    };
  }

  #addToGroups(unit: Unit, { entryId, result, flags }: WorkedSensorgram): void {
    const { groups } = this.#options;
    if (groups === undefined) return;
    for (const name of new Set(unit.labels.flatMap((label) => groupsOf(label, groups)))) {
      const group = this.#groups.get(name) ?? { mean: new FrameMean(), members: 0 };
      group.mean.add(entryId, { values: result, flags });
      this.#groups.set(name, { ...group, members: group.members + 1 });
    }
  }
}

/** A pair is meant by its grating's label or by those of both halves. */
function isMeant({ label, labels }: Unit, matches: (label: string) => boolean): boolean {
  return matches(label) || labels.every(matches);
}

function roiUnits(source: SensorgramSource, { analysisId, labels }: Analysis): Unit[] {
  return labels.map((label, roi) => ({ label, labels: [label], read: () => readRoi(source, analysisId, roi) }));
}

function readRoi(source: SensorgramSource, analysisId: number, roi: number): RawCurve {
  const { capturedAtUs, ...curve } = source.sensorgram({ analysisId, roi });
  return { ...curve, timesUs: capturedAtUs };
}

function pairUnits(source: SensorgramSource, { analysisId, roiManifestId }: Analysis): Unit[] {
  const rois = roiManifestId === undefined ? [] : (source.roiManifest(roiManifestId)?.rois ?? []);
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
        position: pair.signal,
        standardError: one.standardError.map((error, at) => Math.hypot(error, otherError[at] as number) / 2),
        flags: pair.flags,
        movement: pair.movement,
      };
    },
  }));
}
