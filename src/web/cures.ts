// What to do about an alarm, for people who do not have the manual open. docs/operations.md says more.
import type { AlarmView } from "./views.ts";

const CURES: readonly (readonly [RegExp, string])[] = [
  [/ended without closing/, "Start the run again."],
  [/^collector (faulted|backing off)/, "Look at the camera, its cable and the disk; it is tried again by itself."],
  [/^syncer|share/, "Mount the share; copies go on where they stood."],
  [/no heartbeat/, "The process stands still or the machine is overloaded; if it stays so, stop and start the run."],
  [/frames failed/, "Filter the log on the Experiment page for errors; the pictures are kept."],
  [/pictures are gone/, "Put the removed files back and start the run again."],
  [/disk nearly full/, "Make room on the disk, or bound what is kept in [Buffer]; capture goes on by itself."],
  [/calibrate again/, "Check that the chip is held fast, then calibrate."],
  [/clock was set/, "Nothing; time stamps follow the new clock."],
  [/ (faulted|backing off)/, "The log on the Experiment page says why; it is tried again by itself."],
];

/** An alarm with its cure. */
export function withCure(what: string): AlarmView {
  return { what, cure: CURES.find(([pattern]) => pattern.test(what))?.[1] ?? "" };
}
