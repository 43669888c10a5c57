// Finding the chip in a picture without any coordinates: which chip it is, how it lies there, and whether that is sure.
//
//   lattice (scale, angle) ─▶ sites (where gratings are) ─▶ hypotheses (which is which) ─▶ refined pose ─▶ sure or not
import type { Plane } from "../analysis/correlate.ts";
import type { Picture } from "../analysis/picture.ts";
import type { Chip } from "../chip/layout.ts";
import { type Hypothesis, labelScore, misread, rankHypotheses, sameIdentity } from "./identity.ts";
import type { FoundLabel, LabelPatterns } from "./label-search.ts";
import { type ChipLattice, findLattices, type LatticeFit, latticeOf } from "./lattice.ts";
import { isOrdinary } from "./optics.ts";
import type { Point, Pose } from "./pose.ts";
import { LARGE_UM, MOST_OFF_PX, mostOffPx, type Refined, refinePose } from "./refine.ts";
import { withoutScratches } from "./scratches.ts";
import { busiestPoint, findSites, type Sites } from "./sites.ts";
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
/** Lattices with a lower score are looked at only when none has a higher one, at any level. */
const CLEAR_SCORE = 0.11;
/** A lattice with so small a share of the best one's score is not looked at. */
const FAINT = 0.4;
/** Labels are at most this far from where a hypothesis puts them, µm. */
const REACH_UM = 20;

/** What it takes to be sure; measured by bench/calibrate-proof.ts. */
const SURE = {
  labels: 2,
  /** Share of the labels in view that must be found; a quarter may be hidden. */
  share: 0.55,
  margin: 0.3,
  /** Where every other arrangement is clearly worse, fewer labels do: glyphs of a few pixels are illegible one by one. */
  clear: { share: 0.4, labels: 5, margin: 2 },
  /** Margin with which looking for another arrangement is in vain, whatever else is wrong. */
  settled: 1,
  /** Share of labels that may be more like another one: dirt, and glyphs of a few pixels. */
  misread: 0.34,
  /** Sum of the labels' likeness above chance. */
  worth: 0.55,
  labelResidual: { px: 0.4, um: 0.5 },
  edgeResidual: { px: 0.45, um: 1 },
  /** What one part of the picture leaves in common: the sides of real gratings are not alike to half a micrometre. */
  local: { px: 0.5, um: 0.5 },
  /**
   * Gratings of another size, or a scale that the labels do not contradict. `share` of a grating's height is half of what a
   * pitch that is 3 % off leaves; saturated light and blur reach beyond its edge, by up to `blurPx` where that is still less than
   * `most` of the height.
   */
  overhang: { px: 0.3, um: 1, share: 0.0075, blurPx: 0.36, most: 0.0125 },
  /** Share of the edges seen that must go along, and of those that should be in view: gratings off resonance are dark. */
  edgeShare: 0.6,
  edgesInView: 0.35,
  /** A label so clear that does not go along speaks against the pose, for a lens that was not understood; one of so many may. */
  clearLabel: 0.75,
  clearOff: 0.1,
  stretch: 0.012,
  likeness: 0.4,
} as const;

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
  return { doubt: strongest?.doubt ?? { reason: "no lattice of gratings in the picture", lattice: undefined } };
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
  /** It lies there if it is that chip: looking for it elsewhere is in vain. */
  readonly settled: boolean;
  /** Its gratings have another size, so it may be another chip. */
  readonly anotherSize: boolean;
}

type Judged = { readonly found: Located } | Unsure;

function judge(view: View, patterns: LabelPatterns, fit: LatticeFit, effort: Effort): Judged | undefined {
  let doubtful: Unsure | undefined;
  for (const sites of findSites(view, fit)) {
    if (sites.likeness < SURE.likeness) continue;
    effort.left--;
    const bright = judgeSites(view, patterns, fit, sites);
    if (bright === undefined) continue;
    if ("found" in bright || bright.settled) return bright;
    doubtful ??= bright;
    // Labels may be darker than what is about them, in light from beside: looked for where gratings are clear and no label is seen.
    const clear = bright.edgeShare >= (bright.strength > CLEAR_LATTICE ? SURE.edgesInView : SURE.edgeShare);
    if (bright.labels < SURE.labels && clear) {
      const dark = judgeSites(view, patterns.dark, fit, sites);
      if (dark !== undefined && ("found" in dark || dark.settled)) return dark;
    }
    if (effort.left <= 0) break;
  }
  return doubtful;
}

function judgeSites(view: View, patterns: LabelPatterns, fit: LatticeFit, sites: Sites): Judged | undefined {
  const ranked = rankHypotheses(view, patterns, sites);
  const [best] = ranked;
  if (best === undefined) return undefined;
  const { chip } = fit.lattice;
  const refined = refinePose(view, patterns, chip, best.pose, REACH_UM);
  const margin = marginOf(best, ranked, refined);
  const reason = whyUnsure(fit, refined, margin, chip) ?? whyMisread(view, patterns, refined, chip);
  if (reason === undefined) return { found: { ...refined, chip, margin } };
  const lattice = { chipType: chip.type, pxPerUm: fit.pxPerUm, angleDegrees: best.pose.angleDegrees };
  return {
    doubt: { reason, lattice },
    strength: fit.score * sites.likeness,
    labels: refined.used.length,
    edgeShare: refined.edgeShare,
    // Another pitch is what a coarse lattice says of a chip that it shows badly; a finer one may say otherwise.
    settled: isSettled(refined, margin) && !isOfAnotherPitch(fit, refined.used),
    anotherSize: isOfAnotherSize(fit, refined),
  };
}

