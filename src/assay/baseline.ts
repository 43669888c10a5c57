// The baseline of an experiment: one window for every view. Shifts are relative to the median position in it, and noise, drift
// and limit of detection are measured in it.
import type { Curve } from "../manifest/frame-curve.ts";
import type { ManifestPart } from "../manifest/manifest.ts";
import { BEFORE_ALL } from "../manifest/outcome-ids.ts";
import type { TimeWindow } from "../measurement/time-window.ts";
import type { TimeZone } from "../system/time-zone.ts";
import { type Edge, Opening } from "./opening.ts";

export type BaselineSource = ManifestPart<{
  markers: "moments" | "firstInjectionUs" | "baseline";
  curves: "within" | "after" | "countWithin";
  archives: "last";
  analyses: "measured";
}>;

/**
 * `chosen`: by the user. `opening`: the first seconds, as configured. `markers`, `step`: the part of the opening that is free
 * of markers or of steps in the data.
 */
type BaselineOrigin = "chosen" | "opening" | "markers" | "step";

export interface Baseline {
  readonly window: TimeWindow;
  readonly origin: BaselineOrigin;
  readonly begins: Edge;
  readonly ends: Edge;
  /** Whether the window is final: more frames do not change it. */
  readonly settled: boolean;
}

/** The quiet period found in the data, updated frame by frame. */
interface Found {
  opening: Opening;
  /** The last outcome that it includes. */
  outcome: number;
}

/** Provides the current baseline of one experiment. */
export class BaselineInForce {
  readonly #source: BaselineSource;
  readonly #openingSeconds: number;
  readonly #found = new Map<string, Found>();

  /** `openingSeconds`: Analysis.baseline_seconds. */
  constructor(source: BaselineSource, openingSeconds: number) {
    this.#source = source;
    this.#openingSeconds = openingSeconds;
  }

  /** Returns the baseline of analyses that form one curve; undefined before their first frame. */
  of(...analysisIds: readonly number[]): Baseline | undefined {
    const { markers } = this.#source;
    const opening = this.#openingOf(analysisIds.map((id) => measuredBy(this.#source, id)));
    const quiet = opening.quiet(markers.moments(), markers.firstInjectionUs());
    if (quiet === undefined) return undefined;
    return inForce(markers.baseline(), opening.firstUs as number, quiet);
  }

  #openingOf(analysisIds: readonly number[]): Opening {
    const key = JSON.stringify([analysisIds, this.#source.archives.last()]);
    const known = this.#found.get(key);
    const found = known === undefined || this.#isOutOfDate(known, analysisIds) ? this.#read(analysisIds) : known;
    this.#found.set(key, found);
    if (found.opening.isComplete) return found.opening;
    take(found, inOrder(analysisIds.flatMap((id) => [...this.#source.curves.after(id, found.outcome)])));
    return found.opening;
  }

  /**
   * Whether a frame of the opening was measured late, for example after a retry. This can happen even when the opening is
   * complete.
   */
  #isOutOfDate({ opening }: Found, analysisIds: readonly number[]): boolean {
    const { lastUs, frames } = opening;
    if (lastUs === undefined) return false;
    return frames !== analysisIds.reduce((sum, id) => sum + this.#source.curves.countWithin(id, 0, lastUs + 1), 0);
  }

  #read(analysisIds: readonly number[]): Found {
    const read = { opening: new Opening(this.#openingSeconds), outcome: BEFORE_ALL };
    const frames = analysisIds.map((id) => this.#source.curves.within(id, 0, Number.MAX_SAFE_INTEGER));
    const [only] = frames;
    take(read, frames.length === 1 && only !== undefined ? only : inOrder(frames.flatMap((of) => [...of])));
    return read;
  }
}

/** Returns the baseline that applies: the user's choice, otherwise what was found. */
export function inForce(
  chosen: TimeWindow | undefined,
  firstUs: number,
  { window, begins, ends, settled }: Omit<Baseline, "origin">,
): Baseline {
  // A choice that ends before the first frame was made for an earlier analysis. There is no level for it in these frames.
  if (chosen !== undefined && chosen.toUs >= firstUs) {
    return { window: chosen, origin: "chosen", begins: "limit", ends: "limit", settled: true };
  }
  const edges = [begins, ends];
  const origin = edges.includes("step") ? "step" : edges.includes("marker") ? "markers" : "opening";
  return { window, origin, begins, ends, settled };
}

/** Adds frames, in order of capture. */
function take(found: Found, frames: Iterable<Curve>): void {
  for (const frame of frames) {
    found.opening.add(frame);
    found.outcome = Math.max(found.outcome, frame.outcomeId);
    if (found.opening.isComplete) return;
  }
}

function inOrder(frames: Curve[]): Curve[] {
  return frames.sort((a, b) => a.capturedAtUs - b.capturedAtUs);
}

/** Returns the analysis that measured the frames: if frames were measured twice, both curves share one baseline. */
function measuredBy({ analyses }: BaselineSource, analysisId: number): number {
  return analyses.measured().find((one) => one.analysisId === analysisId)?.alongWith ?? analysisId;
}

/** Returns the baseline as text: "2026-03-04 10:00:00 to 10:14:30 UTC, ends before a step". */
export function baselineText(baseline: Baseline, zone: TimeZone): string {
  const { fromUs, toUs } = baseline.window;
  return `${zone.span(fromUs, toUs)}, ${baselineReason(baseline)}`;
}

const EDGES = { marker: "marker or injection", step: "step" } as const;

/** Returns the reason for this window, as text. */
export function baselineReason({ origin, begins, ends, settled }: Baseline): string {
  if (origin === "chosen") return "chosen by the user";
  if (origin === "opening") {
    return settled
      ? "the length of Analysis.baseline_seconds"
      : "Analysis.baseline_seconds; ends earlier if there is a step, marker or injection";
  }
  const from = begins === "limit" ? [] : [`begins after a ${EDGES[begins]}`];
  return [...from, ends === "limit" ? "ends with Analysis.baseline_seconds" : `ends before a ${EDGES[ends]}`].join(
    ", ",
  );
}

const NOTHING: TimeWindow = { fromUs: 0, toUs: 0 };

/** Returns the baseline window of an analysis; an empty window if it has no frames. */
export function baselineWindow(source: BaselineSource, openingSeconds: number, analysisId: number): TimeWindow {
  return new BaselineInForce(source, openingSeconds).of(analysisId)?.window ?? NOTHING;
}
