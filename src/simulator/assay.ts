// Simulates an assay on the chip: liquids flow over it, molecules bind and leave, and every grating responds. A pure function
// of the time since the first image.
import type { Chip } from "../chip/chip.ts";
import { labelMatcher } from "../measurement/labels.ts";
import type { Assay, AssayKinetics } from "./assay-settings.ts";
import type { Band } from "./bands.ts";
import { type Front, shareAt } from "./liquid.ts";
import { mixSeeds, normal, randomStream } from "./noise.ts";
import { Surface } from "./surface.ts";

/** The truth about a grating for the whole assay. */
export interface GratingTruth {
  readonly reference: boolean;
  /** undefined: nothing binds here. */
  readonly kinetics: AssayKinetics | undefined;
  readonly front: Front;
  readonly sensitivityPxPerRiu: number;
  readonly driftPxPerHour: number;
}

export interface AssayMoment {
  /** Shift since the start, px. */
  readonly shift: number;
  /** A bubble covers the grating, so no resonance is visible. */
  readonly bubble: boolean;
}

/** Relative Rmax of a grating that the assay gives receptors but the seed does not. */
const USUAL_AFFINITY = 0.8;
/** Refractive index of a bubble. */
const AIR = 1;
const DEGREES = 180 / Math.PI;

/** An assay applied to the gratings of a chip. */
export class AssayOnChip {
  readonly assay: Assay;
  readonly #gratings: ReadonlyMap<string, { readonly truth: GratingTruth; readonly surface: Surface }>;
  readonly #bubbles: readonly {
    readonly covers: (label: string) => boolean;
    readonly start: number;
    readonly end: number;
  }[];

  /** `isReference`: whether a grating has no receptors, unless the assay names it. */
  constructor(assay: Assay, chip: Chip, seed: number, isReference: (grating: string) => boolean) {
    this.assay = assay;
    const named = assay.references && labelMatcher(assay.references);
    const fronts = frontsOf(assay, chip);
    const groups = assay.kinetics.map((group) => ({ group, isOf: labelMatcher(group.gratings) }));
    this.#gratings = new Map(
      chip.gratings.map(({ label }, number) => {
        const random = randomStream(mixSeeds(seed + 13, number));
        const reference = named?.(label) ?? isReference(label);
        const kinetics = reference ? undefined : groups.find(({ isOf }) => isOf(label))?.group;
        const truth: GratingTruth = {
          reference,
          kinetics,
          front: fronts(label),
          sensitivityPxPerRiu: assay.sensitivity_px_per_riu * (1 + assay.sensitivity_spread * normal(random)),
          driftPxPerHour: assay.drift_px_per_hour + assay.drift_spread_px_per_hour * normal(random),
        };
        return [label, { truth, surface: new Surface(assay, kinetics, truth.front) }];
      }),
    );
    this.#bubbles = assay.bubbles.map(({ gratings, start, seconds }) => ({
      covers: labelMatcher(gratings),
      start,
      end: start + seconds,
    }));
  }

  /** Returns the truth about a grating of the chip. */
  truthOf(grating: string): GratingTruth {
    return this.#of(grating).truth;
  }

  /** Returns the largest response of a half grating, px; 0 if nothing binds. */
  rmaxPx({ half: { grating }, affinity }: Pick<Band, "half" | "affinity">): number {
    return (this.truthOf(grating).kinetics?.rmax_px ?? 0) * (affinity || USUAL_AFFINITY);
  }

  /** Returns the state of a half grating at a time. */
  at(band: Pick<Band, "half" | "affinity">, elapsedSeconds: number): AssayMoment {
    const { grating } = band.half;
    const { truth, surface } = this.#of(grating);
    const { front, sensitivityPxPerRiu, driftPxPerHour } = truth;
    const { occupied, nonspecific } = surface.at(elapsedSeconds);
    const bubble = this.#bubbles.some(
      ({ covers, start, end }) =>
        elapsedSeconds >= start + front.delaySeconds && elapsedSeconds < end + front.delaySeconds && covers(grating),
    );
    const index = bubble ? AIR : this.#indexAt(front, elapsedSeconds);
    const bound = this.rmaxPx(band) * occupied + nonspecific;
    const bulk = sensitivityPxPerRiu * (index - this.assay.buffer_index);
    return { shift: bound + bulk + (driftPxPerHour * elapsedSeconds) / 3600, bubble };
  }

  #indexAt(front: Front, seconds: number): number {
    const { buffer_index: buffer, injections } = this.assay;
    return injections.reduce(
      (index, one) => index + ((one.refractive_index ?? buffer) - buffer) * shareAt(one, front, seconds),
      buffer,
    );
  }

  #of(grating: string) {
    const found = this.#gratings.get(grating);
    if (found === undefined) throw new Error(`there is no grating ${grating}`);
    return found;
  }
}

/** Returns when and how liquids reach each grating; the first one along the flow is reached after the dead time. */
function frontsOf({ flow }: Assay, chip: Chip): (label: string) => Front {
  const radians = flow.direction_degrees / DEGREES;
  const along = new Map(
    chip.gratings.map(({ label, x, y, width, height }) => [
      label,
      Math.cos(radians) * (x + width / 2) + Math.sin(radians) * (y + height / 2),
    ]),
  );
  const first = Math.min(...along.values());
  return (label) => {
    const onChip = ((along.get(label) ?? first) - first) / flow.speed_um_per_second;
    const delaySeconds = flow.dead_seconds + onChip;
    // Taylor dispersion: the variance grows with the time of travel.
    const grown = flow.dead_seconds > 0 ? Math.sqrt(delaySeconds / flow.dead_seconds) : 1;
    return { delaySeconds, widthSeconds: flow.front_width_seconds * grown };
  };
}
