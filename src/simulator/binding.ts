// The default experiment of the simulator: buffer flows over the chip, then a sample whose molecules bind, then buffer again,
// then the surface is regenerated, and the cycle repeats. A pure function of the time since its start.

/** The course of one injection. */
export interface BindingCurve {
  /** Largest shift by binding, px, when every site is occupied. */
  readonly shiftPx: number;
  /** Time constant of association; all phases are proportional to it. */
  readonly timeSeconds: number;
  /** Step of every ROI while the sample, with another refractive index, is in the channel. */
  readonly bulkPx: number;
  /** Slow drift of every ROI, for example due to temperature. */
  readonly driftPxPerHour: number;
}

/** Phases in units of the association's time constant. */
export const PHASES = { baseline: 0.25, association: 3, dissociation: 3, regeneration: 0.5 } as const;
/** Ratio of the time constants of dissociation and association. */
const RELEASE_RATIO = 4;
/** Time constants of liquid exchange and of regeneration, in the same unit. */
const EXCHANGE = 0.03;
const WASH = 0.08;

const ASSOCIATION_END = PHASES.baseline + PHASES.association;
const DISSOCIATION_END = ASSOCIATION_END + PHASES.dissociation;
const CYCLE = DISSOCIATION_END + PHASES.regeneration;

/** Returns the seconds from one injection to the next. */
export function cycleSeconds(curve: BindingCurve): number {
  return CYCLE * curve.timeSeconds;
}

/**
 * Returns the shift of an ROI at `elapsedSeconds` (any number ≥ 0), px: Langmuir association and dissociation scaled by the
 * ROI's `affinity` (0 for a reference), plus bulk step and drift, which references share.
 */
export function bindingShiftPx(curve: BindingCurve, elapsedSeconds: number, affinity: number): number {
  const time = (elapsedSeconds / curve.timeSeconds) % CYCLE;
  const drift = (curve.driftPxPerHour * elapsedSeconds) / 3600;
  return curve.shiftPx * affinity * boundShare(time) + curve.bulkPx * sampleShare(time) + drift;
}

/** Returns the share of occupied binding sites; time in time constants since the start of the cycle. */
function boundShare(time: number): number {
  if (time < PHASES.baseline) return 0;
  if (time < ASSOCIATION_END) return 1 - Math.exp(PHASES.baseline - time);
  const bound = 1 - Math.exp(-PHASES.association);
  if (time < DISSOCIATION_END) return bound * Math.exp((ASSOCIATION_END - time) / RELEASE_RATIO);
  return bound * Math.exp(-PHASES.dissociation / RELEASE_RATIO) * Math.exp((DISSOCIATION_END - time) / WASH);
}

/** Returns the share of sample in the liquid over the chip. */
function sampleShare(time: number): number {
  if (time < PHASES.baseline) return 0;
  if (time < ASSOCIATION_END) return 1 - Math.exp((PHASES.baseline - time) / EXCHANGE);
  return Math.exp((ASSOCIATION_END - time) / EXCHANGE);
}
