// A failure as data: its code out of a closed list, its words, and whether trying again can help.

/** Every code a Failure may carry. The part before the dot is the room it comes from. */
export type FailureCode =
  | "config.invalid"
  | "usage.invalid"
  | "experiment.locked"
  | "experiment.unusable"
  | "installation.broken"
  | "manifest.corrupt"
  | "manifest.failed"
  | "manifest.locked"
  | "manifest.newer"
  | "camera.unavailable"
  | "camera.timeout"
  | "camera.failed"
  | "sensor.failed"
  | "file.missing"
  | "file.refused"
  | "file.changed"
  | "frame.missing"
  | "frame.unreadable"
  | "rois.missing"
  | "rois.invalid"
  | "rois.outside"
  | "analysis.failed"
  | "disk.full"
  | "disk.failed"
  | "chip.unknown"
  | "chip.invalid"
  | "calibration.uncertain"
  | "report.failed"
  | "alarm.failed"
  | "remote.unavailable"
  | "remote.refused"
  | "remote.full"
  | "remote.failed"
  | "backup.failed"
  | "backup.damaged"
  | "opcua.unreachable"
  | "opcua.timeout"
  | "opcua.untrusted"
  | "opcua.refused"
  | "opcua.login"
  | "opcua.lost"
  | "web.unavailable"
  | "thread.hanging"
  | "internal";

/** Whether trying the same again can help. */
export type Retry = "later" | "never";

/** A Failure as it crosses threads and enters the manifest. */
export interface FailureData {
  readonly code: FailureCode;
  readonly message: string;
  readonly hint?: string;
  readonly retry: Retry;
}

/** The one line shown to a person, of a failure in either form. */
export function lineOf({ message, hint }: Pick<FailureData, "message" | "hint">): string {
  return hint === undefined ? message : `${message} (${hint})`;
}