/** Whether what was found leaves no doubt that it is the chip, be it known to a pixel or not. */
function isSettled({ used, labels, edgeShare }: Refined, margin: number): boolean {
  const enough = used.length >= Math.max(SURE.labels, SURE.share * labels.length);
  return enough && margin >= SURE.settled && edgeShare >= SURE.edgeShare;
}

/** Advantage over the best hypothesis that calls the gratings otherwise. */
function marginOf(best: Hypothesis, ranked: readonly Hypothesis[], refined: Refined): number {
  const rival = ranked.find((other) => !sameIdentity(best, other));
  const gained = labelScore(refined.labels) - labelScore(best.labels);
  return best.score + Math.min(0, gained) - (rival?.score ?? 0);
}

/**
 * Whether labels lie a column and a row apart: then they measure both pitches far better than the lattice, whose bands are
 * not in the same place of every grating.
 */
function labelsSpan(used: readonly FoundLabel[], pitch: Point): boolean {
  const span = (values: readonly number[]) => Math.max(...values) - Math.min(...values);
  const { x, y } = { x: span(used.map(({ label }) => label.x)), y: span(used.map(({ label }) => label.y)) };
  return x > 0.8 * pitch.x && y > 0.8 * pitch.y;
}

function isOfAnotherPitch(fit: LatticeFit, used: readonly FoundLabel[]): boolean {
  return !labelsSpan(used, fit.lattice.pitch) && Math.abs(fit.stretch) > SURE.stretch;
}

interface Limit {
  readonly px: number;
  readonly um: number;
}

function limitPx({ px, um }: Limit, { pxPerUm }: Pose): number {
  return Math.max(px, um * pxPerUm);
}

function isOfAnotherSize(fit: LatticeFit, { pose, overhangPx }: Refined): boolean {
  const { share, blurPx, most } = SURE.overhang;
  const heightPx = fit.lattice.box.y * pose.pxPerUm;
  return (
    Math.abs(overhangPx) > Math.max(limitPx(SURE.overhang, pose), share * heightPx, Math.min(blurPx, most * heightPx))
  );
}

/** Why labels cannot be those of the chip as it was laid; undefined when they can. */
function whyMisread(view: View, patterns: LabelPatterns, { pose, used }: Refined, chip: Chip): string | undefined {
  const labels = used.map(({ label }) => label);
  if (misread(view, patterns, pose, labels, chip) <= SURE.misread) return undefined;
  return "identity ambiguous: the labels in view are rather those of other gratings";
}

/** Why a refined pose is not sure; undefined when it is. */
function whyUnsure(fit: LatticeFit, refined: Refined, margin: number, chip: Chip): string | undefined {
  const { pose, used, labels, labelResidualPx, edgeResidualPx } = refined;
  const { edges, edgesSeen, edgeShare, openPx, localPx, swayPx } = refined;
  const limit = (of: Limit) => limitPx(of, pose);
  if (labels.length === 0)
    return "identity ambiguous: no printed label is in view, so which grating is which cannot be known";
  if (used.length < SURE.labels || labelScore(used) < SURE.worth) {
    return `identity ambiguous: only ${used.length} of the ${labels.length} labels expected in view are to be seen`;
  }
  const clearly = margin >= SURE.clear.margin && used.length >= SURE.clear.labels;
  if (used.length < (clearly ? SURE.clear.share : SURE.share) * labels.length) {
    return `identity ambiguous: ${used.length} of ${labels.length} labels expected in view are to be seen, too few to be sure`;
  }
  if (margin < SURE.margin)
    return "identity ambiguous: the labels in view fit another arrangement of the gratings as well";
  if (labelResidualPx > limit(SURE.labelResidual)) {
    return `the labels do not lie where those of ${chip.type} do (${labelResidualPx.toFixed(1)} px off)`;
  }
  if (isOfAnotherPitch(fit, used)) return `the gratings have another pitch than those of ${chip.type}`;
  const clear = labels.filter(({ label, likeness }) => likeness >= SURE.clearLabel && label.height <= LARGE_UM);
  const off = clear.filter(({ label }) => refined.outliers.includes(label.label)).length;
  if (off > SURE.clearOff * clear.length) {
    return `${off} of the ${clear.length} labels that are clearly seen lie elsewhere than on the ${chip.type} laid by the others`;
  }
  const tooFew = edges < SURE.edgeShare * edgesSeen || edgeShare < SURE.edgesInView;
  if (edgeResidualPx > limit(SURE.edgeResidual) || tooFew) {
    return `the gratings do not lie where those of ${chip.type} do`;
  }
  if (localPx > limit(SURE.local)) {
    return `in one part of the picture labels and gratings lie elsewhere than on the ${chip.type} laid by the others (${localPx.toFixed(1)} px)`;
  }
  if (pose.lens !== undefined && !isOrdinary(pose.lens)) {
    return `labels and gratings fit the ${chip.type} only if the optics bent the picture more than optics do`;
  }
  if (isOfAnotherSize(fit, refined)) return `the gratings have another size or pitch than those of ${chip.type}`;
  if (mostOffPx(refined) > MOST_OFF_PX) {
    const deciding = swayPx > openPx ? ", and one label or edge decides much of it" : "";
    return `too little is seen of the ${chip.type} to know the place of every grating to a pixel (${openPx.toFixed(2)} px standard deviation${deciding})`;
  }
  return undefined;
}
