// Decides whether a chip that was fitted to a picture is certainly there, and is certainly that chip; if not, says why.

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

/** The input: a refined pose, with its advantage over the next best identity. */
export interface Judged {
  readonly view: View;
  readonly patterns: LabelPatterns;
  readonly fit: LatticeFit;
  readonly refined: Refined;
  readonly margin: number;
}

/** The criteria for certainty; measured by bench/calibrate-proof.ts. */
export const SURE = {
  labels: 2,
  /** Share of the labels in view that must be found; a quarter may be hidden. */
  share: 0.55,
  margin: 0.3,
  /**
   * If every other arrangement is clearly worse, fewer labels are enough: glyphs of a few pixels are not legible individually.
   */
  clear: { share: 0.4, labels: 5, margin: 2 },
  /** With this margin, a search for another arrangement is pointless, even if something else is wrong. */
  settled: 1,
  /** Share of labels that may look more like a different one, because of dirt or glyphs of a few pixels. */
  misread: 0.34,
  /** Minimum sum of the labels' likeness above chance. */
  worth: 0.55,
  labelResidual: { px: 0.4, um: 0.5 },
  /**
   * If enough edges and sides of gratings agree to determine the pose to `openPx` by themselves, their unevenness averages out,
   * and labels only identify the gratings: print and optics may displace them.
   */
  byGratings: {
    edges: 60,
    sides: 40,
    openPx: 0.35,
    labelResidual: { px: 1, um: 8 },
    edgeResidual: { px: 0.5, um: 2.6 },
    local: { px: 0.5, um: 2.6 },
  },
  /** Maximum common shift of the labels against the gratings. */
  shift: { px: 1.2, um: 8 },
  edgeResidual: { px: 0.45, um: 1 },
  /** Maximum common residual in one part of the picture: the sides of real gratings are not uniform to half a micrometre. */
  local: { px: 0.5, um: 0.5 },
  /**
   * Limits for gratings of a different size, or a scale that the labels do not contradict. `share` of a grating's height is
   * half of what a pitch that is 3 % off would cause. Saturated light and blur extend beyond its edge, by up to `blurPx` if
   * that is still less than `most` of the height.
   */
  overhang: { px: 0.3, um: 1, share: 0.0075, blurPx: 0.36, most: 0.0125 },
  /**
   * Gratings may be lower than their boxes by at most this share of their height, if they are not also narrower (by at most
   * this share of what another pitch would mean). Alternatively, labels must match better at their own size than at the size
   * that smaller gratings would imply, by this much in total.
   */
  ownSize: { likeness: 0.5, most: 0.15, width: 0.6 },
  /** Minimum share of the seen edges that must agree, and of those that should be in view: gratings off resonance are dark. */
  edgeShare: 0.6,
  edgesInView: 0.35,
  /**
   * A label this clear that does not fit contradicts the pose (because of a lens distortion that was not modelled); one in this
   * many may.
   */
  clearLabel: 0.75,
  clearOff: 0.1,
  stretch: 0.012,
  likeness: 0.4,
} as const;

/** Whether the result is certainly the chip, whether its position is known to a pixel or not. */
export function isSettled({ used, labels, edgeShare }: Refined, margin: number): boolean {
  const enough = used.length >= Math.max(SURE.labels, SURE.share * labels.length);
  return enough && margin >= SURE.settled && edgeShare >= SURE.edgeShare;
}

/**
 * Whether labels are a column and a row apart: then they measure both pitches far better than the lattice, whose bands are not
 * at the same place in every grating.
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

/**
 * Width of the light's rise at the edge of a stroke in a picture that resolves every pixel, px; and the maximum number of
 * pixels.
 */
const SHARP = { px: 2.2, most: 4 } as const;

/**
 * Returns the number of pixels that the picture resolves as one: 1 in a sharp picture, more if it is blurred or was enlarged.
 * Positions cannot be known, and need not be known, to a smaller share of this.
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
  // On a chip with a larger pitch, gratings are as much too narrow as they are too low. Sides far from their expected position
  // are not seen, and what is found instead is meaningless: across narrow gaps both happen.
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

/** Returns why the labels cannot be those of the chip in this pose; undefined if they can. */
function whyMisread({ view, patterns, fit, refined: { pose, used } }: Judged): string | undefined {
  const labels = used.map(({ label }) => label);
  const { chip } = fit.lattice;
  if (misread(view, patterns, pose, labels, chip) <= SURE.misread) return undefined;
  return "identity ambiguous: the visible labels fit other gratings better";
}

/** Returns why a refined pose is not certain; undefined if it is. */
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
