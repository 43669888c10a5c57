// Computes the ticks of a time axis in a time zone. Vega only knows UTC and the computer's zone. If clocks change within the
// axis, the ticks before the change must not move.
import type { TimeZone } from "../system/time-zone.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Round steps of clocks and calendars, ms. */
const STEPS = [1, 2, 5, 10, 30]
  .map((seconds) => seconds * 1000)
  .concat(
    [1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
    [1, 2, 3, 6, 12].map((hours) => hours * HOUR),
    [1, 2, 7, 14, 30, 90, 365].map((days) => days * DAY),
  );
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export interface TimeTick {
  /** ms since 1970. */
  readonly at: number;
  readonly label: string;
}

/** Returns at most about `most` ticks at round times of the zone's clock, with the date where a day begins. */
export function timeTicks([first, last]: readonly [number, number], zone: TimeZone, most: number): TimeTick[] {
  const step = STEPS.find((size) => (last - first) / size <= most) ?? (last - first) / most;
  const ticks: TimeTick[] = [];
  const wallMs = (ms: number) => ms + zone.offsetMs(ms * 1000);
  for (let wall = Math.ceil((wallMs(first) - HOUR) / step) * step; wall <= wallMs(last) + HOUR; wall += step) {
    const us = zone.usOfWall(wall * 1000);
    const at = us === undefined ? Number.NaN : us / 1000;
    if (at >= first && at <= last) ticks.push({ at, label: labelOf(at, wall, step, zone) });
  }
  return ticks;
}

function labelOf(at: number, wall: number, step: number, zone: TimeZone): string {
  if (wall % DAY !== 0) return zone.clock(at * 1000).slice(0, step < MINUTE ? 8 : 5);
  const [, month, day] = zone
    .day(at * 1000)
    .split("-")
    .map(Number);
  return `${day} ${MONTHS[(month ?? 1) - 1]}`;
}

/** Returns what an axis of Vega-Lite needs to show them. */
export function vegaLiteTicks(ticks: readonly TimeTick[]): { values: number[]; labelExpr: string } {
  return { values: ticks.map(({ at }) => at), labelExpr: labelsByTime(ticks, "+datum.value") };
}

/** Returns a Vega expression for the label of a time. */
export function labelsByTime(ticks: readonly TimeTick[], time: string): string {
  return `(${JSON.stringify(Object.fromEntries(ticks.map(({ at, label }) => [at, label])))})[toString(${time})]`;
}
