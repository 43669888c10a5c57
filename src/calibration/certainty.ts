// Whether a chip that was laid into a picture surely is there, and is that chip; and if not, why.

import { isFull } from "./box.ts";
import { shiftOf } from "./deviations.ts";
import { edgeWidth } from "./edge-width.ts";
import { likenessAtOwnSize } from "./glyph-scale.ts";
import { labelScore, misread } from "./identity.ts";
import type { FoundLabel, LabelPatterns } from "./label-search.ts";
import type { LatticeFit } from "./lattice.ts";
import { isOrdinary } from "./optics.ts";
import type { Point, Pose } from "./pose.ts";
import { LARGE_UM, MOST_OFF_PX, mostOffPx, type Refined } from "./refine.ts";
import type { View } from "./view.ts";

/** What is judged: a pose, refined, with its advantage over the next best identity. */
export interface Judged {
  readonly view: View;
  readonly patterns: LabelPatterns;
  readonly fit: LatticeFit;
  readonly refined: Refined;
  readonly margin: number;
}

/** What it takes to be sure; measured by bench/calibrate-proof.ts. */
export const SURE = {
  labels: 2,
  /** Share of the labels in view that must be found; a quarter may be hidden. */
  share: 0.55,
  margin: 0.3,
  /** Where every other arrangement is clearly worse, fewer labels do: glyphs of a few pixels are illegible one by one. */
  clear: { share: 0.4, labels: 5, margin: 2 },
  /** With this margin, a search for another arrangement is pointless, even if something else is wrong. */
  settled: 1,
  /** Share of labels that may be more like another one: dirt, and glyphs of a few pixels. */
  misread: 0.34,
  /** Sum of the labels' likeness above chance. */
  worth: 0.55,
  labelResidual: { px: 0.4, um: 0.5 },
  /**
   * Where enough edges and sides of gratings agree to determine the pose to `openPx` by themselves, their unevenness averages out, and labels
   * only say which grating is which: print and optics may move them.
   */
  byGratings: {
    edges: 60,
    sides: 40,
    openPx: 0.35,
    labelResidual: { px: 1, um: 8 },
    edgeResidual: { px: 0.5, um: 2.6 },
    local: { px: 0.5, um: 2.6 },
  },
  /** How far all labels together may be shifted against the gratings. */
  shift: { px: 1.2, um: 8 },
  edgeResidual: { px: 0.45, um: 1 },
  /** What one part of the picture leaves in common: the sides of real gratings are not alike to half a micrometre. */
  local: { px: 0.5, um: 0.5 },
  /**
   * Gratings of another size, or a scale that the labels do not contradict. `share` of a grating's height is half of what a
   * pitch that is 3 % off leaves; saturated light and blur reach beyond its edge, by up to `blurPx` where that is still less than
   * `most` of the height.
   */
  overhang: { px: 0.3, um: 1, share: 0.0075, blurPx: 0.36, most: 0.0125 },
  /**
   * Gratings may be lower than their boxes, by at most this share of their height, where they are not narrower as well: by at
   * most this share of what another pitch means. Or where labels are more like themselves at their own size than at that which smaller
   * gratings mean, by so much, all together.
   */
  ownSize: { likeness: 0.5, most: 0.15, width: 0.6 },
  /** Share of the edges seen that must go along, and of those that should be in view: gratings off resonance are dark. */
  edgeShare: 0.6,
  edgesInView: 0.35,
  /** A label this clear that does not fit speaks against the pose (a lens that was not understood); one in this many may. */
  clearLabel: 0.75,
  clearOff: 0.1,
  stretch: 0.012,
  likeness: 0.4,
} as const;

/** Whether what was found leaves no doubt that it is the chip, be it known to a pixel or not. */
export function isSettled({ used, labels, edgeShare }: Refined, margin: number): boolean {
  const enough = used.length >= Math.max(SURE.labels, SURE.share * labels.length);
  return enough && margin >= SURE.settled && edgeShare >= SURE.edgeShare;
}

/**
 * Whether labels are a column and a row apart: then they measure both pitches far better than the lattice, whose bands are
 * not in the same place of every grating.
 */
function labelsSpan(used: readonly FoundLabel[], pitch: Point): boolean {
  const span = (values: readonly number[]) => Math.max(...values) - Math.min(...values);
  const { x, y } = { x: span(used.map(({ label }) => label.x)), y: span(used.map(({ label }) => label.y)) };
  return x > 0.8 * pitch.x && y > 0.8 * pitch.y;
}

export function isOfAnotherPitch(fit: LatticeFit, used: readonly FoundLabel[]): boolean {
  return !labelsSpan(used, fit.lattice.pitch) && Math.abs(fit.stretch) > SURE.stretch;
}

interface Limit {
  readonly px: number;
  readonly um: number;
}

function limitPx({ px, um }: Limit, { pxPerUm }: Pose, resolutionPx = 1): number {
  return Math.max(px * resolutionPx, um * pxPerUm);
}

/** Width over which light rises at the edge of a stroke, px, in a picture that resolves every pixel; and pixels at most. */
const SHARP = { px: 2.2, most: 4 } as const;

/**
 * Pixels that the picture resolves as one: 1 in a sharp picture, more where it is blurred or was enlarged. A place is neither known nor
 * needed to a smaller share of these.
 */
function resolutionOf({ view, patterns, refined: { pose, used } }: Judged): number {
  const width = edgeWidth(view, patterns, pose, used) ?? SHARP.px;
  return Math.max(1, Math.min(SHARP.most, width / SHARP.px));
}

