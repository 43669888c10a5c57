// The small panels of the page: one for each grating at its place on the chip, from one request, updated by sending only their
// end.
import { randomUUID } from "node:crypto";
import { isMeant, PAIR_SCALES, type PairForm } from "../assay/curve-units.ts";
import type { CurveManifest } from "../assay/joined.ts";
import type { Analysis } from "../manifest/analyses.ts";
import { BEFORE_ALL } from "../manifest/outcome-ids.ts";
import { labelMatcher, pairsOf } from "../measurement/labels.ts";
import type { Roi } from "../measurement/roi.ts";
import type { TimeWindow } from "../measurement/time-window.ts";
import type { AboutCurves } from "./curves.ts";
import { PanelCurves, type PanelUnit } from "./panel-curves.ts";
import type { BaselineView, PanelsView } from "./views.ts";

export interface PanelsQuery {
  /** One curve for each grating, from both halves, instead of one for each ROI. */
  readonly pairs: boolean;
  readonly fromUs: number | undefined;
  readonly toUs: number | undefined;
  /** Width of a panel, columns. */
  readonly columns: number;
  /** What the page has already drawn. */
  readonly known?: { readonly key: string; readonly outcome: number } | undefined;
}

/** The settings of an analysis' panels. */
export interface PanelsSetting {
  readonly baseline: { readonly window: TimeWindow; readonly view: BaselineView };
  /** Times of the first and last frame, µs. */
  readonly span: readonly [number, number];
  readonly references: readonly string[];
  readonly about: Pick<AboutCurves, "joined" | "changes">;
}

/** Cached sets of curves: with and without pairs, for two analyses. */
const MOST_KEPT = 4;

export class Panels {
  readonly #manifest: CurveManifest;
  readonly #pairForm: PairForm;
  readonly #kept = new Map<string, { readonly id: string; readonly curves: PanelCurves }>();

  constructor(manifest: CurveManifest, pairForm: PairForm) {
    this.#manifest = manifest;
    this.#pairForm = pairForm;
  }

  /** Returns the panels of an analysis; with `known`, only the columns that changed since. */
  async view(analysis: Analysis, query: PanelsQuery, setting: PanelsSetting): Promise<PanelsView> {
    const { baseline, span, about } = setting;
    const { id, curves } = this.#curves(analysis, query, setting);
    await curves.refresh();
    const outcome = this.#manifest.curves.lastOutcome(analysis.analysisId);
    const [fromUs, toUs] = [query.fromUs ?? span[0], query.toUs ?? span[1] + 1];
    const columnUs = curves.columns.widthFor(toUs - fromUs, query.columns);
    const key = `${id}/${columnUs}`;
    const partial = query.known?.key === key;
    return {
      key,
      partial,
      outcome,
      joined: about.joined,
      changes: about.changes,
      span: [span[0] / 1000, span[1] / 1000],
      baseline: baseline.view,
      references: curves.references,
      columnMs: columnUs / 1000,
      units: curves.units.map(({ label, reference }, at) => ({
        label,
        reference,
        doubtful: Number(curves.doubtfulShare(at).toFixed(3)),
      })),
      columns: curves.columns.drawn(columnUs, partial ? query.known.outcome : BEFORE_ALL),
    };
  }

  #curves(analysis: Analysis, { pairs, fromUs, toUs }: PanelsQuery, { baseline, references }: PanelsSetting) {
    const { window } = baseline;
    const { analysisId } = analysis;
    // Each frame in the baseline changes its level, and with it everything; a frame may also arrive late.
    const frames = this.#manifest.curves.countWithin(analysisId, window.fromUs, window.toUs);
    const name = JSON.stringify([
      analysisId,
      this.#manifest.archives.last(),
      window,
      frames,
      references,
      pairs,
      fromUs,
      toUs,
    ]);
    const known = this.#kept.get(name);
    const within = { fromUs: fromUs ?? 0, toUs: toUs ?? Number.POSITIVE_INFINITY };
    const units = known?.curves.units ?? this.#units(analysis, pairs, references);
    const made = known ?? {
      id: randomUUID(),
      curves: new PanelCurves(this.#manifest, analysis, { units, baseline: window, within }),
    };
    this.#kept.delete(name);
    this.#kept.set(name, made);
    const oldest = this.#kept.size > MOST_KEPT ? this.#kept.keys().next().value : undefined;
    if (oldest !== undefined) this.#kept.delete(oldest);
    return made;
  }

  /** Returns the units in the order of the ROI manifest. With pairs, an ROI without its other half has its own curve. */
  #units(analysis: Analysis, pairs: boolean, references: readonly string[]): PanelUnit[] {
    const { roiManifestId, labels } = analysis;
    const rois: readonly Pick<Roi, "label" | "flip">[] =
      (roiManifestId === undefined ? undefined : this.#manifest.analyses.roiManifest(roiManifestId)?.rois) ?? [];
    const isReference = labelMatcher(references);
    const pairOf = new Map(
      (pairs ? pairsOf(rois) : []).flatMap((pair) => [
        [pair.plain, pair],
        [pair.flipped, pair],
      ]),
    );
    return labels.flatMap((label, roi): PanelUnit[] => {
      const pair = pairOf.get(roi);
      if (pair === undefined)
        return [{ label, plain: roi, flipped: undefined, scale: 1, reference: isReference(label) }];
      if (roi !== Math.min(pair.plain, pair.flipped)) return [];
      const halves = [pair.flipped, pair.plain].flatMap((at) => labels[at] ?? []);
      const reference = isMeant({ label: pair.label, labels: halves }, isReference);
      return [{ ...pair, scale: PAIR_SCALES[this.#pairForm], reference }];
    });
  }
}
