// The references of an analysis in the database: read when frames begin to be measured by it, stored with the results that add to them.
import type { MadeReferences } from "../../analysis/reference-sequencer.ts";
import type { Manifest } from "../../manifest/manifest.ts";

/** The analysis of the method, and that of tracking where frames are tracked. */
interface Analyses {
  readonly analysisId: number;
  readonly tracking?: { readonly analysisId: number } | undefined;
}

/** What earlier frames have made. */
export function storedReferences({ references }: Manifest, { analysisId, tracking }: Analyses): MadeReferences {
  const drift = references.drift(analysisId);
  const joint = references.chosenLines(analysisId);
  if (tracking === undefined) return { drift, lines: { joint } };
  const lines = { joint, tracking: references.chosenLines(tracking.analysisId) };
  return { drift, lines, reference: references.tracking(tracking.analysisId) };
}

/** Stores what has been made or has grown; in the transaction of the result it came with. */
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
