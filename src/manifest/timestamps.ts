// Time stamps: whole microseconds since 1970, UTC, inside; ISO 8601 with `Z` outside.
import { Failure } from "../failure/failure.ts";
import { usFromIso } from "../system/iso-time.ts";

export { isoFromUs, usFromIso } from "../system/iso-time.ts";

/** A time that a person typed, UTC unless it names its zone; Failure `usage.invalid` names the option. */
export function usFromOption(option: string, text: string): number {
  const us = usFromIso(text, "utc");
  if (us === undefined) {
    throw new Failure("usage.invalid", `${option} needs a date or time such as 2026-03-04T05:06:07Z, not "${text}"`);
  }
  return us;
}

/** Index of the first of the sorted `timesUs` at or after `timeUs`; their number when all are earlier. */
export function lowerBound(timesUs: ArrayLike<number>, timeUs: number): number {
  let low = 0;
  let high = timesUs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((timesUs[middle] as number) < timeUs) low = middle + 1;
    else high = middle;
  }
  return low;
}
