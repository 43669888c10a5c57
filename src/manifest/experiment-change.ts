// Changes that a user makes to an experiment: markers, baseline and injections.
import { INJECTION_CHANGES, type InjectionChange } from "./injections.ts";
import type { ManifestPart } from "./manifest.ts";
import type { MarkerChange } from "./markers.ts";

export type ExperimentChange = MarkerChange | InjectionChange;

/**
 * Makes a change; returns what was done, for the log. Throws Failure `usage.invalid`, with nothing changed, if it cannot be made.
 */
export function changeExperiment(
  { markers, injections }: ManifestPart<{ markers: "change"; injections: "change" }>,
  change: ExperimentChange,
  nowUs: number,
): string {
  return isInjectionChange(change) ? injections.change(change, nowUs) : markers.change(change, nowUs);
}

const isInjectionChange = (change: ExperimentChange): change is InjectionChange => INJECTION_CHANGES.has(change.type);
