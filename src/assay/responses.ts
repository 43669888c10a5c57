// Computes responses to injections (report points): the shift of a curve from its level just before the injection, at fixed
// points of the injection.
import type { Injection } from "../manifest/injections.ts";
import { lowerBound } from "../manifest/timestamps.ts";
import { medianOf } from "../measurement/statistics.ts";
import type { TimeWindow } from "../measurement/time-window.ts";
import { levelOf } from "./propagation.ts";
import { soundPoints } from "./sensorgram.ts";
import { trendOf } from "./trend.ts";
import type { WorkedSensorgram } from "./worked-sensorgram.ts";

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
  /** Its own end of dissociation, otherwise the start of the next injection, otherwise the last frame. */
  readonly dissociationEndUs: number;
}

/**
 * `no_frames`, `few_frames`: none, or fewer than three, in the baseline or at the point. `drift`: the curve drifts before the
 * injection.
 */
type ResponseFlag = "no_frames" | "few_frames" | "drift";

export interface Response {
  readonly point: ReportPoint;
  readonly window: TimeWindow;
  /** Number of frames without flags in the window. */
  readonly frames: number;
  /** Median of the window minus that of the baseline before the injection, px; NaN without frames. */
  readonly px: number;
  /** Standard error, px. */
  readonly error: number;
  /** The part of the error that does not decrease with more frames or with more injections of the same response, px. */
  readonly sharedError: number;
  readonly flags: readonly ResponseFlag[];
}

/** The curve that responses are computed from; a `WorkedSensorgram` is one. */
export type ResponseCurve = Pick<WorkedSensorgram, "timesUs" | "result" | "frameErrors" | "flags">;

const FEWEST = 3;
/** Number of windows before an injection in which drift is measured. */
const DRIFT_WINDOWS = 6;
/** A drift that would change the response by more than this many of its errors is flagged. */
const CLEAR = 3;
/**
 * Share of the time since the previous injection in which the drift is measured: earlier, the front of the liquid may still be
 * passing.
 */
const SETTLED = 1 / 2;
const LEAST_WINDOW_US = 10e6;
/** Frames in a window, unless that is less than ten seconds. */
const WINDOW_FRAMES = 5;
/** A window takes at most this share of an injection. */
const MOST_OF_PHASE = 1 / 3;

/** Returns the phases of injections in order of time, for frames from `firstUs` to `lastUs`. */
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

/** Returns the window length for frames at these times, microseconds: five frames, but at least ten seconds. */
export function usualWindowUs(timesUs: Float64Array): number {
  const [first = 0, last = 0] = [timesUs[0], timesUs.at(-1)];
  return Math.max(LEAST_WINDOW_US, (WINDOW_FRAMES * (last - first)) / Math.max(1, timesUs.length - 1));
}

/** Returns the responses of a curve to an injection. `windowUs`: length of the windows, microseconds. */
export function responsesOf(whole: ResponseCurve, phases: Phases, windowUs: number): Response[] {
  const { quietFromUs, startUs, dissociationEndUs } = phases;
  const curve = partOf(whole, Math.max(quietFromUs, startUs - DRIFT_WINDOWS * windowUs), dissociationEndUs);
  const before = { fromUs: Math.max(quietFromUs, startUs - windowUs), toUs: startUs };
  const usual = usualError(curve, before);
  const settledUs = startUs - SETTLED * (startUs - quietFromUs);
  const slope = slopeBefore(curve, Math.max(settledUs, startUs - DRIFT_WINDOWS * windowUs), startUs);
  return REPORT_POINTS.map((point): Response => {
    const window = windowOf(point, phases, windowUs);
    const there = usualError(curve, window);
    const most = Math.min(usual, there);
    const [level, baseline] = [levelIn(curve, window, most), levelIn(curve, before, most)];
    const [frames, px] = [level.index.length, level.px - baseline.px];
    // If frames have larger errors at the new position of the resonance, the cause is the light at that place, which affects
    // all frames there equally.
    const sharedError = Math.sqrt(Math.abs(there * there - usual * usual));
    const error = Math.hypot(Math.sqrt(level.variance + baseline.variance), sharedError);
    const fewest = Math.min(frames, baseline.index.length);
    const flags: ResponseFlag[] = fewest === 0 ? ["no_frames"] : fewest < FEWEST ? ["few_frames"] : [];
    const moved = slope * ((window.fromUs + window.toUs - before.fromUs - before.toUs) / 2);
    if (Math.abs(moved) > CLEAR * error) flags.push("drift");
    return { point, window, frames, px, error, sharedError, flags };
  });
}

/** Returns the frames from one time to before another. */
function partOf({ timesUs, result, frameErrors, flags }: ResponseCurve, fromUs: number, toUs: number): ResponseCurve {
  const [from, to] = [lowerBound(timesUs, fromUs), lowerBound(timesUs, toUs)];
  return {
    timesUs: timesUs.subarray(from, to),
    result: result.subarray(from, to),
    frameErrors: frameErrors.subarray(from, to),
    flags: flags.subarray(from, to),
  };
}

/** Returns the level in a window; `most`: the largest part of a frame's error that is independent of other frames. */
function levelIn({ timesUs, result: values, flags, frameErrors }: ResponseCurve, window: TimeWindow, most: number) {
  return levelOf(
    { timesUs, values, flags },
    frameErrors.map((error) => Math.min(error, most)),
    window,
  );
}

/** Returns the median error of the frames in a window, px; NaN without frames. */
function usualError({ timesUs, result: values, flags, frameErrors }: ResponseCurve, window: TimeWindow): number {
  const { index } = soundPoints({ timesUs, values, flags }, window);
  return medianOf(Float64Array.from(index, (at) => frameErrors[at] as number));
}

function windowOf(point: ReportPoint, { startUs, endUs, dissociationEndUs }: Phases, windowUs: number): TimeWindow {
  // Whole microseconds, as times of frames are.
  const during = Math.round(Math.min(windowUs, (endUs - startUs) * MOST_OF_PHASE));
  const after = Math.round(Math.min(windowUs, (dissociationEndUs - endUs) * MOST_OF_PHASE));
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

/** Returns the slope before an injection, px per microsecond; 0 if the curve does not certainly drift. */
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
