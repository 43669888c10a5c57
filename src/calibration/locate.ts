// Finding the chip in a picture without any coordinates: which chip it is, how it is there, and whether that is sure.
//
//   lattice (scale, angle) ─▶ sites (where gratings are) ─▶ hypotheses (which is which) ─▶ refined pose ─▶ sure or not
import type { Plane } from "../analysis/correlate.ts";
import type { Chip } from "../chip/chip.ts";
import type { Picture } from "../image/picture.ts";
import { isOfAnotherPitch, isOfAnotherSize, isSettled, SURE, whyUnsure } from "./certainty.ts";
import { busiestPoint, findSites, type Sites } from "./grating-sites.ts";
import { type Hypothesis, labelScore, rankHypotheses, sameIdentity } from "./identity.ts";
import type { LabelPatterns } from "./label-search.ts";
import { type ChipLattice, findLattices, type LatticeFit, latticeOf } from "./lattice.ts";
import { type Refined, refinePose } from "./refine.ts";
import { withoutScratches } from "./scratches.ts";
import { View } from "./view.ts";

/** A chip that was found, and how sure that is. */
export interface Located extends Refined {
  readonly chip: Chip;
  /** By how much the labels and sites speak for this rather than the next best identity; one label is worth about 0.5. */
  readonly margin: number;
  /** Largest distance of places named by hand from those found, px. */
  readonly anchorsOffPx?: number;
}

/** What was seen although it does not suffice. */
export interface Doubtful {
  readonly reason: string;
  readonly lattice: { readonly chipType: string; readonly pxPerUm: number; readonly angleDegrees: number } | undefined;
}

export type Search = { readonly found: Located } | { readonly doubt: Doubtful };

/** Side of the picture in which the lattice is looked for, px. */
const LATTICE_PX = 512;
const MOST_LATTICES = 6;
/** Ways of laying a lattice's boxes that are judged in one picture; pictures that are accepted need few (bench/calibrate-proof.ts). */
const MOST_JUDGED = 16;
/** Lattices with a lower score are tried only if none has a higher one, at any level. */
const CLEAR_SCORE = 0.11;
/** A lattice with less than this share of the best one's score is not tried. */
const FAINT = 0.4;
/** Labels are at most this far from where a hypothesis puts them, µm. */
const REACH_UM = 20;

/** Looks for one of the chips in the picture. */
export function locateChip(picture: Picture, chips: readonly Chip[], patterns: LabelPatterns): Search {
  const lattices = chips.map(latticeOf).filter((lattice) => lattice !== undefined);
  const view = new View(picture);
  const looked: Unsure[] = [];
  const faint: LatticeFit[] = [];
  // Every scale has its share, and what the ones before have left: mistaken lattices at a coarse one leave enough for the next.
  const share = Math.ceil(MOST_JUDGED / scalesOf(view).length);
  const effort = { left: 0 };
  /** Chips that are not this one for certain, although their labels are like its. */
  const unlike = new Set<string>();
  let clear = false;
  const consider = (fit: LatticeFit): Located | undefined => {
    if (effort.left <= 0 || unlike.has(fit.lattice.chip.type)) return undefined;
    const judged = judge(view, patterns, fit, effort);
    if (judged === undefined) return undefined;
    if ("found" in judged) return judged.found;
    looked.push(judged);
    if (judged.settled && judged.anotherSize) unlike.add(fit.lattice.chip.type);
    else if (judged.settled) effort.left = 0;
    return undefined;
  };
  for (const fits of latticesByLevel(view, lattices)) {
    effort.left = Math.max(0, effort.left) + share;
    const least = Math.max(CLEAR_SCORE, FAINT * (fits[0]?.score ?? 0));
    faint.push(...fits.filter(({ score }) => score < CLEAR_SCORE));
    for (const fit of fits.filter(({ score }) => score >= least)) {
      const found = consider(fit);
      if (found !== undefined) return { found };
    }
    // A lattice that was seen clearly is looked for at one finer scale, where its scale is found better, and no more.
    if (clear || looked.some(({ settled, anotherSize }) => settled && !anotherSize)) break;
    clear = looked.some(({ strength }) => strength > CLEAR_LATTICE);
  }
  if (looked.length === 0) {
    effort.left = MOST_JUDGED;
    for (const fit of faint.sort((a, b) => b.score - a.score).slice(0, MOST_LATTICES)) {
      const found = consider(fit);
      if (found !== undefined) return { found };
    }
  }
  const [strongest] = looked.sort((a, b) => Number(b.settled) - Number(a.settled) || b.strength - a.strength);
  return { doubt: strongest?.doubt ?? { reason: "no lattice of gratings found in the image", lattice: undefined } };
}

