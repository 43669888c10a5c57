// Generates the resonance bands of a simulated chip: one for every half of a grating, similar within a grating, different
// between gratings, and the same for the same seed.
import type { Chip } from "../chip/chip.ts";
import type { SimulatedLine } from "../config/simulation-section.ts";
import type { BandRanges } from "./camera-profiles.ts";
import { mixSeeds, normal, randomStream } from "./noise.ts";
import { type PlacedHalf, type Placement, placeHalves } from "./placement.ts";

/**
 * The resonance band of one half. With t = d/width, light(d) = base + amplitude times exp(-t²/2) for a Gaussian, 1/(1 + t²) for
 * a Lorentzian, (1 + s·t)/(1 + t²) with s = 2q/(q² − 1) for a Fano line.
 */
export interface Band extends PlacedHalf {
  readonly line: SimulatedLine;
  /** Sigma of a Gaussian, gamma of the others. */
  readonly widthPx: number;
  /** q of a Fano line; infinite for the others, which have no asymmetry. */
  readonly q: number;
  readonly amplitude: number;
  readonly base: number;
  /** Change of the resonance from the half's top to its bottom. */
  readonly tiltPx: number;
  /** Resonance without binding: px from the half's edge at the middle of the bow-tie, at half its height. */
  readonly restPx: number;
  /** Share of the full binding shift; 0 for a reference. */
  readonly affinity: number;
}

/** Returns s of `Band`: the asymmetry of a Fano line with parameter q. */
export function skew(q: number): number {
  return Number.isFinite(q) ? (2 * q) / (q * q - 1) : 0;
}

/** Share of gratings without receptors. */
const REFERENCE_SHARE = 1 / 8;
/** Ratio of a Gaussian's sigma to half its width at half height. */
const SIGMA = 1 / Math.sqrt(2 * Math.LN2);

/** Returns the bands of all halves of a chip's gratings. */
export function makeBands(
  chip: Chip,
  placement: Placement,
  { ranges, line, seed }: { readonly ranges: BandRanges; readonly line: SimulatedLine; readonly seed: number },
): Band[] {
  const gratings = new Map(chip.gratings.map((grating, i) => [grating.label, i]));
  return placeHalves(chip, placement).map((placed) => {
    const number = gratings.get(placed.half.grating) ?? 0;
    const shared = randomStream(mixSeeds(seed + 11, number));
    const own = randomStream(mixSeeds(seed + 12, number * 2 + (placed.half.flip ? 1 : 0)));
    const { width } = placed.box;
    const asymmetry = (shared() < 0.5 ? -1 : 1) * (3 + 6 * shared());
    const halfWidth = width * between(ranges.halfWidth, shared()) * (1 + 0.02 * normal(own));
    const restPx = width * between(ranges.rest, shared()) + 0.01 * width * normal(own);
    const affinity = shared() < REFERENCE_SHARE ? 0 : (0.6 + 0.4 * shared()) * (1 + 0.02 * normal(own));
    // A wide range applies to gratings; the halves of one are similar.
    const amplitude = heightIn(ranges.amplitude, ranges.amplitude.logarithmic ? shared() : own());
    const q = line === "fano" ? asymmetry : Number.POSITIVE_INFINITY;
    const s = skew(q);
    // The dark side of a Fano line must not fall below zero light.
    const base = between(ranges.ground, own()) + (amplitude * (Math.sqrt(1 + s * s) - 1)) / 2;
    const tiltPx = (width / 181) * (own() < 0.5 ? -1 : 1) * (1 + 3 * own());
    const widthPx = line === "gaussian" ? SIGMA * halfWidth : halfWidth;
    return { ...placed, line, widthPx, q, amplitude, base, tiltPx, restPx, affinity };
  });
}

function between({ from, to }: { readonly from: number; readonly to: number }, share: number): number {
  return from + (to - from) * share;
}

function heightIn({ from, to, logarithmic }: BandRanges["amplitude"], share: number): number {
  return logarithmic ? from * (to / from) ** share : between({ from, to }, share);
}
