// Prepares sensorgrams as the page draws them: processed, decimated, and updated by sending only their end.
import { type Baseline, BaselineInForce } from "../assay/baseline.ts";
import { baselineWarningLines } from "../assay/baseline-warnings.ts";
import type { SensorgramSource } from "../assay/curve-units.ts";
import type { CurveManifest } from "../assay/joined.ts";
import { precisionOf } from "../assay/precision.ts";
import { type Sensitivities, sensitivityReader } from "../assay/sensitivity.ts";
import { Sensorgrams } from "../assay/sensorgrams.ts";
import type { GroupCurve as WrittenGroup } from "../assay/worked-sensorgram.ts";
import type { Config } from "../config/schema.ts";
import type { Analysis } from "../manifest/analyses.ts";
import { type Groups, labelMatcher } from "../measurement/labels.ts";
import type { TimeWindow } from "../measurement/time-window.ts";
import type { FrameFacts } from "../outputs/csv/file/frame-columns.ts";
import type { ChipState } from "./chip-state.ts";
import { CurveCache } from "./curve-cache.ts";
import { type Columns, columnStart, columnsOf } from "./decimate.ts";
import {
  baselineView,
  drawn,
  groupNames,
  isGroup,
  type Part,
  precisionView,
  shortHash,
  unknownNames,
} from "./drawn-curve.ts";
import { GroupCurves } from "./group-curves.ts";
import type { Rolling } from "./rolled.ts";
import { MeasuredSpan } from "./span.ts";
import { READING_AGE_US, Temperatures } from "./temperatures.ts";
import type { ChangeView, CurvesView, CurveView } from "./views.ts";

/** Number of curves that seven colours with ten dashes distinguish. */
export const MOST_CURVES = 64;

export interface CurvesQuery {
  /** Labels, where `*` matches any characters; groups as `group:NAME`. */
  readonly wanted: readonly string[];
  readonly pairs: boolean;
  /** References; undefined: as configured. */
  readonly references: readonly string[] | undefined;
  readonly fromUs: number | undefined;
  readonly toUs: number | undefined;
  /** Width of the drawing, pixel columns. */
  readonly columns: number;
  /** Drawn instead of the values; undefined: the values themselves. */
  readonly rolling?: Rolling | undefined;
  /** What the page has already drawn. */
  readonly known?: { readonly key: string; readonly outcome: number } | undefined;
}

/** Facts about the frames of an analysis. */
export interface AboutCurves {
  readonly frames: number;
  /** Whether frames of other analyses are joined. */
  readonly joined: boolean;
  /** Changes to another analysis, among those that are joined or could be. */
  readonly changes: readonly ChangeView[];
}

export class Curves {
  readonly #manifest: CurveManifest;
  readonly #config: Config["Analysis"];
  /** Asked for each answer: `phorest sensitivity --save` may have written them since. */
  readonly #sensitivities: () => Sensitivities;
  readonly #cache: CurveCache;
  readonly temperatures: Temperatures;
  readonly #span: MeasuredSpan;
  readonly #baseline: BaselineInForce;
  readonly #groups: GroupCurves;

  constructor(manifest: CurveManifest, whole: Config, chip: ChipState) {
    const config = whole.Analysis;
    this.#manifest = manifest;
    this.#config = config;
    this.#sensitivities = sensitivityReader(whole);
    this.#groups = new GroupCurves(manifest, whole, chip, this.#sensitivities);
    this.#cache = new CurveCache(manifest);
    this.temperatures = new Temperatures(manifest);
    this.#span = new MeasuredSpan(manifest);
    this.#baseline = new BaselineInForce(manifest, config.baseline_seconds);
  }

