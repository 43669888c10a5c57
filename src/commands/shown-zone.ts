// The time zone in which a command shows times, and reads those that name none: `--tz`, otherwise as configured.
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import { TimeZone, timeZoneProblem, UTC } from "../system/time-zone.ts";

/** The option `--tz`, which every command takes. */
export const TZ = {
  type: "string",
  requiresArg: true,
  describe:
    'Time zone of shown times and of typed ones without a zone: a name, "UTC" or "local" (default: Display.time_zone)',
} as const;

/** The time zone of this process's terminal, set when a command has read its settings. */
let terminal = UTC;

/** Throws Failure `usage.invalid`, which suggests the closest name, for a zone that does not exist. */
export function checkZone(tz: unknown): void {
  const problem = typeof tz === "string" ? timeZoneProblem(tz) : undefined;
  if (problem !== undefined) throw new Failure("usage.invalid", `--tz: ${problem}`);
}

/** Returns the zone of a command; from now on, `forTerminal` shows times in it. Throws as `checkZone` does. */
export function shownZone({ Display }: Pick<Config, "Display">, tz: string | undefined): TimeZone {
  checkZone(tz);
  terminal = new TimeZone(tz ?? Display.time_zone);
  return terminal;
}

/** Returns a line for the terminal, with its times in the zone of the command. */
export const forTerminal = (line: string): string => terminal.shown(line);
