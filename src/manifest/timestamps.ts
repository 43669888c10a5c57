// Time stamps: whole microseconds since 1970, UTC, internally; ISO 8601 with `Z` externally.
import { Failure } from "../failure/failure.ts";
import { usFromIso } from "../system/iso-time.ts";
import { type TimeZone, UTC } from "../system/time-zone.ts";

export { isoFromUs, usFromIso } from "../system/iso-time.ts";

/** Parses a time that a user typed, in `zone` unless it names its own. Throws Failure `usage.invalid`, which names the option. */
export function usFromOption(option: string, text: string, zone: TimeZone = UTC): number {
  const us = usFromIso(text, "utc");
  if (us === undefined) {
    throw new Failure("usage.invalid", `${option} needs a date or time such as 2026-03-04T05:06:07Z, not "${text}"`);
  }
  const namesNoZone = DATE_ONLY.test(text.trim()) || usFromIso(`${text}Z`, "utc") !== undefined;
  if (!namesNoZone || zone.name === "UTC") return us;
  const inZone = zone.usOfWall(us);
  if (inZone === undefined) {
    throw new Failure("usage.invalid", `${option}: the clocks in ${zone.name} never showed ${text}`, {
      hint: "they were put forward then; give the time in UTC with a Z at its end",
    });
  }
  return inZone;
}

const DATE_ONLY = /^\d{4}-\d{2}-\d{2}$/;

/** Returns the index of the first of the sorted `timesUs` at or after `timeUs`; their number if all are earlier. */
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
