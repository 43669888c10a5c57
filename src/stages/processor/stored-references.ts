// Reads the references of an analysis from the database when measuring begins, and stores the results that extend them.
import type { MadeReferences } from "../../analysis/reference-sequencer.ts";
import type { Manifest } from "../../manifest/manifest.ts";

/** The analysis of the method, and the tracking analysis if frames are tracked. */
interface Analyses {
  readonly analysisId: number;
  readonly tracking?: { readonly analysisId: number } | undefined;
}

/** Returns the references made from earlier frames. */
export function storedReferences({ references }: Manifest, { analysisId, tracking }: Analyses): MadeReferences {
  const drift = references.drift(analysisId);
  const joint = references.chosenLines(analysisId);
  if (tracking === undefined) return { drift, lines: { joint } };
  const lines = { joint, tracking: references.chosenLines(tracking.analysisId) };
  return { drift, lines, reference: references.tracking(tracking.analysisId) };
}

/** Stores new or extended references, in the transaction of the result that they came with. */
export function storeReferences(
  { references }: Manifest,
  { analysisId, tracking }: Analyses,
  { drift, lines, reference }: MadeReferences,
): void {
  if (drift !== undefined) references.keepDrift(analysisId, drift);
  if (lines?.joint !== undefined) references.keepChosenLines(analysisId, lines.joint);
  if (tracking === undefined) return;
  if (lines?.tracking !== undefined) references.keepChosenLines(tracking.analysisId, lines.tracking);
  if (reference !== undefined) references.keepTracking(tracking.analysisId, reference);
}
