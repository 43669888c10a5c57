// Curves of an analysis joined with those that it continues, for commands.
import { analysisChanges, CHANGE_MEANING, CHANGE_WHY, changeText } from "../assay/analysis-changes.ts";
import { type CurveManifest, chainOf, joined } from "../assay/joined.ts";
import type { Analysis } from "../manifest/analyses.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { NewMarker } from "../manifest/markers.ts";

/** The option of commands that write curves. */
export const JOINED_OPTION = {
  type: "boolean",
  default: false,
  describe: "Join the frames that the same method measured with another ROI manifest or another version of phorest",
} as const;

/** Where to read the curves of an analysis. */
export interface CurveReading {
  readonly source: CurveManifest;
  /** Where another analysis continues the curve, as markers. */
  readonly marks: readonly NewMarker[];
  /** The same as one line of text each, times in UTC. */
  readonly lines: readonly string[];
}

/** Returns the curves of an analysis, alone or joined. */
export function curveReading(manifest: Manifest, analysis: Analysis, isJoined: boolean): CurveReading {
  if (!isJoined) return { source: manifest, marks: [], lines: [] };
  const chain = chainOf(manifest.analyses, analysis);
  const changes = analysisChanges(manifest, chain);
  const meaning = changes.length === 0 ? "nothing to join: no other analysis continues in this one" : CHANGE_MEANING;
  return {
    source: joined(manifest, chain),
    marks: changes.map(({ atUs, kind }) => ({ atUs, text: CHANGE_WHY[kind] })),
    lines: [...changes.map(changeText), meaning],
  };
}