  /** Returns processed curves to draw: shifts since the baseline, minus the references. `about`: facts to add. */
  async view(analysis: Analysis, query: CurvesQuery, about: AboutCurves): Promise<CurvesView> {
    const baseline = this.baseline(analysis);
    const { window } = baseline;
    const groups = groupNames(query.wanted);
    const labels = query.wanted.filter((name) => !isGroup(name));
    const span = this.#span.of(analysis.analysisId);
    const fromUs = query.fromUs ?? span[0];
    const toUs = query.toUs ?? span[1] + 1;
    const outcome = this.#manifest.curves.lastOutcome(analysis.analysisId);
    const columns = columnsOf(fromUs, toUs, query.columns);
    const { wanted, pairs, references, rolling } = query;
    const made = [
      analysis.analysisId,
      this.#manifest.archives.last(),
      window,
      columns,
      wanted,
      pairs,
      references ?? null,
      rolling ?? null,
    ];
    const key = shortHash(JSON.stringify([...made, query.fromUs, query.toUs]));
    // While the baseline is still open its level changes, and with it all values. Rolling medians that reach beyond the end
    // change too.
    const settled = query.known?.key === key && window.toUs <= span[1] && rolling === undefined;
    const tailUs = settled ? this.#changedFrom(analysis, window, columns, query.known.outcome) : undefined;
    const source = tailUs === undefined ? this.#cache : this.#cache.ends(window, tailUs);
    const sensorgrams = this.#sensorgrams(source, analysis, query, window, labels);
    const part: Part = { fromUs, toUs, columns, tailUs, rolling };
    const curves: CurveView[] = [];
    const more = Math.max(0, sensorgrams.labels.length - MOST_CURVES);
    if (labels.length > 0) {
      for (const worked of sensorgrams.curves()) {
        const { timesUs, result, flags, errors, precision, sensitivity } = worked;
        curves.push({
          label: worked.label,
          reference: worked.reference,
          ...drawn({ timesUs, values: result, flags, errors: errors.result }, part),
          ...precisionView(precision),
          sensitivity,
        });
        if (curves.length >= MOST_CURVES) break;
      }
    }
    const means = await this.#groups.of(analysis, query, window, sensorgrams.references);
    for (const { label, members, timesUs, flags, result: values, resultErrors: errors, sensitivity } of means) {
      const precision = precisionView(precisionOf({ timesUs, values, flags }, window, this.#injectionsUs()));
      curves.push({
        label,
        reference: false,
        members,
        ...drawn({ timesUs, values, flags, errors }, part),
        ...precision,
        sensitivity,
      });
    }
    const patterns = [...labels, ...(query.references ?? this.#config.reference_rois)];
    const unknown = unknownNames(
      analysis,
      patterns,
      groups,
      means.map(({ label }) => label),
    );
    return {
      key,
      ...(tailUs === undefined ? {} : { tailFrom: tailUs / 1000 }),
      outcome,
      ...about,
      span: [span[0] / 1000, span[1] / 1000],
      baseline: baselineView(baseline),
      references: sensorgrams.references,
      unknown: [...new Set(unknown)],
      curves,
      more,
      baselineWords: baselineWarningLines(curves.map(({ label, doubts }) => [label, doubts] as const)),
      temperatures: this.temperatures.between(fromUs, toUs, columns, tailUs),
    };
  }

  /** Returns the time of the first frame, and notes about some of the measured frames. */
  frameFacts({ analysisId }: Analysis): FrameFacts {
    return {
      firstUs: this.#manifest.history.oldestCaptureUs(),
      guessed: this.#manifest.results.guessedFrames(analysisId),
      simulated: this.#manifest.results.simulatedFrames(analysisId),
    };
  }

  /** Returns the curves at full length. */
  sensorgrams(analysis: Analysis, query: CurvesQuery, window: TimeWindow, labels: readonly string[]): Sensorgrams {
    return this.#sensorgrams(this.#cache, analysis, query, window, labels);
  }

  /** Yields the requested groups at full length, as `phorest sensorgram` writes them. Reads every ROI. */
  *groupCurves(analysis: Analysis, query: CurvesQuery): Generator<WrittenGroup> {
    const names = new Set(groupNames(query.wanted).map((name) => `group ${name}`));
    if (names.size === 0) return;
    const { window } = this.baseline(analysis);
    const all = this.#sensorgrams(this.#manifest, analysis, query, window, ["*"], this.#config.groups);
    // Groups are complete only after all curves have been read.
    for (const _curve of all.curves());
    for (const group of all.groupCurves()) if (names.has(group.label)) yield group;
  }

  #sensorgrams(
    source: SensorgramSource,
    analysis: Analysis,
    { pairs, references }: CurvesQuery,
    window: TimeWindow,
    labels: readonly string[],
    groups?: Groups,
  ): Sensorgrams {
    return new Sensorgrams(source, analysis, {
      isWanted: labelMatcher(labels),
      isReference: labelMatcher(references ?? this.#config.reference_rois),
      baseline: () => window,
      pairs,
      pairForm: this.#config.pair_form,
      groups,
      sensitivities: this.#sensitivities(),
      injectionsUs: this.#injectionsUs(),
    });
  }

  #injectionsUs(): number[] {
    return this.#manifest.markers.moments();
  }

  /** Returns the baseline that the user chose, otherwise the quiet period at the beginning. */
  baseline({ analysisId }: Analysis): Baseline {
    return this.#baseline.of(analysisId) ?? NO_BASELINE;
  }

  /** Returns the times of the first and last frame of an analysis, µs. */
  spanOf({ analysisId }: Analysis): readonly [number, number] {
    return this.#span.of(analysisId);
  }

  /**
   * Returns the start of the first column with anything new since an outcome, µs; undefined if everything must be sent again.
   */
  #changedFrom({ analysisId }: Analysis, { toUs }: TimeWindow, columns: Columns, outcome: number): number | undefined {
    const capturedAtUs: number[] = [];
    for (const curve of this.#manifest.curves.after(analysisId, outcome)) {
      capturedAtUs.push(curve.capturedAtUs);
      // A late frame within the baseline changes its level.
      if (capturedAtUs.length > MOST_NEW || curve.capturedAtUs < toUs) return undefined;
    }
    // A temperature reading may be older than its frame.
    const earliestUs = Math.min(this.#span.of(analysisId)[1], ...capturedAtUs) - READING_AGE_US;
    return columnStart(columns, earliestUs);
  }
}

/** The baseline before the first frame. */
const NO_BASELINE: Baseline = {
  window: { fromUs: 0, toUs: 0 },
  origin: "opening",
  begins: "limit",
  ends: "limit",
  settled: false,
};

/** Number of frames that a page may have missed and still get incrementally. */
const MOST_NEW = 500;