/** Strength (score times likeness of its gratings) of a lattice that is certainly one. */
const CLEAR_LATTICE = 0.25;

/** Lattices in the whole picture, then, should none of these do, in its busiest part at finer and finer scales. */
export function* latticesByLevel(view: View, lattices: readonly ChipLattice[]): Generator<LatticeFit[]> {
  const [whole = 1, ...finer] = scalesOf(view);
  const seen = (plane: Plane) => findLattices(withoutScratches(plane), lattices).slice(0, MOST_LATTICES);
  yield seen(view.part(whole));
  for (const factor of finer) {
    const { left, top } = busiest(view, factor * LATTICE_PX);
    yield seen(view.part(factor, left, top, LATTICE_PX, LATTICE_PX));
  }
}

/** By how much the picture is shrunk for the lattice: as a whole, then less and less. */
function scalesOf({ picture }: View): number[] {
  const whole = Math.max(1, Math.ceil(Math.max(picture.width, picture.height) / LATTICE_PX));
  const scales = [whole];
  for (let factor = Math.floor(whole / 2); factor >= 1; factor = Math.floor(factor / 2)) scales.push(factor);
  return scales;
}

/** Top left of the square of `side` px about the middle of what varies in the picture. */
function busiest(view: View, side: number): { left: number; top: number } {
  const middle = busiestPoint(view, side);
  const place = (at: number, length: number) => Math.max(0, Math.min(length - side, Math.round(at - side / 2)));
  return { left: place(middle.x, view.picture.width), top: place(middle.y, view.picture.height) };
}

/** Arrangements that may still be judged: a picture that has to be refused shall not take long. */
interface Effort {
  left: number;
}

interface Unsure {
  readonly doubt: Doubtful;
  readonly strength: number;
  /** Labels that were seen, and the share of the gratings' edges. */
  readonly labels: number;
  readonly edgeShare: number;
  /** It is there if it is that chip: looking for it elsewhere is in vain. */
  readonly settled: boolean;
  /** Its gratings have another size, so it may be another chip. */
  readonly anotherSize: boolean;
}

type Verdict = { readonly found: Located } | Unsure;

function judge(view: View, patterns: LabelPatterns, fit: LatticeFit, effort: Effort): Verdict | undefined {
  let doubtful: Unsure | undefined;
  for (const sites of findSites(view, fit)) {
    if (sites.likeness < SURE.likeness) continue;
    effort.left--;
    const bright = judgeSites(view, patterns, fit, sites);
    if (bright === undefined) continue;
    if ("found" in bright || bright.settled) return bright;
    doubtful ??= bright;
    // Labels may be darker than what is about them, in light from the side: looked for where gratings are clear and no label is seen.
    const clear = bright.edgeShare >= (bright.strength > CLEAR_LATTICE ? SURE.edgesInView : SURE.edgeShare);
    if (bright.labels < SURE.labels && clear) {
      const dark = judgeSites(view, patterns.dark, fit, sites);
      if (dark !== undefined && ("found" in dark || dark.settled)) return dark;
    }
    if (effort.left <= 0) break;
  }
  return doubtful;
}

function judgeSites(view: View, patterns: LabelPatterns, fit: LatticeFit, sites: Sites): Verdict | undefined {
  const ranked = rankHypotheses(view, patterns, sites);
  const [best] = ranked;
  if (best === undefined) return undefined;
  const { chip } = fit.lattice;
  const refined = refinePose(view, patterns, chip, best.pose, REACH_UM);
  const margin = marginOf(best, ranked, refined);
  const judged = { view, patterns, fit, refined, margin };
  const reason = whyUnsure(judged);
  if (reason === undefined) return { found: { ...refined, chip, margin } };
  const lattice = { chipType: chip.type, pxPerUm: fit.pxPerUm, angleDegrees: best.pose.angleDegrees };
  return {
    doubt: { reason, lattice },
    strength: fit.score * sites.likeness,
    labels: refined.used.length,
    edgeShare: refined.edgeShare,
    // Another pitch is what a coarse lattice says of a chip that it shows badly; a finer one may say otherwise.
    settled: isSettled(refined, margin) && !isOfAnotherPitch(fit, refined.used),
    anotherSize: isOfAnotherSize(judged),
  };
}

/** Advantage over the best hypothesis that calls the gratings otherwise. */
function marginOf(best: Hypothesis, ranked: readonly Hypothesis[], refined: Refined): number {
  const rival = ranked.find((other) => !sameIdentity(best, other));
  const gained = labelScore(refined.labels) - labelScore(best.labels);
  return best.score + Math.min(0, gained) - (rival?.score ?? 0);
}
