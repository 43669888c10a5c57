// The curves of groups as the page draws them: the mean of a group's ROIs, minus that of the references.
import { PAIR_SCALES } from "../assay/curve-units.ts";
import type { CurveManifest } from "../assay/joined.ts";
import { meanSensitivity, type Sensitivity, scaledSensitivity } from "../assay/precision.ts";
import type { Sensitivities } from "../assay/sensitivity.ts";
import type { Config } from "../config/schema.ts";
import type { Analysis } from "../manifest/analyses.ts";
import { type Groups, gratingOf, groupsOf } from "../measurement/labels.ts";
import type { TimeWindow } from "../measurement/time-window.ts";
import type { ChipState } from "./chip-state.ts";
import { groupNames } from "./drawn-curve.ts";
import { type GroupMean, GroupMeans } from "./group-means.ts";

/** The mean of a group of ROIs, one element per frame in the order of capture. */
interface GroupCurve {
  readonly label: string;
  readonly members: number;
  readonly timesUs: Float64Array;
  /** Shift from the baseline, px. */
  readonly values: Float64Array;
  readonly flags: Uint8Array;
  /** The shift minus that of the references, px. */
  readonly result: Float64Array;
  /** Standard errors of the shift and of the result, px. */
  readonly errors: Float64Array;
  readonly resultErrors: Float64Array;
  /** Of the mean; undefined if that of a member is unknown. */
  readonly sensitivity: Sensitivity | undefined;
}

export class GroupCurves {
  readonly #manifest: CurveManifest;
  readonly #config: Config;
  readonly #chip: ChipState;
  readonly #sensitivities: () => Sensitivities;
  #means: { readonly key: string; readonly means: GroupMeans } | undefined;

  constructor(manifest: CurveManifest, config: Config, chip: ChipState, sensitivities: () => Sensitivities) {
    this.#manifest = manifest;
    this.#config = config;
    this.#chip = chip;
    this.#sensitivities = sensitivities;
  }

  /**
   * Returns the requested groups at full length, minus the same references as the curves of single ROIs. With pairs, a
   * reference is a whole grating.
   */
  async of(
    analysis: Analysis,
    { wanted, pairs }: { readonly wanted: readonly string[]; readonly pairs: boolean },
    window: TimeWindow,
    references: readonly string[],
  ): Promise<GroupCurve[]> {
    const names = groupNames(wanted);
    if (names.length === 0) return [];
    const means = this.#groupMeans(analysis, window, pairs, references);
    await means.refresh();
    const scale = pairs ? PAIR_SCALES[this.#config.Analysis.pair_form] : 1;
    const referenceMean = means.curve(REFERENCES);
    const reference = referenceMean && scaled(referenceMean, scale);
    const sensitivities = this.#sensitivities();
    return names.flatMap((name): GroupCurve[] => {
      const curve = means.curve(name);
      if (curve === undefined) return [];
      const { values, errors } = scaled(curve, scale);
      const own = {
        ...curve,
        label: `group ${name}`,
        values,
        errors,
        sensitivity: this.#meanOf(name, analysis, { sensitivities, scale }),
      };
      if (reference === undefined) return [{ ...own, result: values, resultErrors: errors }];
      // References belong to no group, so the errors of the two means are independent.
      const result = values.map((value, at) => value - (reference.values[at] as number));
      const resultErrors = errors.map((error, at) => Math.hypot(error, reference.errors[at] as number));
      return [{ ...own, result, resultErrors }];
    });
  }

  /** Returns the sensitivity of a group's mean. */
  #meanOf(
    name: string,
    { labels }: Analysis,
    { sensitivities, scale }: { readonly sensitivities: Sensitivities; readonly scale: number },
  ): Sensitivity | undefined {
    const members = labels.filter((label) => groupsOf(label, this.#config.Analysis.groups).includes(name));
    const mean = meanSensitivity(members.map(sensitivities));
    return mean && scaledSensitivity(mean, scale);
  }

  /** Returns the group means, which are cached while baseline and references do not change. */
  #groupMeans(analysis: Analysis, window: TimeWindow, pairs: boolean, references: readonly string[]): GroupMeans {
    const levels = this.#chip.levels(analysis, window);
    const archived = this.#manifest.archives.last();
    const key = JSON.stringify([analysis.analysisId, pairs, references, archived, Array.from(levels.px)]);
    if (this.#means?.key === key) return this.#means.means;
    const known = new Set(references);
    const groups: Groups = this.#config.Analysis.groups;
    const members = new Map<string, number[]>();
    analysis.labels.forEach((label, roi) => {
      if (Number.isNaN(levels.px[roi])) return;
      const isReference = known.has(pairs ? gratingOf(label) : label);
      for (const name of isReference ? [REFERENCES] : groupsOf(label, groups)) {
        members.set(name, [...(members.get(name) ?? []), roi]);
      }
    });
    const means = new GroupMeans(this.#manifest, analysis, levels, members);
    this.#means = { key, means };
    return means;
  }
}

/** Returns values and errors times a factor. */
function scaled({ values, errors }: GroupMean, factor: number): Pick<GroupMean, "values" | "errors"> {
  const times = (of: Float64Array) => of.map((one) => one * factor);
  return { values: times(values as Float64Array), errors: times(errors) };
}

/** A user's group cannot have this name: group names consist of the letters of labels, or come from the configuration. */
const REFERENCES = "\0references";
