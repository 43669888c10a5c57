// Converts time stamps to and from text: ISO 8601, to the microsecond.

import { calendarUs } from "./time-text.ts";

/** Returns `2026-03-04T05:06:07.089123Z` from microseconds since the epoch. */
export function isoFromUs(us: number): string {
  const ms = Math.floor(us / 1000);
  const rest = String(us - ms * 1000).padStart(3, "0");
  return `${new Date(ms).toISOString().slice(0, -1)}${rest}Z`;
}

const ISO = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/i;

/** Whether the calendar has a day: Date.parse takes 30 February for 2 March. */
function isDay(date = ""): boolean {
  const [year = 0, month = 0, day = 0] = date.split("-").map(Number);
  return calendarUs({ year, month, day, hour: 0, minute: 0, second: 0 }) !== undefined;
}

/**
 * Parses an ISO 8601 date or time; returns microseconds since the epoch. Without an offset it is local time, as in the
 * established files, unless `withoutZone` says UTC. Undefined if the text is not such a time, or one so far away (year 1684,
 * 2255) that microseconds are not exact.
 */
export function usFromIso(text: string, withoutZone: "local" | "utc" = "local"): number | undefined {
  const parts = ISO.exec(text.trim());
  if (parts === null) return undefined;
  const [, date, minutes = "00:00", seconds = "00", fraction = "", zone = withoutZone === "utc" ? "Z" : ""] = parts;
  const offset = zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone.toUpperCase();
  const ms = Date.parse(`${date}T${minutes}:${seconds}${offset}`);
  if (Number.isNaN(ms) || !isDay(date)) return undefined;
  const us = ms * 1000 + Number(fraction.padEnd(6, "0").slice(0, 6));
  return Number.isSafeInteger(us) ? us : undefined;
}
