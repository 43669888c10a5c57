// Refuses a time window without any frame: nothing can be computed or written from it.
import { Failure } from "../failure/failure.ts";
import type { ManifestPart } from "../manifest/manifest.ts";
import type { TimeWindow } from "../measurement/time-window.ts";
import type { TimeZone } from "../system/time-zone.ts";

/** Throws Failure `usage.invalid` for a window in which no frame was captured. `what` names the option. */
export function refuseEmpty(
  what: string,
  window: TimeWindow,
  { history }: ManifestPart<{ history: "hasFrames" | "oldestCaptureUs" | "newestCaptureUs" }>,
  zone: TimeZone,
): void {
  if (history.hasFrames(window)) return;
  throw emptyWindow(what, history.oldestCaptureUs(), history.newestCaptureUs(), zone);
}

/** Returns the failure for a window without frames; `firstUs` and `lastUs` are the times of the first and last existing frame. */
export function emptyWindow(
  what: string,
  firstUs: number | undefined,
  lastUs: number | undefined,
  zone: TimeZone,
): Failure {
  const there =
    firstUs === undefined || lastUs === undefined
      ? "there is no frame"
      : `the frames are from ${zone.span(firstUs, lastUs)}`;
  return new Failure("usage.invalid", `${what}: no frame is in this window`, {
    hint: `${there}; a time without a zone is in ${zone.name}`,
  });
}
