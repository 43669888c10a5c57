// Computes the sensorgrams of an experiment: reads them from the manifest ROI by ROI, and processes them with sensorgram.ts.
// Used by the command line, plots and the page.

import { Failure } from "../failure/failure.ts";
import type { Analysis } from "../manifest/analyses.ts";
import { type Groups, groupsOf, labelMatcher } from "../measurement/labels.ts";
import { refuseUnknownNames } from "../measurement/roi-names.ts";
import type { TimeWindow } from "../measurement/time-window.ts";
import type { CurveErrors } from "./curve-errors.ts";
import {
  isMeant,
  PAIR_SCALES,
  type PairForm,
  type RawCurve,
  type SensorgramSource,
  type Unit,
  unitsOf,
} from "./curve-units.ts";
import {
  inRiu,
  meanSensitivity,
  type Precision,
  precisionOf,
  type Sensitivity,
  scaledSensitivity,
} from "./precision.ts";
import { blankErrors, levelOf, shiftErrors, standardErrors, sumErrors } from "./propagation.ts";
import type { Sensitivities } from "./sensitivity.ts";
import {
  FrameMean,
  type MeanMember,
  refractiveIndexChange,
  shiftFrom,
  subtractBlank,
  type Trace,
} from "./sensorgram.ts";
import { smooth } from "./smoothing.ts";
import type { GroupCurve, GroupPrecision, WorkedSensorgram } from "./worked-sensorgram.ts";

export interface SensorgramOptions {
  /** Whether the curve with this label is requested. */
  isWanted(label: string): boolean;
  /** Whether the curve with this label is a reference. */
  isReference(label: string): boolean;
  /** Returns the baseline, given the times of the frames. */
  baseline(timesUs: Float64Array): TimeWindow;
  /** One curve for each grating from its two halves, instead of one for each half. */
  readonly pairs: boolean;
  /** Half the sum of the halves, or their sum. */
  readonly pairForm?: PairForm | undefined;
  /** Undefined: groups are not requested, which avoids computing their means. */
  readonly groups: Groups | undefined;
  /** px per RIU by label, as `sensitivitiesFor` returns them; absent: no values in RIU. */
  readonly sensitivities?: Sensitivities | undefined;
  /** Times that a baseline must not contain: markers. */
  readonly injectionsUs?: readonly number[];
  /** Line shape by label of the ROI; absent for methods without a line for the whole ROI. */
  readonly lines?: ReadonlyMap<string, string> | undefined;
  /** Number of frames that a smooth curve averages. */
  readonly smoothFrames?: number | undefined;
  /**
   * Double referencing: returns the window of a blank injection, and the beginning of the injection that it is subtracted from.
   */
  blank?(timesUs: Float64Array): { readonly window: TimeWindow; readonly injectionUs: number };
}

/** A curve with the errors of its shift before they are added up. */
interface WorkedWithErrors extends WorkedSensorgram {
  readonly ofShift: CurveErrors;
}

/** The means of a group: of its curves' results, and of their shifts with errors. */
interface Group {
  readonly result: FrameMean;
  readonly shift: FrameMean;
  readonly members: number;
  readonly sensitivities: readonly (Sensitivity | undefined)[];
}

/** Provides the curves of one analysis, one in memory at a time, and the groups they belong to. */
export class Sensorgrams {
  readonly #options: SensorgramOptions;
  readonly #units: readonly Unit[];
  readonly #references = new FrameMean();
  readonly #groups = new Map<string, Group>();
  #frames: Pick<RawCurve, "entryId" | "timesUs"> | undefined;
  /** Labels of the references with a baseline; the others are not used. */
  readonly references: readonly string[];

