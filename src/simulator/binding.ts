// The experiment the simulator plays: buffer flows over the chip, then a sample whose molecules bind, then buffer
// again, then the surface is regenerated and all begins again. A pure function of the time since its start.

/** The course of one injection. */
export interface BindingCurve {
  /** Largest movement by binding, reached when every site is taken. */
  readonly shiftPx: number;
  /** Time constant of association; all phases are in proportion to it. */
  readonly timeSeconds: number;
  /** Step of every ROI while the sample, of another refractive index, is in the channel. */
  readonly bulkPx: number;
  /** Slow drift of every ROI, as by temperature. */
  readonly driftPxPerHour: number;
}

/** Phases in units of the association's time constant. */
export const PHASES = { baseline: 0.25, association: 3, dissociation: 3, regeneration: 0.5 } as const;
/** How much slower molecules leave than they arrive. */
const RELEASE_RATIO = 4;
/** Time constants of liquid exchange and of regeneration, in the same unit. */
const EXCHANGE = 0.03;
const WASH = 0.08;

const ASSOCIATION_END = PHASES.baseline + PHASES.association;
const DISSOCIATION_END = ASSOCIATION_END + PHASES.dissociation;
const CYCLE = DISSOCIATION_END + PHASES.regeneration;

/** Seconds from one injection to the next. */
export function cycleSeconds(curve: BindingCurve): number {
  return CYCLE * curve.timeSeconds;
}

/**
 * Movement of an ROI at `elapsedSeconds` (any number ≥ 0), px: Langmuir association and dissociation scaled by the
 * ROI's own `affinity` (0 for a reference), plus bulk step and drift, which references share.
 */
export function bindingShiftPx(curve: BindingCurve, elapsedSeconds: number, affinity: number): number {
  const time = (elapsedSeconds / curve.timeSeconds) % CYCLE;
  const drift = (curve.driftPxPerHour * elapsedSeconds) / 3600;
  return curve.shiftPx * affinity * boundShare(time) + curve.bulkPx * sampleShare(time) + drift;
}

/** Share of the binding sites taken; time in time constants since the cycle began. */
function boundShare(time: number): number {
  if (time < PHASES.baseline) return 0;
  if (time < ASSOCIATION_END) return 1 - Math.exp(PHASES.baseline - time);
  const bound = 1 - Math.exp(-PHASES.association);
  if (time < DISSOCIATION_END) return bound * Math.exp((ASSOCIATION_END - time) / RELEASE_RATIO);
  return bound * Math.exp(-PHASES.dissociation / RELEASE_RATIO) * Math.exp((DISSOCIATION_END - time) / WASH);
}

/** Share of sample in the liquid over the chip. */
function sampleShare(time: number): number {
  if (time < PHASES.baseline) return 0;
  if (time < ASSOCIATION_END) return 1 - Math.exp((PHASES.baseline - time) / EXCHANGE);
  return Math.exp((ASSOCIATION_END - time) / EXCHANGE);
}
