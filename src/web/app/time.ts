// Formats and parses times: in the zone of the page, on a 24-hour clock, with the zone if a time stands alone.

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;
const DAY_MS = 86_400_000;

let zone = "UTC";
let fields = fieldsIn(zone);

function fieldsIn(timeZone: string): Intl.DateTimeFormat {
  const two = "2-digit";
  return new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: two,
    minute: two,
    second: two,
  });
}

/** Shows all times in a zone from now on (Display.time_zone). A zone that this browser does not know is ignored. */
export function setTimeZone(name: string): void {
  if (name === zone) return;
  try {
    fields = fieldsIn(name);
    zone = name;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
}

/** Returns the zone of displayed times, for axis titles and for drawing: "UTC", "Europe/Berlin". */
export function zoneName(): string {
  return zone;
}

/** Returns by how many milliseconds the clock of the zone is ahead of UTC at a time. */
export function zoneOffsetMs(ms: number): number {
  if (zone === "UTC" || Number.isNaN(ms)) return 0;
  const at = Object.fromEntries(fields.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = at;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000;
}

/** Returns an ISO 8601 time without a zone: "2026-11-29T15:20:05.123". */
function local(ms: number): string {
  return new Date(ms + zoneOffsetMs(ms)).toISOString().slice(0, -1);
}

/** "15:20:05", or without seconds "15:20". */
export function clock(ms: number, withSeconds = true): string {
  return local(ms).slice(11, withSeconds ? 19 : 16);
}

/** "29 Nov". */
export function day(ms: number): string {
  const text = local(ms);
  return `${Number(text.slice(8, 10))} ${MONTHS[Number(text.slice(5, 7)) - 1]}`;
}

/** "29 Nov 2026". */
function date(ms: number): string {
  return `${day(ms)} ${local(ms).slice(0, 4)}`;
}

/** "29 Nov 2026, 15:20:05 UTC". */
export function moment(ms: number): string {
  return `${date(ms)}, ${clock(ms)} ${zone}`;
}

/** Returns two times with the zone, without repeating the parts that they share: "29 Nov, 15:20 to 17:45 UTC". */
export function period(from: number, to: number): string {
  const seconds = to - from < 600_000;
  const end = clock(to, seconds);
  return day(from) === day(to) && to - from < DAY_MS
    ? `${day(from)}, ${clock(from, seconds)} to ${end} ${zone}`
    : `${day(from)}, ${clock(from, seconds)} to ${day(to)}, ${end} ${zone}`;
}

/** Returns a time as the user types it: "2026-11-29 15:20:05". */
export function typed(ms: number): string {
  return local(ms).slice(0, 19).replace("T", " ");
}

/** Pattern of the times that `fromTyped` reads; the seconds are optional. */
export const TYPED_TIME = "\\s*\\d{4}-\\d{2}-\\d{2}[ T]\\d{2}:\\d{2}(:\\d{2}(\\.\\d+)?)?\\s*";

const secondOf = (ms: number): number => Math.floor(ms / 1000) * 1000;

/**
 * Converts a typed time in the zone to ms. Of two possible times it returns the first; NaN for a time that the clock skips, and
 * for invalid text.
 */
export function fromTyped(text: string): number {
  const wall = Date.parse(`${text.trim().replace(" ", "T")}Z`);
  // Tries the offsets a day before and after: one of them is valid at the time itself.
  const found = [-DAY_MS, DAY_MS]
    .map((side) => wall - zoneOffsetMs(secondOf(wall + side)))
    .filter((ms) => secondOf(ms + zoneOffsetMs(ms)) === secondOf(wall));
  return found.length === 0 ? Number.NaN : Math.min(...found);
}
