// Flags positions that jump away from their ROI's course from one frame to the next. Never hides or changes a position.
import { FLAGS } from "../measurement/method.ts";

/** Minimum size of a jump, px: binding and bulk steps of a slow experiment are smaller. */
const SMALLEST_JUMP_PX = 2;
/** A step must also exceed this many standard errors of the two positions. */
const JUMP_ERRORS = 6;
/** After this many frames at a new level, the step is real and not a jump of the fit. */
const SETTLED_FRAMES = 3;

interface Course {
  readonly position: Float64Array;
  readonly standardError: Float64Array;
  /** Position of the last jumped frame, and the number of consecutive frames near it. */
  readonly candidate: Float64Array;
  readonly stayed: Uint8Array;
}

/** Follows all ROIs of one analysis. */
export class JumpDetector {
  private readonly course: Course;

  /** @param lastPositionsPx last stored position of each ROI; NaN if unknown. */
  constructor(lastPositionsPx: Float64Array) {
    const count = lastPositionsPx.length;
    this.course = {
      position: Float64Array.from(lastPositionsPx),
      standardError: new Float64Array(count),
      candidate: new Float64Array(count).fill(Number.NaN),
      stayed: new Uint8Array(count),
    };
  }

  /** Returns the flags of a frame, with `jumped` added for jumps, and updates the course. */
  mark(positionPx: Float64Array, standardErrorPx: Float64Array, flags: Uint8Array): Uint8Array {
    const marked = Uint8Array.from(flags);
    for (let roi = 0; roi < positionPx.length; roi++) {
      const position = positionPx[roi] ?? Number.NaN;
      if (Number.isNaN(position)) continue;
      const standardError = standardErrorPx[roi] ?? 0;
      if (this.follows(roi, position, Number.isNaN(standardError) ? 0 : standardError)) continue;
      marked[roi] = (marked[roi] ?? 0) | FLAGS.jumped;
    }
    return marked;
  }

  private follows(roi: number, position: number, standardError: number): boolean {
    const { course } = this;
    const before = course.position[roi] ?? Number.NaN;
    const allowed = Math.max(SMALLEST_JUMP_PX, JUMP_ERRORS * Math.hypot(standardError, course.standardError[roi] ?? 0));
    if (Number.isNaN(before) || Math.abs(position - before) <= allowed) {
      course.position[roi] = position;
      course.standardError[roi] = standardError;
      course.stayed[roi] = 0;
      return true;
    }
    const candidate = course.candidate[roi] ?? Number.NaN;
    const near = Math.abs(position - candidate) <= allowed;
    course.candidate[roi] = position;
    course.stayed[roi] = near ? (course.stayed[roi] ?? 0) + 1 : 1;
    if ((course.stayed[roi] ?? 0) < SETTLED_FRAMES) return false;
    course.position[roi] = position;
    course.standardError[roi] = standardError;
    course.stayed[roi] = 0;
    return false;
  }
}
