// Responses to injections (report points): how far a curve has moved from the level just before the injection, at fixed places
// of the injection.
import type { Injection } from "../manifest/injections.ts";
import type { TimeWindow } from "../measurement/time-window.ts";
import { levelOf } from "./propagation.ts";
import type { WorkedSensorgram } from "./sensorgrams.ts";
import { trendOf } from "./trend.ts";

/**
 * `early`: one window after the start; `late`: up to the end of the injection; `stability`: one window after the end;
 * `dissociation`: up to the end of the dissociation.
 */
export const REPORT_POINTS = ["early", "late", "stability", "dissociation"] as const;
export type ReportPoint = (typeof REPORT_POINTS)[number];

/** An injection and what surrounds it, microseconds. */
export interface Phases {
  readonly injection: Injection;
  /** End of the injection before it, or the first frame. */
  readonly quietFromUs: number;
  readonly startUs: number;
  readonly endUs: number;
  /** Its own end of dissociation, else the start of the next injection, else the last frame. */
  readonly dissociationEndUs: number;
}

/** `few_frames`: fewer than three in the baseline or at the point. `drift`: the curve drifts before the injection. */
type ResponseFlag = "no_frames" | "few_frames" | "drift";

export interface Response {
  readonly point: ReportPoint;
  readonly window: TimeWindow;
  /** Frames without flags in the window. */
  readonly frames: number;
  /** Median of the window minus that of the baseline before the injection, px; NaN without frames. */
  readonly px: number;
  /** Standard error, px. */
  readonly error: number;
  readonly flags: readonly ResponseFlag[];
}

/** What responses are taken from; `WorkedSensorgram` is one. */
export type ResponseCurve = Pick<WorkedSensorgram, "timesUs" | "result" | "frameErrors" | "flags">;

const FEWEST = 3;
/** Number of windows before an injection in which drift is measured. */
const DRIFT_WINDOWS = 6;
/** A drift that would move the response by more than this many of its errors is said. */
const CLEAR = 3;
const LEAST_WINDOW_US = 10e6;
/** Frames in a window, unless that is shorter than ten seconds. */
const WINDOW_FRAMES = 5;
/** A window takes at most this part of an injection. */
const MOST_OF_PHASE = 1 / 3;

/** The phases of injections in order of time, for frames from `firstUs` to `lastUs`. */
export function phasesOf(injections: readonly Injection[], firstUs: number, lastUs: number): Phases[] {
  return injections.map((injection, at) => {
    const { startUs, endUs, dissociationEndUs } = injection;
    const next = injections[at + 1]?.startUs ?? Math.max(lastUs + 1, endUs);
    return {
      injection,
      quietFromUs: Math.min(startUs, injections[at - 1]?.endUs ?? firstUs),
      startUs,
      endUs,
      dissociationEndUs: Math.min(dissociationEndUs ?? next, next),
    };
  });
}

/** Length of the windows for frames at these times, microseconds: five frames, and ten seconds at least. */
export function usualWindowUs(timesUs: Float64Array): number {
  const [first = 0, last = 0] = [timesUs[0], timesUs.at(-1)];
  return Math.max(LEAST_WINDOW_US, (WINDOW_FRAMES * (last - first)) / Math.max(1, timesUs.length - 1));
}

/** The responses of a curve to an injection. `windowUs`: length of the windows, microseconds. */
export function responsesOf(curve: ResponseCurve, phases: Phases, windowUs: number): Response[] {
  const { quietFromUs, startUs } = phases;
  const before = { fromUs: Math.max(quietFromUs, startUs - windowUs), toUs: startUs };
  const baseline = levelIn(curve, before);
  const slope = slopeBefore(curve, Math.max(quietFromUs, startUs - DRIFT_WINDOWS * windowUs), startUs);
  return REPORT_POINTS.map((point): Response => {
    const window = windowOf(point, phases, windowUs);
    const level = levelIn(curve, window);
    const [frames, px] = [level.index.length, level.px - baseline.px];
    const error = Math.sqrt(level.variance + baseline.variance);
    const fewest = Math.min(frames, baseline.index.length);
    const flags: ResponseFlag[] = fewest === 0 ? ["no_frames"] : fewest < FEWEST ? ["few_frames"] : [];
    const moved = slope * ((window.fromUs + window.toUs - before.fromUs - before.toUs) / 2);
    if (Math.abs(moved) > CLEAR * error) flags.push("drift");
    return { point, window, frames, px, error, flags };
  });
}

function levelIn({ timesUs, result: values, flags, frameErrors }: ResponseCurve, window: TimeWindow) {
  return levelOf({ timesUs, values, flags }, frameErrors, window);
}

function windowOf(point: ReportPoint, { startUs, endUs, dissociationEndUs }: Phases, windowUs: number): TimeWindow {
  const during = Math.min(windowUs, (endUs - startUs) * MOST_OF_PHASE);
  const after = Math.min(windowUs, (dissociationEndUs - endUs) * MOST_OF_PHASE);
  switch (point) {
    case "early":
      return { fromUs: startUs + during, toUs: startUs + 2 * during };
    case "late":
      return { fromUs: endUs - during, toUs: endUs };
    case "stability":
      return { fromUs: endUs + after, toUs: endUs + 2 * after };
    case "dissociation":
      return { fromUs: dissociationEndUs - after, toUs: dissociationEndUs };
  }
}

/** px per microsecond; 0 where the curve does not drift beyond doubt. */
function slopeBefore({ timesUs, result, flags }: ResponseCurve, fromUs: number, toUs: number): number {
  const kept = [...timesUs.keys()].filter((at) => {
    const timeUs = timesUs[at] as number;
    return timeUs >= fromUs && timeUs < toUs && flags[at] === 0 && Number.isFinite(result[at]);
  });
  const of = (values: Float64Array) => Float64Array.from(kept, (at) => values[at] as number);
  const { slope, error95 } = trendOf(
    of(timesUs).map((timeUs) => timeUs - toUs),
    of(result),
  );
  return Math.abs(slope) > error95 ? slope : 0;
}
