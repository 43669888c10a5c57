// The time zone of a command: `--tz`, else as configured.
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import { TimeZone, timeZoneProblem } from "../system/time-zone.ts";

/** The option `--tz`. */
export const TZ = {
  type: "string",
  requiresArg: true,
  describe:
    'Time zone of shown times and of typed ones without a zone: a name, "UTC" or "local" (default: Display.time_zone)',
} as const;

/** Throws Failure `usage.invalid`, with the nearest name, for a zone that does not exist. */
export function shownZone({ Display }: Pick<Config, "Display">, tz: string | undefined): TimeZone {
  const name = tz ?? Display.time_zone;
  const problem = timeZoneProblem(name);
  if (problem !== undefined) throw new Failure("usage.invalid", `--tz: ${problem}`);
  return new TimeZone(name);
}
