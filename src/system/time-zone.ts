// Formats times for people, in a time zone that is shown with them. Files and programs get UTC: iso-time.ts.
import { nearest } from "../failure/nearest.ts";

const MS_PER_MINUTE = 60_000;
/** Larger than the offset of any zone from UTC. */
const FARTHEST_MS = 26 * 60 * MS_PER_MINUTE;

/** UTC times in messages: 2026-03-04T05:06:07.089123Z, 2026-03-04 05:06 UTC. */
const TIME_OF_UTC = /(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2}(?:\.\d+)?)?(?:Z| UTC)/g;

/** The time that a wall clock shows. */
interface WallTime {
  readonly day: string;
  readonly clock: string;
  /** As milliseconds since 1970 on that clock. */
  readonly ms: number;
}

export class TimeZone {
  /** "UTC", or a name such as "Europe/Berlin". */
  readonly name: string;
  /** None for UTC: the first one takes 30 ms at the start of each thread, and an ISO date shows the same. */
  readonly #format: Intl.DateTimeFormat | undefined;

  /** Throws RangeError for a zone that does not exist; see `timeZoneProblem`. */
  constructor(name: string) {
    this.name = name === "local" ? localZone() : name;
    if (this.name === "UTC") return;
    this.#format = new Intl.DateTimeFormat("en-GB", {
      timeZone: this.name,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
  }

  /** Returns "2026-03-04". */
  day(us: number): string {
    return this.#wall(us / 1000).day;
  }

  /** Returns "10:14:30"; in an hour that the clock shows twice, with the offset from UTC: "02:30:00+02:00". */
  clock(us: number): string {
    const wall = this.#wall(us / 1000);
    return this.#momentsOf(wall.ms).length > 1 ? `${wall.clock}${offsetText(wall.ms - secondOf(us))}` : wall.clock;
  }

  /** Returns "2026-03-04 10:14:30 UTC". */
  moment(us: number): string {
    return `${this.day(us)} ${this.clock(us)} ${this.name}`;
  }

  /** Returns "2026-03-04 10:00:00 to 10:14:30 UTC"; with the second date if it differs. */
  span(fromUs: number, toUs: number): string {
    const [from, to] = [this.day(fromUs), this.day(toUs)];
    const end = from === to ? this.clock(toUs) : `${to} ${this.clock(toUs)}`;
    return `${from} ${this.clock(fromUs)} to ${end} ${this.name}`;
  }

  /** Returns the milliseconds that the clock is ahead of UTC at a given time. */
  offsetMs(us: number): number {
    return this.#wall(us / 1000).ms - secondOf(us);
  }

  /**
   * Returns the time, µs since 1970, at which the clock shows what a UTC clock shows at `wallUs`; the first of two. Undefined for
   * a time that the clock skips.
   */
  usOfWall(wallUs: number): number | undefined {
    const wallMs = secondOf(wallUs);
    const [first] = this.#momentsOf(wallMs);
    return first === undefined ? undefined : first * 1000 + (wallUs - wallMs * 1000);
  }

  /** Returns a text for people with its UTC times converted to this zone. */
  shown(text: string): string {
    if (this.name === "UTC") return text;
    return text.replaceAll(TIME_OF_UTC, (found, day: string, minute: string, second = ":00") => {
      const ms = Date.parse(`${day}T${minute}${second.slice(0, 3)}Z`);
      return Number.isNaN(ms) ? found : this.moment(ms * 1000);
    });
  }

  #wall(ms: number): WallTime {
    if (this.#format === undefined) return wallOfUtc(ms);
    const parts = new Map(this.#format.formatToParts(ms).map(({ type, value }) => [type, value]));
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? "";
    const day = `${part("year").padStart(4, "0")}-${part("month")}-${part("day")}`;
    const clock = `${part("hour")}:${part("minute")}:${part("second")}`;
    return { day, clock, ms: Date.parse(`${day}T${clock}Z`) };
  }

  /** Returns the times, ms since 1970, at which the clock shows a given time: usually one, in spring none, in autumn two. */
  #momentsOf(wallMs: number): number[] {
    const offsets = [-FARTHEST_MS, FARTHEST_MS].map((away) => this.#wall(wallMs + away).ms - (wallMs + away));
    const found = [...new Set(offsets)].map((offset) => wallMs - offset).filter((ms) => this.#wall(ms).ms === wallMs);
    return found.sort((a, b) => a - b);
  }
}

export const UTC = new TimeZone("UTC");

/** Returns why a text is not a time zone, with the closest name; undefined for "UTC", "local" and names of zones. */
export function timeZoneProblem(name: string): string | undefined {
  if (name === "local" || name === "UTC") return undefined;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return undefined;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  const near = nearest(name, ["UTC", "local", ...Intl.supportedValuesOf("timeZone")]);
  return `there is no time zone "${name}"${near === undefined ? "" : `; did you mean ${near}?`}`;
}

/** Returns the zone of this computer. */
function localZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

function wallOfUtc(ms: number): WallTime {
  const [day = "", clock = ""] = new Date(ms).toISOString().split(/[T.]/);
  return { day, clock, ms: Date.parse(`${day}T${clock}Z`) };
}

const secondOf = (us: number): number => Math.floor(us / 1e6) * 1000;

function offsetText(ms: number): string {
  const minutes = Math.abs(Math.round(ms / MS_PER_MINUTE));
  const two = (value: number) => String(value).padStart(2, "0");
  return `${ms < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
