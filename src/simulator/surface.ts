// The surface of a grating: molecules that bind to its receptors, with or without a limit by transport to the surface, and
// molecules that stick to it anywhere.
//
//   dθ/dt = (ka c (1 − θ) − kd θ) / (1 + ka Rmax (1 − θ) / kt)       share of receptors taken
//   dN/dt = on c − off N                                              bound elsewhere, px
//
// For a constant concentration both are exponentials, apart from the last divisor. Fronts are crossed in short steps.
import { labelMatcher } from "../measurement/labels.ts";
import type { Assay, AssayKinetics } from "./assay-settings.ts";
import { FRONT_WIDTHS, type Front, shareAt } from "./liquid.ts";

export interface SurfaceState {
  /** Share of receptors that are occupied. */
  readonly occupied: number;
  /** px. */
  readonly nonspecific: number;
}

const STEP_S = 0.25;
/** Interval of cached states, and length of a step when nothing is injected any more. */
const KEPT_S = 10;
const EMPTY: SurfaceState = { occupied: 0, nonspecific: 0 };

export class Surface {
  readonly #assay: Assay;
  readonly #kinetics: AssayKinetics | undefined;
  readonly #front: Front;
  readonly #binds: (solution: string) => boolean;
  /** Time from which on nothing is injected. */
  readonly #quietFrom: number;
  /** Cached states at multiples of KEPT_S. */
  readonly #kept: SurfaceState[] = [EMPTY];

  constructor(assay: Assay, kinetics: AssayKinetics | undefined, front: Front) {
    this.#assay = assay;
    this.#kinetics = kinetics;
    this.#front = front;
    this.#binds = labelMatcher(kinetics?.solutions ?? []);
    const lastEnd = Math.max(0, ...assay.injections.map(({ start, seconds }) => start + seconds));
    this.#quietFrom = lastEnd + front.delaySeconds + FRONT_WIDTHS * front.widthSeconds;
  }

  /** Returns the state at `seconds` since the first image. */
  at(seconds: number): SurfaceState {
    const whole = Math.floor(seconds / KEPT_S);
    for (let at = this.#kept.length; at <= whole; at += 1) {
      this.#kept.push(this.#after(this.#kept[at - 1] as SurfaceState, (at - 1) * KEPT_S, at * KEPT_S));
    }
    return this.#after(this.#kept[whole] as SurfaceState, whole * KEPT_S, seconds);
  }

  #after(state: SurfaceState, from: number, to: number): SurfaceState {
    const longest = from >= this.#quietFrom ? KEPT_S : STEP_S;
    let now = state;
    for (let at = from; at < to; ) {
      const next = Math.min(to, at + longest);
      now = this.#step(now, (at + next) / 2, next - at);
      at = next;
    }
    return now;
  }

  #step({ occupied, nonspecific }: SurfaceState, middle: number, length: number): SurfaceState {
    let [molar, sticking, regenerating] = [0, 0, 0];
    for (const one of this.#assay.injections) {
      const share = shareAt(one, this.#front, middle);
      if (share === 0) continue;
      if (one.type === "regeneration") regenerating += share;
      const concentration = share * (one.concentration ?? 0);
      sticking += concentration;
      if (this.#binds(one.solution)) molar += concentration;
    }
    const washed = regenerating * this.#assay.regeneration_per_second;
    const { on_px_per_molar_second: on, off_per_second: off } = this.#assay.nonspecific;
    return {
      occupied: this.#bound(occupied, molar, washed, length),
      nonspecific: relaxed(nonspecific, on * sticking, off + washed, length),
    };
  }

  #bound(occupied: number, molar: number, washed: number, length: number): number {
    if (this.#kinetics === undefined) return 0;
    const { ka, kd, kt, rmax_px } = this.#kinetics;
    const after = (slowedAt: number, seconds: number) => {
      const slowed = kt === undefined ? 1 : 1 + (ka * Math.abs(rmax_px) * (1 - slowedAt)) / kt;
      const gain = (ka * molar) / slowed;
      return relaxed(occupied, gain, gain + kd / slowed + washed, seconds);
    };
    // The limit by transport is evaluated in the middle of the step.
    return after(kt === undefined ? occupied : after(occupied, length / 2), length);
  }
}

/** Returns the solution of dx/dt = gain − loss x after `seconds`. */
function relaxed(value: number, gain: number, loss: number, seconds: number): number {
  if (loss === 0) return value + gain * seconds;
  const end = gain / loss;
  return end + (value - end) * Math.exp(-loss * seconds);
}
