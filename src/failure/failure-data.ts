// A failure as plain data: its code from a fixed list, its text, and whether a retry can help.

/** All codes of Failures. The part before the dot is the directory it comes from. */
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

/** Whether a retry can help. */
export type Retry = "later" | "never";

/** A Failure in the form that is sent between threads and stored in the manifest. */
export interface FailureData {
  readonly code: FailureCode;
  readonly message: string;
  readonly hint?: string;
  readonly retry: Retry;
}

/** Returns the line to show to people, for a failure in either form. */
export function lineOf({ message, hint }: Pick<FailureData, "message" | "hint">): string {
  return hint === undefined ? message : `${message} (${hint})`;
}
