// Proposed injections: steps that many ROIs share, and that nobody recorded. They are only ever proposed: a person decides.
import { medianOf } from "../measurement/statistics.ts";
import { Opening, type OpeningFrame } from "./opening.ts";

/** What an injection may be, from the data alone. */
export interface Proposal {
  /** First frame after the step. */
  readonly startUs: number;
  /** First frame after the step back; undefined where none was found. */
  readonly endUs: number | undefined;
  /** How far the median ROI moved at the start, px. */
  readonly stepPx: number;
}

interface Recorded {
  readonly startUs: number;
  readonly endUs: number;
}

/** Frames on either side of a step that tell its height. */
const LEVEL_FRAMES = 5;
/** Binding slows down: a step in the same direction is another event only if it is larger than the one before by this. */
const LARGER = 1.5;
/** A step back is the end of an injection if it is larger than this part of the step before. */
const NEGLIGIBLE = 0.1;

/**
 * The injections that the frames of an experiment suggest, in order of time, without those that overlap a recorded one. A step
 * and the next one in the opposite direction make one.
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

/** A slow rise or fall is found as several steps, and its end as a small one back; what counts is where it begins. */
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
