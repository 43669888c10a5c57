// Computes which liquid is over a grating: an injection begins and ends with a front that dispersion has rounded.
import { normalBelow } from "../measurement/normal-distribution.ts";

/** How the front at the beginning or end of an injection reaches a grating. */
export interface Front {
  /** Time from the start of the injection until half of the front has passed. */
  readonly delaySeconds: number;
  /** Standard deviation of the rounded step; 0: sharp. */
  readonly widthSeconds: number;
}

/** Extent of a front on either side of its middle, in widths. */
export const FRONT_WIDTHS = 6;

/** Returns the share of the liquid over a grating that comes from an injection, 0 to 1. */
export function shareAt(
  { start, seconds }: { readonly start: number; readonly seconds: number },
  { delaySeconds, widthSeconds }: Front,
  at: number,
): number {
  const since = at - start - delaySeconds;
  const reach = FRONT_WIDTHS * widthSeconds;
  if (since < -reach || since > seconds + reach) return 0;
  return passed(since, widthSeconds) - passed(since - seconds, widthSeconds);
}

function passed(since: number, width: number): number {
  if (width > 0) return normalBelow(since / width);
  return since >= 0 ? 1 : 0;
}
