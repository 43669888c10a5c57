// Fills in the times of pages without metadata, and reports what looks wrong in the times of a file.
import { counted } from "../../system/counted.ts";
import type { TimeSource } from "./source.ts";

/** The time of one page, microseconds since the epoch, and its source. */
export interface PageTime {
  readonly takenAtUs: number;
  readonly source: TimeSource;
}

/** Assumed distance of pages without a known interval, so that they keep their order. */
const NO_INTERVAL_US = 1_000_000;

/**
 * Returns a time for each page. A page without a known time is placed between its neighbours, or at the usual interval from
 * them, and is marked as guessed. `lastUs` is the time of the last page if no time is known.
 */
export function filled(times: readonly (PageTime | undefined)[], lastUs: number): PageTime[] {
  const known = times.flatMap((time, page) => (time === undefined ? [] : [page]));
  const [first] = known;
  if (first === undefined) {
    return times.map((_, page) => ({
      takenAtUs: lastUs - (times.length - 1 - page) * NO_INTERVAL_US,
      source: "file",
    }));
  }
  const at = (page: number) => times[page]?.takenAtUs as number;
  const steps = known
    .slice(1)
    .map((page, index) => (at(page) - at(known[index] as number)) / (page - (known[index] as number)));
  const step = steps.length === 0 ? NO_INTERVAL_US : median(steps);
  let after = 0;
  return times.map((time, page): PageTime => {
    if (time !== undefined) return time;
    while (after < known.length && (known[after] as number) < page) after++;
    const before = known[after - 1];
    const next = known[after];
    return { takenAtUs: Math.round(between(page, before, next, at, step)), source: "file" };
  });
}

function between(
  page: number,
  before: number | undefined,
  next: number | undefined,
  at: (page: number) => number,
  step: number,
): number {
  if (before === undefined) return at(next ?? page) - ((next ?? page) - page) * step;
  if (next === undefined) return at(before) + (page - before) * step;
  return at(before) + ((at(next) - at(before)) * (page - before)) / (next - before);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}

/** Distinguishes the pictures of one moment: pages of different channels may have the same time. */
export interface PagePlace {
  readonly channel: number;
  readonly z: number;
  readonly position: number;
}

/** Returns one line about times that run backwards in a file, and one about times that repeat. */
export function oddities(us: readonly (number | undefined)[], places: readonly PagePlace[] | undefined): string[] {
  const last = new Map<string, number>();
  let backwards = 0;
  let repeated = 0;
  us.forEach((time, page) => {
    if (time === undefined) return;
    const place = places?.[page];
    const key = place === undefined ? "" : `${place.channel} ${place.z} ${place.position}`;
    const before = last.get(key);
    if (before !== undefined && time < before) backwards++;
    if (time === before) repeated++;
    last.set(key, time);
  });
  const lines: string[] = [];
  if (backwards > 0) lines.push(`the times run backwards at ${pages(backwards)}; phorest orders the images by time`);
  if (repeated > 0)
    lines.push(`${pages(repeated)} ${repeated === 1 ? "has" : "have"} the same time as the page before`);
  return lines;
}

export const pages = (count: number): string => counted(count, "page");