  constructor(source: SensorgramSource, analysis: Analysis, options: SensorgramOptions) {
    this.#options = options;
    this.#units = unitsOf(source, analysis, options.pairs ? (options.pairForm ?? "half") : undefined);
    this.references = this.#units.flatMap((unit) => {
      if (!isMeant(unit, options.isReference)) return [];
      const curve = unit.read();
      const { shift, errors } = this.#shiftOf(curve, curve.position);
      if (shift === undefined) return [];
      this.#references.add(curve.entryId, { values: shift, flags: curve.flags, errors });
      return [unit.label];
    });
  }

  /** Labels of the existing curves. */
  get labels(): string[] {
    return this.#wanted().map(({ label }) => label);
  }

  /** Yields the requested curves in the order of the ROI manifest. */
  *curves(): Generator<WorkedSensorgram> {
    this.#groups.clear();
    for (const unit of this.#wanted()) {
      const worked = this.#work(unit);
      this.#frames ??= worked;
      // Nothing binds to a reference: it would dilute the mean of a group.
      if (!worked.reference) this.#addToGroups(unit, worked);
      yield worked;
    }
  }

  /** Returns the groups of the curves that `curves` has yielded so far. */
  groups(): GroupPrecision[] {
    const frames = this.#frames;
    if (frames === undefined) return [];
    const { entryId, timesUs } = frames;
    const flags = new Uint8Array(entryId.length);
    return [...this.#groups].map(([group, { result, members, sensitivities }]) => {
      const precision = this.#precisionOf({ timesUs, values: result.of(entryId), flags });
      return { group, members, precision, sensitivity: meanSensitivity(sensitivities) };
    });
  }

  /** Yields the curves of these groups. */
  *groupCurves(): Generator<GroupCurve> {
    const frames = this.#frames;
    if (frames === undefined) return;
    const { entryId, timesUs } = frames;
    const isReferenced = this.references.length > 0;
    const isDouble = this.#options.blank !== undefined;
    for (const [group, { shift, result, members, sensitivities }] of this.#groups) {
      const own = shift.errors(entryId);
      const referencedErrors = isReferenced
        ? standardErrors(sumErrors(own, this.#references.errors(entryId)))
        : undefined;
      const values = result.of(entryId);
      const shifts = shift.of(entryId);
      const reference = this.#references.of(entryId);
      const referenced = isReferenced ? shifts.map((px, at) => px - (reference[at] as number)) : undefined;
      // The errors of a double-referenced mean are unknown: its members share the blank's frames.
      const unknown = new Float64Array(entryId.length).fill(Number.NaN);
      const resultErrors = isDouble ? unknown : (referencedErrors ?? standardErrors(own));
      const sensitivity = meanSensitivity(sensitivities);
      const riu = riuOf(values, resultErrors, sensitivity);
      yield {
        label: `group ${group}`,
        members,
        timesUs,
        shift: shifts,
        referenced,
        doubleReferenced: isDouble ? values : undefined,
        result: values,
        riu: riu?.values,
        sensitivity,
        flags: new Uint8Array(entryId.length),
        errors: {
          shift: standardErrors(own),
          referenced: referencedErrors,
          result: resultErrors,
          riu: riu?.errors,
        },
      };
    }
  }

  /**
   * Failure `usage.invalid` for a name, or a pattern of names, that no curve has; `where`: the option or setting that gives them.
   */
  refuseUnknown(patterns: readonly string[] | undefined, where?: string): void {
    const { pairs } = this.#options;
    const names = this.#units.map(({ label }) => label);
    if (names.length === 0 && pairs) throw new Failure("usage.invalid", "no grating has two halves");
    refuseUnknownNames(patterns, names, {
      ...(where === undefined ? {} : { where }),
      what: pairs ? "grating" : "ROI",
      isKnown: (pattern) => this.#units.some((unit) => isMeant(unit, labelMatcher([pattern]))),
    });
  }

  #wanted(): Unit[] {
    return this.#units.filter((unit) => isMeant(unit, this.#options.isWanted));
  }

  /** Returns a curve's values relative to their level in the baseline, with errors; no shift if there is no level. */
  #shiftOf({ timesUs, standardError, flags }: RawCurve, values: Float64Array) {
    const window = this.#options.baseline(timesUs);
    const level = levelOf({ timesUs, values, flags }, standardError, window);
    const shift = Number.isNaN(level.px) ? undefined : shiftFrom(values, level.px);
    return { window, level, shift, errors: shiftErrors(standardError, level) };
  }

  #precisionOf(trace: Trace, errors?: Float64Array): Precision {
    const { baseline, blank, injectionsUs = [] } = this.#options;
    const given = blank?.(trace.timesUs);
    const more = given === undefined ? [] : [given.window.fromUs, given.injectionUs];
    return precisionOf(trace, baseline(trace.timesUs), [...injectionsUs, ...more], errors);
  }

  #work(unit: Unit): WorkedWithErrors {
    const { lines, smoothFrames } = this.#options;
    const curve = unit.read();
    const { entryId, timesUs, position, standardError, flags } = curve;
    const { window, level, shift = shiftFrom(position, Number.NaN), errors } = this.#shiftOf(curve, position);
    const reference = this.references.includes(unit.label);
    const referenced = this.#referenced(entryId, { values: shift, flags, errors }, reference);
    const single = referenced ?? { values: shift, errors };
    const trace: Trace = { timesUs, values: single.values, flags };
    const double = this.#doubleReferenced(trace, single.errors);
    const result = double?.values ?? single.values;
    const resultErrors = double?.errors ?? standardErrors(single.errors);
    const moved = curve.movement && this.#shiftOf(curve, curve.movement);
    const through = { ...trace, values: result };
    const sensitivity = this.#sensitivityOf(unit.label);
    const riu = riuOf(result, resultErrors, sensitivity);
    const smoothed =
      smoothFrames === undefined
        ? undefined
        : smooth(through, smoothFrames, double === undefined ? single.errors : undefined);
    // Computed on demand: files of curves do not need it.
    let precision: Precision | undefined;
    const computedPrecision = () => this.#precisionOf(through, resultErrors);
    return {
      ofShift: errors,
      label: unit.label,
      line: lines && [...new Set(unit.labels.map((label) => lines.get(label) ?? ""))].join("|"),
      reference,
      entryId,
      timesUs,
      position,
      standardError,
      flags,
      shift,
      movement: moved && (moved.shift ?? shiftFrom(position, Number.NaN)),
      referenced: referenced?.values,
      doubleReferenced: double?.values,
      result,
      smoothed: smoothed?.values,
      riu: riu?.values,
      sensitivity,
      errors: {
        shift: standardErrors(errors),
        movement: moved && standardErrors(moved.errors),
        referenced: referenced && standardErrors(referenced.errors),
        doubleReferenced: double?.errors,
        result: resultErrors,
        smoothed: smoothed?.errors,
        riu: riu?.errors,
      },
      frameErrors: double?.errors ?? single.errors.own.map(Math.sqrt),
      baseline: { ...window, levelPx: level.px, points: level.index.length, excluded: level.excluded },
      get precision() {
        precision ??= computedPrecision();
        return precision;
      },
    };
  }

  #referenced(entryId: Float64Array, curve: MeanMember & { readonly errors: CurveErrors }, itself: boolean) {
    if (this.references.length === 0) return undefined;
    const others = this.#references.errors(entryId, itself ? curve : undefined);
    return {
      values: this.#references.subtractFrom(entryId, curve, itself),
      errors: sumErrors(curve.errors, others),
    };
  }

  #doubleReferenced(single: Trace, errors: CurveErrors) {
    const injection = this.#options.blank?.(single.timesUs);
    if (injection === undefined) return undefined;
    const { window, injectionUs } = injection;
    return {
      values: subtractBlank(single, window, injectionUs),
      errors: blankErrors(single, errors, window, injectionUs),
    };
  }

  #sensitivityOf(label: string): Sensitivity | undefined {
    const { sensitivities, pairs, pairForm = "half" } = this.#options;
    const found = sensitivities?.(label);
    return found && scaledSensitivity(found, pairs ? PAIR_SCALES[pairForm] : 1);
  }

  #addToGroups(unit: Unit, { entryId, result, shift, flags, ofShift, sensitivity }: WorkedWithErrors): void {
    const { groups } = this.#options;
    if (groups === undefined) return;
    for (const name of new Set(unit.labels.flatMap((label) => groupsOf(label, groups)))) {
      const group = this.#groups.get(name) ?? NO_MEMBERS();
      group.result.add(entryId, { values: result, flags });
      group.shift.add(entryId, { values: shift, flags, errors: ofShift });
      const sensitivities = [...group.sensitivities, sensitivity];
      this.#groups.set(name, { ...group, members: group.members + 1, sensitivities });
    }
  }
}

const NO_MEMBERS = (): Group => ({
  result: new FrameMean(),
  shift: new FrameMean(),
  members: 0,
  sensitivities: [],
});

/** Converts a result and its errors to RIU; undefined without a sensitivity. */
function riuOf(result: Float64Array, resultErrors: Float64Array, sensitivity: Sensitivity | undefined) {
  if (sensitivity === undefined) return undefined;
  return {
    values: refractiveIndexChange(result, sensitivity.pxPerRiu),
    errors: result.map((px, at) => inRiu(px, resultErrors[at] as number, sensitivity).error),
  };
}
