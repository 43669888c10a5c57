// Parses times in command-line options: ISO 8601, in the command's time zone unless one is given, or seconds since the first
// frame.
import { Failure } from "../failure/failure.ts";
import { usFromOption } from "../manifest/timestamps.ts";
import { ALWAYS, type TimeWindow } from "../measurement/time-window.ts";
import { type TimeZone, UTC } from "../system/time-zone.ts";

/** Text for the help of an option. */
export const TIMES = "times, or seconds since the first frame";

const SECONDS = /^-?\d+(\.\d+)?$/;

/**
 * Returns a typed time as microseconds since the epoch. `firstUs`: time of the first frame, undefined if there is none yet.
 * Failure `usage.invalid` names the option.
 */
export function timeOption(
  option: string,
  text: string,
  zone: TimeZone = UTC,
): (firstUs: number | undefined) => number {
  if (SECONDS.test(text)) {
    return (firstUs) => {
      if (firstUs !== undefined) return firstUs + Math.round(Number(text) * 1e6);
      throw new Failure("usage.invalid", `${option}: there is no frame yet to count ${text} seconds from`, {
        hint: "give a time such as 2026-03-04T05:06:07Z",
      });
    };
  }
  const us = usFromOption(option, text, zone);
  return () => us;
}

/** Parses `FROM..TO`, each a time as in `timeOption`. Failure `usage.invalid` names the option. */
export function windowOption(
  option: string,
  text: string,
  zone: TimeZone = UTC,
): (firstUs: number | undefined) => TimeWindow {
  const [from, to, ...more] = text.split("..");
  if (from === undefined || to === undefined || more.length > 0) throw wrongOption(option, "FROM..TO", text);
  const [fromOf, toOf] = [timeOption(option, from, zone), timeOption(option, to, zone)];
  return (firstUs) => {
    const window = { fromUs: fromOf(firstUs), toUs: toOf(firstUs) };
    if (window.toUs <= window.fromUs) throw wrongOption(option, "FROM before TO", text);
    return window;
  };
}

/** A window as it is typed; `since` means `from`. */
export interface TypedWindow {
  readonly since?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/**
 * Returns the window of `--from` (or `--since`) and `--to`, with the frames at both; undefined if none is given. Failure
 * `usage.invalid` if they are in the wrong order.
 */
export function typedWindow(
  { since, from, to }: TypedWindow,
  firstUs: number | undefined,
  zone: TimeZone,
): TimeWindow | undefined {
  const beginning = since === undefined ? "--from" : "--since";
  const at = (option: string, text: string | undefined) =>
    text === undefined ? undefined : timeOption(option, text, zone)(firstUs);
  const [fromUs, toUs] = [at(beginning, since ?? from), at("--to", to)];
  if (fromUs === undefined && toUs === undefined) return undefined;
  if (fromUs !== undefined && toUs !== undefined && toUs < fromUs)
    throw new Failure("usage.invalid", `--to ${to} is before ${beginning} ${since ?? from}`);
  // A window does not contain its end.
  return { fromUs: fromUs ?? ALWAYS.fromUs, toUs: toUs === undefined ? ALWAYS.toUs : toUs + 1 };
}

/** Returns the Failure for an option, with the expected and the received value. */
export function wrongOption(option: string, expected: string, received: string | number): Failure {
  return new Failure("usage.invalid", `${option} needs ${expected}, not "${received}"`);
}
