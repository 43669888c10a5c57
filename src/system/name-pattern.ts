// Reads times in file names, with a pattern in the letters of strftime: `series_%Y%m%d-%H%M%S_%f`.
import { Failure } from "../failure/failure.ts";
import { calendarUs, fractionUs, readZone } from "./time-text.ts";

/** The directives: the name of their group in the regular expression, and what they match. */
const DIRECTIVES: Readonly<Record<string, readonly [group: string, pattern: string]>> = {
  Y: ["year", "\\d{4}"],
  y: ["shortYear", "\\d{2}"],
  m: ["month", "\\d{1,2}"],
  b: ["monthName", "[A-Za-z]{3}"],
  d: ["day", "\\d{1,2}"],
  j: ["yearDay", "\\d{1,3}"],
  H: ["hour", "\\d{1,2}"],
  M: ["minute", "\\d{1,2}"],
  S: ["second", "\\d{1,2}"],
  f: ["fraction", "\\d{1,9}"],
  z: ["zone", "Z|[+-]\\d{2}:?(?:\\d{2})?"],
  s: ["epochS", "\\d{1,12}(?:\\.\\d{1,9})?"],
  Q: ["epochMs", "\\d{1,15}"],
};
/** Counters from the start of the series, and their units in microseconds. */
const COUNTERS: Readonly<Record<string, number>> = { s: 1e6, ms: 1e3, us: 1 };
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const TOKEN = /%\{(\w+)\}|%(.)|(\*)|(\?)|([^%*?]+|%)/gs;

export interface NamePattern {
  readonly text: string;
  readonly expression: RegExp;
  readonly hasZone: boolean;
}

/**
 * Compiles a pattern. `%Y %y %m %b %d %j %H %M %S %f %z`, `%s` and `%Q` (seconds and milliseconds since 1970), `%{s} %{ms} %{us}`
 * (counters from the start of the series), `%%`; `*` matches any text, `?` any character. Throws Failure `config.invalid` if the
 * pattern gives no time.
 */
export function namePattern(text: string): NamePattern {
  const groups = new Set<string>();
  const group = (name: string, pattern: string) => {
    if (groups.has(name)) return `\\k<${name}>`;
    groups.add(name);
    return `(?<${name}>${pattern})`;
  };
  const source = [...text.matchAll(TOKEN)].map(([, counter, letter, any, one, literal = ""]) => {
    if (counter !== undefined && Object.hasOwn(COUNTERS, counter))
      return group(`count_${counter}`, "\\d{1,15}(?:\\.\\d{1,9})?");
    if (letter === "%") return "%";
    const directive = letter === undefined ? undefined : DIRECTIVES[letter];
    if (directive !== undefined) return group(...directive);
    if (counter !== undefined || letter !== undefined) throw invalid(text, `%${letter ?? `{${counter}}`} is not known`);
    if (any !== undefined) return ".*?";
    return one === undefined ? literal.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&") : ".";
  });
  const has = (...names: string[]) => names.every((name) => groups.has(name));
  const isDate =
    (has("year") || has("shortYear")) &&
    (has("yearDay") || has("day", "month") || has("day", "monthName")) &&
    has("hour");
  const isCounter = Object.keys(COUNTERS).some((unit) => has(`count_${unit}`));
  if (!isDate && !isCounter && !has("epochS") && !has("epochMs")) {
    throw invalid(text, "it needs a date and an hour (%Y%m%d %H), %s, %Q or a counter (%{s}, %{ms}, %{us})");
  }
  // Numbers are matched as a whole: a pattern that begins with digits does not match within a longer number.
  const [start, end] = [/^%/.test(text) ? "(?<!\\d)" : "", /%[^%z]$|%\{\w+\}$/.test(text) ? "(?!\\d)" : ""];
  return { text, expression: new RegExp(`${start}${source.join("")}${end}`), hasZone: has("zone") || !isDate };
}

/** Whether namePattern can compile a pattern. */
export function isNamePattern(text: string): boolean {
  try {
    namePattern(text);
    return true;
  } catch (error) {
    if (error instanceof Failure) return false;
    throw error;
  }
}

function invalid(text: string, why: string): Failure {
  return new Failure("config.invalid", `the pattern of names ${JSON.stringify(text)} cannot be used: ${why}`, {
    hint: 'for example Camera.name_time = "%Y%m%d_%H%M%S_%f"',
  });
}

/** The time in a name. */
export interface NameTime {
  /** Microseconds since the epoch or, without a date, since the start of the series. */
  readonly us: number;
  readonly relative: boolean;
}

/** Returns the time in a name; undefined if the pattern does not match, or if the match is not a valid date. */
export function nameTime(name: string, { expression }: NamePattern): NameTime | undefined {
  const found = expression.exec(name)?.groups;
  if (found === undefined) return undefined;
  const counter = counterUs(found);
  const us = dateUs(found);
  if (us !== undefined) return { us: us + (counter ?? 0), relative: false };
  return counter === undefined ? undefined : { us: counter, relative: true };
}

function counterUs(found: Readonly<Record<string, string | undefined>>): number | undefined {
  for (const [unit, factor] of Object.entries(COUNTERS)) {
    const count = found[`count_${unit}`];
    if (count !== undefined) return Math.round(Number(count) * factor);
  }
  return undefined;
}

function dateUs(found: Readonly<Record<string, string | undefined>>): number | undefined {
  if (found.epochS !== undefined) {
    const [whole, fraction = ""] = found.epochS.split(".");
    return Number(whole) * 1e6 + fractionUs(fraction || (found.fraction ?? ""));
  }
  if (found.epochMs !== undefined) return Number(found.epochMs) * 1000;
  const year = found.year ?? (found.shortYear === undefined ? undefined : century(Number(found.shortYear)));
  if (year === undefined) return undefined;
  const month =
    found.monthName === undefined ? Number(found.month ?? 1) : MONTHS.indexOf(found.monthName.toLowerCase()) + 1;
  const [hour, minute, second] = [Number(found.hour), Number(found.minute ?? 0), Number(found.second ?? 0)];
  const day = found.yearDay === undefined ? Number(found.day) : 1;
  const us = calendarUs({ year: Number(year), month, day, hour, minute, second }, fractionUs(found.fraction ?? ""));
  if (us === undefined) return undefined;
  const zoneUs = found.zone === undefined ? 0 : readZone(found.zone);
  const days = found.yearDay === undefined ? 0 : Number(found.yearDay) - 1;
  const atUs = us + days * 86_400e6;
  // Day 366 exists only in a leap year.
  const isInYear = new Date(atUs / 1000).getUTCFullYear() === Number(year);
  return zoneUs === undefined || !isInYear ? undefined : atUs - zoneUs;
}

/** Interprets two digits of a year as POSIX does. */
const century = (year: number): number => (year < 69 ? 2000 + year : 1900 + year);
