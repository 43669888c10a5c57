// Parses times as text: dates with or without fraction and zone, as written by ISO 8601, EXIF, Micro-Manager and people.

/** A time read from text. */
export interface ReadTime {
  /** Microseconds since the epoch. Without a zone, as if it were UTC. */
  readonly us: number;
  /** Whether the text names a time zone. */
  readonly hasZone: boolean;
  /** Whether the text has fractions of a second. */
  readonly hasFraction: boolean;
}

export interface CalendarTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

const DATE = /^(\d{4})([-/:.])(\d{1,2})\2(\d{1,2})/;
/** Micro-Manager 1.4 writes the weekday between date and time. */
const TIME = /^(?:[T\s]+|\s+[A-Za-z]{2,4}\.?\s+)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?/;
const ZONE = /^(?:Z|UTC|GMT|([+-])(\d{2}):?(\d{2})?)$/i;

/** Java's format, which plugins of Micro-Manager and Bio-Formats use: `Wed Mar 04 12:00:00 CET 2026`. */
const JAVA_DATE = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d{1,2}) (\d{1,2}:\d{2}:\d{2}) (\S+) (\d{4})$/;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/** Unambiguous abbreviations of time zones. */
const NAMED_ZONES: Readonly<Record<string, string>> = {
  WEST: "+01:00",
  CET: "+01:00",
  CEST: "+02:00",
  EET: "+02:00",
  EEST: "+03:00",
  JST: "+09:00",
  KST: "+09:00",
  EST: "-05:00",
  EDT: "-04:00",
  CDT: "-05:00",
  MST: "-07:00",
  MDT: "-06:00",
  PST: "-08:00",
  PDT: "-07:00",
};

/** Converts Java's format to the usual one. Ambiguous zone abbreviations are left out. */
function ofJava(text: string): string {
  const [, month = "", day = "", time = "", zone = "", year = ""] = JAVA_DATE.exec(text) ?? [];
  const number = MONTHS.indexOf(month) + 1;
  if (number === 0) return text;
  const offset = NAMED_ZONES[zone] ?? (readZone(zone) === undefined ? "" : zone);
  return `${year}-${String(number).padStart(2, "0")}-${day.padStart(2, "0")} ${time} ${offset}`;
}

/**
 * Returns the time that a text names, for example `2016-02-11 09:00:16.123 -0800`, `2011-01-18 Tue 16:52:41`, `2024:01:02
 * 03:04:05` or ISO 8601. Undefined for any other text, and for dates that do not exist.
 */
export function readTime(text: string): ReadTime | undefined {
  const whole = ofJava(text.trim());
  const date = DATE.exec(whole);
  if (date === null) return undefined;
  const time = TIME.exec(whole.slice(date[0].length));
  if (time === null) return undefined;
  // NDTiff truncates the zone to its sign.
  const rest = whole
    .slice(date[0].length + time[0].length)
    .trim()
    .replace(/^[-+]$/, "");
  const zoneUs = rest === "" ? undefined : readZone(rest);
  if (rest !== "" && zoneUs === undefined) return undefined;
  const [hour = "", minute = "", second = "0", fraction] = time.slice(1);
  const [year = "", , month = "", day = ""] = date.slice(1);
  const us = calendarUs(
    { year: +year, month: +month, day: +day, hour: +hour, minute: +minute, second: +second },
    fractionUs(fraction ?? ""),
  );
  if (us === undefined) return undefined;
  return { us: us - (zoneUs ?? 0), hasZone: zoneUs !== undefined, hasFraction: fraction !== undefined };
}

/** Returns the offset of a zone such as `+01:00`, `-0800` or `Z` from UTC, microseconds; undefined for other text. */
export function readZone(text: string): number | undefined {
  const zone = ZONE.exec(text.trim());
  if (zone === null) return undefined;
  const [, sign, hours = "0", minutes = "0"] = zone;
  if (+hours > 18 || +minutes > 59) return undefined;
  return (sign === "-" ? -1 : 1) * (+hours * 60 + +minutes) * 60_000_000;
}

/** Converts the digits after the decimal point of a second to microseconds, rounded. */
export function fractionUs(digits: string): number {
  return digits === "" ? 0 : Math.round(Number(`0.${digits}`) * 1e6);
}

/** Converts a date and time in UTC to microseconds since the epoch; undefined if the date does not exist. */
export function calendarUs(time: CalendarTime, us = 0): number | undefined {
  const { year, month, day, hour, minute, second } = time;
  // A leap second counts as the next second, as in the system's clock.
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // setUTCFullYear accepts a 13th month or the 30th of February, and carries over.
  if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  return (date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000) * 1000 + us;
}

const UNIT_US: readonly (readonly [RegExp, number])[] = [
  [/^(s|sec|secs|second|seconds)$/i, 1e6],
  // Rare units of OME.
  [/^ks$/, 1e9],
  [/^hs$/, 1e8],
  [/^das$/, 1e7],
  [/^ds$/, 1e5],
  [/^cs$/, 1e4],
  [/^ps$/, 1e-6],
  [/^(ms|msec|msecs|millis|millisecond|milliseconds)$/i, 1e3],
  [/^(us|µs|μs|usec|microsecond|microseconds)$/i, 1],
  [/^(ns|nsec|nanosecond|nanoseconds)$/i, 1e-3],
  [/^(min|mins|minute|minutes)$/i, 60e6],
  [/^(h|hr|hrs|hour|hours)$/i, 3600e6],
  [/^(d|day|days)$/i, 86_400e6],
];

/** Returns the microseconds in a unit of time as OME and ImageJ write it; undefined if it is not a unit of time. */
export function unitUs(unit: string): number | undefined {
  return UNIT_US.find(([name]) => name.test(unit.trim()))?.[1];
}

/** Returns the number that a text states in decimal digits; undefined for any other text, such as "0x10". */
export function decimalOf(text: string): number | undefined {
  const number = /^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?\s*$/i.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(number) ? number : undefined;
}