export function isOfAnotherSize(judged: Judged): boolean {
  const { view, patterns, fit, refined } = judged;
  const { pose, overhangPx, used } = refined;
  const { share, blurPx, most } = SURE.overhang;
  const heightPx = fit.lattice.box.y * pose.pxPerUm;
  const usual = Math.max(limitPx(SURE.overhang, pose), share * heightPx, Math.min(blurPx, most * heightPx));
  if (Math.abs(overhangPx) <= usual) return false;
  const { likeness, most: mostSmaller, width } = SURE.ownSize;
  if (overhangPx > 0 || -2 * overhangPx > mostSmaller * heightPx) return true;
  // On a chip of a larger pitch gratings are as much too narrow as they are too low. Sides far from where they are expected are not
  // seen, and what is seen for them says nothing: across narrow gaps both are.
  const { sidewaysPx } = refined;
  if (
    isFull(fit.lattice) &&
    sidewaysPx !== undefined &&
    sidewaysPx > (width * overhangPx * fit.lattice.box.x) / fit.lattice.box.y
  )
    return false;
  return likenessAtOwnSize(view, patterns, pose, used, 1 + (2 * overhangPx) / heightPx) < likeness;
}

function isFixedByGratings({ edges, sides, gratingsOpenPx }: Refined, resolutionPx: number): boolean {
  const { byGratings } = SURE;
  return edges >= byGratings.edges && sides >= byGratings.sides && gratingsOpenPx <= byGratings.openPx * resolutionPx;
}

/** Why labels cannot be those of the chip as it was laid; undefined when they can. */
function whyMisread({ view, patterns, fit, refined: { pose, used } }: Judged): string | undefined {
  const labels = used.map(({ label }) => label);
  const { chip } = fit.lattice;
  if (misread(view, patterns, pose, labels, chip) <= SURE.misread) return undefined;
  return "identity ambiguous: the visible labels fit other gratings better";
}

/** Why a refined pose is not sure; undefined when it is. */
export function whyUnsure(judged: Judged): string | undefined {
  return whyNotAgreeing(judged) ?? whyMisread(judged);
}

function whyNotAgreeing(judged: Judged): string | undefined {
  const { fit, refined, margin } = judged;
  const { chip } = fit.lattice;
  const { pose, used, labels, labelResidualPx, edgeResidualPx } = refined;
  const { edges, edgesSeen, edgeShare, openPx, localPx, swayPx } = refined;
  const resolutionPx = resolutionOf(judged);
  const limit = (of: Limit) => limitPx(of, pose, resolutionPx);
  if (labels.length === 0)
    return "identity ambiguous: no printed label is visible, so the gratings cannot be distinguished";
  if (used.length < SURE.labels || labelScore(used) < SURE.worth) {
    return `identity ambiguous: ${used.length === 0 ? "none" : `only ${used.length}`} of the ${labels.length} expected labels ${used.length < 2 ? "was" : "were"} recognised`;
  }
  const clearly = margin >= SURE.clear.margin && used.length >= SURE.clear.labels;
  if (used.length < (clearly ? SURE.clear.share : SURE.share) * labels.length) {
    return `identity ambiguous: ${used.length} of ${labels.length} expected labels were recognised, too few to be sure`;
  }
  if (margin < SURE.margin)
    return "identity ambiguous: the visible labels also fit another arrangement of the gratings";
  const limits = isFixedByGratings(refined, resolutionPx) ? SURE.byGratings : SURE;
  if (labelResidualPx > limit(limits.labelResidual)) {
    return `the labels do not fit ${chip.type} (they are ${labelResidualPx.toFixed(1)} px off)`;
  }
  const shiftPx = shiftOf(refined.deviations);
  if (shiftPx > limit(SURE.shift))
    return `all labels are shifted by ${shiftPx.toFixed(1)} px relative to the gratings of a ${chip.type}`;
  if (isOfAnotherPitch(fit, used)) return `the pitch of the gratings differs from that of ${chip.type}`;
  const clear = labels.filter(({ label, likeness }) => likeness >= SURE.clearLabel && label.height <= LARGE_UM);
  const off = clear.filter(({ label }) => refined.outliers.includes(label.label)).length;
  if (off > SURE.clearOff * clear.length) {
    return `${off} of the ${clear.length} clearly visible labels do not fit the ${chip.type} that the others fit`;
  }
  const tooFew = edges < SURE.edgeShare * edgesSeen || edgeShare < SURE.edgesInView;
  if (edgeResidualPx > limit(limits.edgeResidual) || tooFew) {
    return `the gratings do not fit ${chip.type}`;
  }
  if (localPx > limit(limits.local)) {
    return `in one part of the image, labels and gratings are ${localPx.toFixed(1)} px off the ${chip.type} that the others fit`;
  }
  if (pose.lens !== undefined && !isOrdinary(pose.lens)) {
    return `labels and gratings fit ${chip.type} only with an implausible distortion of the optics`;
  }
  if (isOfAnotherSize(judged)) return `the size or pitch of the gratings differs from that of ${chip.type}`;
  if (mostOffPx(refined) > MOST_OFF_PX * resolutionPx) {
    const deciding = swayPx > openPx ? ", mostly decided by one label or edge" : "";
    return `too little of the ${chip.type} is visible to know the position of every grating to one pixel (${openPx.toFixed(2)} px standard deviation${deciding})`;
  }
  return undefined;
}
