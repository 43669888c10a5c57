// Proposes injections: unrecorded steps that many ROIs share. They are only proposals; the user decides.
import { medianOf } from "../measurement/statistics.ts";
import { Opening, type OpeningFrame } from "./opening.ts";

/** A possible injection, found in the data alone. */
export interface Proposal {
  /** First frame after the step. */
  readonly startUs: number;
  /** First frame after the step back; undefined if none was found. */
  readonly endUs: number | undefined;
  /** How far the median ROI moved at the start, px. */
  readonly stepPx: number;
}

interface Recorded {
  readonly startUs: number;
  readonly endUs: number;
}

/** Number of frames on either side of a step from which its height is computed. */
const LEVEL_FRAMES = 5;
/**
 * Because binding slows down, a step in the same direction is a new event only if it exceeds the previous one by this factor.
 */
const LARGER = 1.5;
/** A step back is the end of an injection if it exceeds this share of the step before. */
const NEGLIGIBLE = 0.1;

/**
 * Returns the injections that the frames suggest, in order of time, without those that overlap a recorded one. A step and the
 * next one in the opposite direction form an injection.
 */
export function proposedInjections(frames: Iterable<OpeningFrame>, recorded: readonly Recorded[]): Proposal[] {
  const steps = eventsIn(stepsOf(frames));
  const proposals: Proposal[] = [];
  for (let at = 0; at < steps.length; at += 1) {
    const step = steps[at] as Step;
    const next = steps[at + 1];
    const isBack = next !== undefined && Math.sign(next.px) === -Math.sign(step.px);
    proposals.push({ startUs: step.atUs, endUs: isBack ? next.atUs : undefined, stepPx: step.px });
    if (isBack) at += 1;
  }
  return proposals.filter(
    ({ startUs, endUs = startUs }) => !recorded.some((one) => startUs <= one.endUs && endUs >= one.startUs),
  );
}

interface Step {
  readonly atUs: number;
  readonly px: number;
}

/**
 * Merges steps into events. A slow rise or fall is found as several steps, and its end as a small step back; only its beginning
 * counts.
 */
function eventsIn(steps: readonly Step[]): Step[] {
  const events: Step[] = [];
  for (const step of steps) {
    const before = events.at(-1)?.px ?? 0;
    const least = Math.sign(step.px) === Math.sign(before) ? LARGER : NEGLIGIBLE;
    if (Math.abs(step.px) > least * Math.abs(before)) events.push(step);
  }
  return events;
}

function stepsOf(frames: Iterable<OpeningFrame>): Step[] {
  const opening = new Opening(Number.POSITIVE_INFINITY);
  const timesUs: number[] = [];
  const levels: number[] = [];
  let first: Float32Array | undefined;
  for (const frame of frames) {
    opening.add(frame);
    timesUs.push(frame.capturedAtUs);
    first ??= frame.position;
    levels.push(medianOf(Float64Array.from(frame.position, (px, roi) => px - (first?.[roi] ?? Number.NaN))));
  }
  const level = (from: number, to: number) => medianOf(Float64Array.from(levels.slice(Math.max(0, from), to)));
  return opening.stepsUs.map((atUs) => {
    const at = timesUs.indexOf(atUs);
    return { atUs, px: level(at + 1, at + 1 + LEVEL_FRAMES) - level(at - LEVEL_FRAMES, at) };
  });
}
