// Formats numbers and times for people. Times are in the zone of Display.time_zone, as in plots and reports.

/** The zone of all times on the page, and its clock. */
let zone = "UTC";
let format = clockOf(zone);

function clockOf(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
}

/** Shows all times in a zone from now on; one that this browser does not know leaves them in UTC. */
export function setTimeZone(name: string): void {
  if (name === zone) return;
  try {
    format = clockOf(name);
    zone = name;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
}

/** The name of the zone. */
export const zoneName = (): string => zone;

/** "2026-03-04 15:20:05" on the clock of the zone. */
export function dayAndClock(ms: number): string {
  const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, value]));
  const of = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? "";
  return `${of("year")}-${of("month")}-${of("day")} ${of("hour")}:${of("minute")}:${of("second")}`;
}

/** What the clock shows, as if it were UTC, ms. */
const wallMs = (ms: number): number => Date.parse(`${dayAndClock(ms).replace(" ", "T")}Z`);
const HALF_DAY_MS = 43_200_000;

/** The moment that `2026-03-04 15:20:05` is in the zone, ms: the first of two; NaN for a time that the clock jumps over. */
export function fromClock(text: string): number {
  const wall = Date.parse(`${text.trim().replace(" ", "T")}Z`);
  const second = Math.floor(wall / 1000) * 1000;
  const candidates = [-2, 2]
    .map((side) => wall + side * HALF_DAY_MS)
    .map((near) => wall - (wallMs(near) - secondOf(near)));
  const found = candidates.filter((ms) => wallMs(ms) === second);
  return found.length === 0 ? Number.NaN : Math.min(...found);
}

const secondOf = (ms: number): number => Math.floor(ms / 1000) * 1000;

export function clock(ms: number): string {
  return dayAndClock(ms).slice(11);
}

export function moment(ms: number): string {
  return `${dayAndClock(ms)} ${zone}`;
}

/** "2026-03-04 10:00:00 to 10:14:30 UTC"; the second day where it is another one. */
export function span(fromMs: number, toMs: number): string {
  const [from, to] = [dayAndClock(fromMs), dayAndClock(toMs)];
  return `${from} to ${from.slice(0, 10) === to.slice(0, 10) ? to.slice(11) : to} ${zone}`;
}

export function duration(seconds: number): string {
  if (seconds < 1) return "now";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

export function bytes(count: number): string {
  if (count >= 1e12) return `${(count / 1e12).toFixed(2)} TB`;
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)} GB`;
  return `${Math.round(count / 1e6)} MB`;
}

/** A message as a sentence of its own; a file name or a command at its start stays as it is. */
export function sentence(message: string): string {
  return /^(?!phorest)[a-z]+ /.test(message) ? `${message.charAt(0).toUpperCase()}${message.slice(1)}` : message;
}

export function number(value: number | null | undefined, digits = 3): string {
  return value === null || value === undefined ? "–" : value.toFixed(digits);
}

export function percent(share: number): string {
  return share === 0 ? "0 %" : share < 0.001 ? "less than 0.1 %" : `${(100 * share).toFixed(1)} %`;
}
