// Finds the chip in a picture without any coordinates: which chip it is, its pose, and whether that is certain.
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

/** A chip that was found, and how certain that is. */
export interface Located extends Refined {
  readonly chip: Chip;
  /** Advantage of this identity over the next best one, from labels and sites; one label is worth about 0.5. */
  readonly margin: number;
  /** Largest distance of places named by hand from those found, px. */
  readonly anchorsOffPx?: number;
}

/** What was seen, although it is not enough. */
export interface Doubtful {
  readonly reason: string;
  readonly lattice: { readonly chipType: string; readonly pxPerUm: number; readonly angleDegrees: number } | undefined;
}

export type Search = { readonly found: Located } | { readonly doubt: Doubtful };

/** Side of the picture in which the lattice is searched, px. */
const LATTICE_PX = 512;
const MOST_LATTICES = 6;
/**
 * Maximum number of arrangements of a lattice's boxes that are judged in one picture; accepted pictures need few
 * (bench/calibrate-proof.ts).
 */
const MOST_JUDGED = 16;
/** Lattices with a lower score are tried only if none has a higher one, at any level. */
const CLEAR_SCORE = 0.11;
/** A lattice with less than this share of the best one's score is not tried. */
const FAINT = 0.4;
/** Maximum distance of labels from their position in a hypothesis, µm. */
const REACH_UM = 20;

/** Searches the picture for one of the chips. */
export function locateChip(picture: Picture, chips: readonly Chip[], patterns: LabelPatterns): Search {
  const lattices = chips.map(latticeOf).filter((lattice) => lattice !== undefined);
  const view = new View(picture);
  const looked: Unsure[] = [];
  const faint: LatticeFit[] = [];
  // Every scale has its own share plus what the previous ones left, so that wrong lattices at a coarse scale leave enough for
  // the next.
  const share = Math.ceil(MOST_JUDGED / scalesOf(view).length);
  const effort = { left: 0 };
  /** Chips that are certainly not this one, although they have similar labels. */
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
    // A lattice that was seen clearly is searched at only one finer scale, which gives its scale more accurately.
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

/** Strength (score times likeness of its gratings) of a lattice that is certainly real. */
const CLEAR_LATTICE = 0.25;

/**
 * Yields the lattices in the whole picture, then, if none of them fits, those in its busiest part at finer and finer scales.
 */
export function* latticesByLevel(view: View, lattices: readonly ChipLattice[]): Generator<LatticeFit[]> {
  const [whole = 1, ...finer] = scalesOf(view);
  const seen = (plane: Plane) => findLattices(withoutScratches(plane), lattices).slice(0, MOST_LATTICES);
  yield seen(view.part(whole));
  for (const factor of finer) {
    const { left, top } = busiest(view, factor * LATTICE_PX);
    yield seen(view.part(factor, left, top, LATTICE_PX, LATTICE_PX));
  }
}

/** Returns the factors by which the picture is reduced for the lattice: first as a whole, then less and less. */
function scalesOf({ picture }: View): number[] {
  const whole = Math.max(1, Math.ceil(Math.max(picture.width, picture.height) / LATTICE_PX));
  const scales = [whole];
  for (let factor = Math.floor(whole / 2); factor >= 1; factor = Math.floor(factor / 2)) scales.push(factor);
  return scales;
}

/** Returns the top left of the square of `side` px around the centre of the variation in the picture. */
function busiest(view: View, side: number): { left: number; top: number } {
  const middle = busiestPoint(view, side);
  const place = (at: number, length: number) => Math.max(0, Math.min(length - side, Math.round(at - side / 2)));
  return { left: place(middle.x, view.picture.width), top: place(middle.y, view.picture.height) };
}

/** Number of arrangements that may still be judged: refusing a picture must not take long. */
interface Effort {
  left: number;
}

interface Unsure {
  readonly doubt: Doubtful;
  readonly strength: number;
  /** Number of labels seen, and the share of the gratings' edges. */
  readonly labels: number;
  readonly edgeShare: number;
  /** If it is this chip, its position is settled; searching elsewhere is pointless. */
  readonly settled: boolean;
  /** Whether its gratings have another size, so that it may be another chip. */
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
    // In light from the side, labels may be darker than their surroundings: these are searched if gratings are clear and no
    // label is seen.
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
    // A coarse lattice may suggest another pitch for a chip that it shows badly; a finer one may not.
    settled: isSettled(refined, margin) && !isOfAnotherPitch(fit, refined.used),
    anotherSize: isOfAnotherSize(judged),
  };
}

/** Returns the advantage over the best hypothesis that names the gratings differently. */
function marginOf(best: Hypothesis, ranked: readonly Hypothesis[], refined: Refined): number {
  const rival = ranked.find((other) => !sameIdentity(best, other));
  const gained = labelScore(refined.labels) - labelScore(best.labels);
  return best.score + Math.min(0, gained) - (rival?.score ?? 0);
}
