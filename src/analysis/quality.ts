// Assesses how far a resonance position can be trusted: its standard error, a quality and flags. None of this changes the
// established statistics; a bad fit is reported, and marked as bad.

import { FLAGS, type Method, WIDTH_COLUMN } from "../measurement/method.ts";
import { TRACKING_NOTES } from "./kernel-answer.ts";
import type { RowSummary } from "./row-summary.ts";

/** The input for one ROI: the summary of its rows, and how it was sampled and fitted. */
export interface RoiEvidence extends RowSummary {
  readonly method: Method;
  /** Share of the ROI's pixels at full scale, 0 to 1. */
  readonly saturatedShare: number;
  /** Number of samples of the fit's residual that count as one; 1 if there is no fit. */
  readonly residualDistancePx: number;
  readonly widthPx: number;
  /** TRACKING_NOTES; `tracking` only. */
  readonly doubts?: number;
}

export interface Assessment {
  /** Standard error of the median of the rows, px; NaN if unknown. */
  readonly standardError: number;
  /** 0 (worthless) to 1 (perfect): share of rows measured times the median share of explained variance. */
  readonly quality: number;
  /** FLAGS bits. */
  readonly flags: number;
}

/** Above this share of clipped pixels the top of a band is cut off, and its position shifts towards the flatter side. */
const SATURATED_SHARE = 0.005;
/**
 * Distance from either end, as a share of the row's length, below which too much of the band is outside and the position is
 * misleading.
 */
const EDGE_SHARE = 0.08;
/** A position counts as possibly at the edge if the edge is within this many of its standard errors. */
const EDGE_ERRORS = 2;
/** A line of at least this width, as a share of the row's length, is a slope of the light, or a band that is mostly outside. */
const WIDE_SHARE = 0.3;
/** Below this height over noise (median of the rows) a band cannot be distinguished from speckle. */
const LOW_CONTRAST = 3;
/** Lower limit for all rows together, which show a band that no single row shows. */
const LOW_CONTRAST_OF_JOINT = 1.5;
/** Limit for the methods without a fit: the highest of a hundred samples of pure noise is about 3 above it. */
const LOW_CONTRAST_OF_SAMPLE = 4;
/** A row whose position is this uncertain, as a share of its length, could have its band anywhere. */
const VAGUE_SHARE = 0.1;
/** If fewer than this share of the rows were measured, the result is a random selection. */
const CONVERGED_SHARE = 0.5;

/**
 * Limit for the length over which a residual keeps its sign, as a share of the row, in rows explained by less than
 * MISFIT_EXPLAINED; beyond it there is a second band. A Gaussian leaves such a residual in every asymmetric band, but a shorter
 * one. The rows of a joint fit leave a much shorter one, because what they share is not taken for noise.
 */
const MISFIT_SHARE: Readonly<Record<Method, number>> = {
  max_intensity: Number.POSITIVE_INFINITY,
  centre: Number.POSITIVE_INFINITY,
  gaussian: 0.075,
  fano: 0.055,
  joint: 0.033,
  tracking: 0.033,
};
const MISFIT_EXPLAINED = 0.8;

/** Assesses one ROI. */
export function weigh(evidence: RoiEvidence): Assessment {
  const { measured, standardError } = evidence;
  const explained = Number.isNaN(evidence.explained) ? 0 : Math.min(1, Math.max(0, evidence.explained));
  return { standardError, quality: measured * explained, flags: flagsOf(evidence, explained) };
}

function leastContrastOf(method: Method): number {
  if (method === "joint" || method === "tracking") return LOW_CONTRAST_OF_JOINT;
  return WIDTH_COLUMN[method] === undefined ? LOW_CONTRAST_OF_SAMPLE : LOW_CONTRAST;
}

function flagsOf(evidence: RoiEvidence, explained: number): number {
  const { widthPx, method, position, standardError, contrast } = evidence;
  const margin = EDGE_SHARE * widthPx + EDGE_ERRORS * (Number.isNaN(standardError) ? 0 : standardError);
  const wide = evidence.lineWidth > WIDE_SHARE * widthPx;
  // `centre` counts pixels from 1, all others from 0.
  const fromLeft = method === "centre" ? position - 1 : position;
  const vague = evidence.rowError > VAGUE_SHARE * widthPx;
  const { doubts = 0 } = evidence;
  let flags = 0;
  if (evidence.saturatedShare > SATURATED_SHARE) flags |= FLAGS.saturated;
  if (fromLeft < margin || fromLeft > widthPx - 1 - margin || wide) flags |= FLAGS.at_edge;
  if (!(contrast >= leastContrastOf(method)) || vague) flags |= FLAGS.low_contrast;
  const misfit = evidence.residualDistancePx > MISFIT_SHARE[method] * widthPx && explained < MISFIT_EXPLAINED;
  if (evidence.measured < CONVERGED_SHARE || misfit) flags |= FLAGS.not_converged;
  if ((doubts & TRACKING_NOTES.fellBack) !== 0) flags |= FLAGS.fallback;
  if ((doubts & TRACKING_NOTES.changed) !== 0) flags |= FLAGS.shape_changed;
  return flags;
}
