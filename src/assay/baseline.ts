// The baseline of an experiment: one window for every view. Shifts count from the median of the positions in it, and noise, drift
// and limit of detection are measured in it.
import type { Manifest, ManifestPart } from "../manifest/manifest.ts";
import type { Marker } from "../manifest/markers.ts";
import { medianOf } from "../measurement/statistics.ts";
import type { TimeWindow } from "../measurement/time-window.ts";

/** `chosen`: by a person. `opening`: the first seconds, as configured. `markers`: the part of these without a marker in it. */
export type BaselineOrigin = "chosen" | "opening" | "markers";

export interface Baseline {
  readonly window: TimeWindow;
  readonly origin: BaselineOrigin;
}

/** A stretch between markers counts from this part of the configured length on; shorter ones have too few frames. */
const LEAST_PART = 0.1;

/** The baseline in force for frames that begin at `firstUs`. `openingSeconds`: Analysis.baseline_seconds. */
export function baselineOf(
  { markers }: { readonly markers: Pick<Manifest["markers"], "all" | "baseline"> },
  firstUs: number,
  openingSeconds: number,
): Baseline {
  const chosen = markers.baseline();
  // A choice that ends before the first frame was made for an earlier analysis and has no level in these.
  if (chosen !== undefined && chosen.toUs >= firstUs) return { window: chosen, origin: "chosen" };
  const opening = { fromUs: firstUs, toUs: firstUs + Math.max(1, openingSeconds * 1e6) };
  const window = quietStretch(opening, markers.all());
  return { window, origin: window === opening ? "opening" : "markers" };
}

/**
 * The first stretch of a window that has no marker in it and is not very short, else its longest: what comes after an injection is
 * no baseline. The window itself where no marker is in it.
 */
function quietStretch(window: TimeWindow, markers: readonly Marker[]): TimeWindow {
  const within = markers.map(({ atUs }) => atUs).filter((atUs) => atUs > window.fromUs && atUs < window.toUs);
  if (within.length === 0) return window;
  const edges = [window.fromUs, ...within, window.toUs];
  const stretches = edges.slice(1).map((toUs, at) => ({ fromUs: edges[at] as number, toUs }));
  const least = LEAST_PART * (window.toUs - window.fromUs);
  const length = ({ fromUs, toUs }: TimeWindow) => toUs - fromUs;
  return (
    stretches.find((stretch) => length(stretch) >= least) ??
    stretches.reduce((longest, stretch) => (length(stretch) > length(longest) ? stretch : longest))
  );
}

/** The same, given the times of the frames; for an experiment without frames an empty window. */
export function baselineInForce(
  source: { readonly markers: Pick<Manifest["markers"], "all" | "baseline"> },
  openingSeconds: number,
): (timesUs: Float64Array) => TimeWindow {
  return (timesUs) => {
    const [firstUs] = timesUs;
    return firstUs === undefined ? { fromUs: 0, toUs: 0 } : baselineOf(source, firstUs, openingSeconds).window;
  };
}

/** Per ROI the median of the positions without flags in a window, px; NaN where there is none. `analysisIds` have the same ROIs. */
export function levelsIn(
  { curves }: ManifestPart<{ curves: "within" }>,
  analysisIds: readonly number[],
  rois: number,
  { fromUs, toUs }: TimeWindow,
): Float64Array {
  const values = Array.from({ length: rois }, (): number[] => []);
  for (const analysisId of analysisIds) {
    for (const { position, flags } of curves.within(analysisId, fromUs, toUs)) {
      for (let roi = 0; roi < rois; roi += 1) {
        const value = position[roi] ?? Number.NaN;
        if (flags[roi] === 0 && Number.isFinite(value)) values[roi]?.push(value);
      }
    }
  }
  return Float64Array.from(values, (of) => (of.length === 0 ? Number.NaN : medianOf(Float64Array.from(of))));
}
