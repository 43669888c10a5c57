// Finds the analysis that a request selects by name, alone or joined with those that it continues, and the views of its curves.
import { type AnalysisChange, analysisChanges, CHANGE_WHY, changeStep } from "../assay/analysis-changes.ts";
import { chainOf, joined } from "../assay/joined.ts";
import type { Config } from "../config/schema.ts";
import type { Analysis, MeasuredAnalysis } from "../manifest/analyses.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { namedAnalysis } from "../manifest/named-analysis.ts";
import { ChipState } from "./chip-state.ts";
import { type AboutCurves, Curves } from "./curves.ts";
import { Panels } from "./panels.ts";
import type { ChangeView } from "./views.ts";

/** The analysis that a request selects. */
export interface AnalysisChoice {
  /** Name or number; undefined: the current one. */
  readonly analysis?: string | undefined;
  /** Include the frames of the analyses that it continues. */
  readonly joined?: boolean | undefined;
}

/** An analysis with the views of its curves. */
export interface ShownAnalysis {
  readonly analysis: Analysis;
  readonly curves: Curves;
  readonly panels: Panels;
  readonly chip: ChipState;
  readonly about: AboutCurves;
}

interface Views extends Pick<ShownAnalysis, "curves" | "panels" | "chip"> {
  /** Identifies the joined analyses. */
  readonly key: string;
}

export class ShownAnalyses {
  readonly #manifest: Manifest;
  readonly #config: Config;
  readonly #single: Views;
  /** The last requested views: they keep their curves in memory. */
  #joined: Views | undefined;
  #changes: { readonly key: string; readonly changes: readonly AnalysisChange[] } | undefined;

  constructor(manifest: Manifest, config: Config) {
    this.#manifest = manifest;
    this.#config = config;
    this.#single = this.#viewsOf([]);
  }

  /** Returns undefined if nothing is measured. Failure `usage.invalid` for an unknown name. */
  of({ analysis: wanted, joined: isJoined = false }: AnalysisChoice): ShownAnalysis | undefined {
    const { analyses } = this.#manifest;
    const analysis = wanted === undefined ? analyses.inForce() : namedAnalysis(analyses, wanted);
    if (analysis === undefined) return undefined;
    const chain = chainOf(analyses, analysis);
    const shown = isJoined ? chain : [analysis];
    const frames = framesOf(analyses.measured(), shown);
    const changes = this.#changesOf(chain).map((change) => changeView(change, analysis));
    return { analysis, ...this.#viewsFor(shown), about: { frames, joined: shown.length > 1, changes } };
  }

  #viewsFor(chain: readonly Analysis[]): Views {
    if (chain.length < 2) return this.#single;
    const key = keyOf(chain);
    if (this.#joined?.key !== key) this.#joined = this.#viewsOf(chain);
    return this.#joined;
  }

  #viewsOf(chain: readonly Analysis[]): Views {
    const source = joined(this.#manifest, chain);
    const chip = new ChipState(source, this.#config.Analysis);
    return {
      key: keyOf(chain),
      chip,
      curves: new Curves(source, this.#config, chip),
      panels: new Panels(source, this.#config.Analysis.pair_form),
    };
  }

  #changesOf(chain: readonly Analysis[]): readonly AnalysisChange[] {
    if (chain.length < 2) return [];
    const frames = framesOf(this.#manifest.analyses.measured(), chain);
    const key = JSON.stringify([keyOf(chain), frames, this.#manifest.archives.last()]);
    if (this.#changes?.key !== key) this.#changes = { key, changes: analysisChanges(this.#manifest, chain) };
    return this.#changes.changes;
  }
}

const keyOf = (chain: readonly Analysis[]): string => chain.map(({ analysisId }) => analysisId).join();

function framesOf(measured: readonly MeasuredAnalysis[], chain: readonly Analysis[]): number {
  const ids = new Set(chain.map(({ analysisId }) => analysisId));
  return measured.reduce((sum, { analysisId, frames }) => sum + (ids.has(analysisId) ? frames : 0), 0);
}

function changeView(change: AnalysisChange, { name }: Analysis): ChangeView {
  const { atUs, kind, before, after } = change;
  const others = `analysis "${before}" before, "${after}" after`;
  return {
    at: atUs / 1000,
    text: CHANGE_WHY[kind],
    detail: `${others}; ${changeStep(change)}`,
    isStart: after === name,
  };
}
