// Merges another phorest experiment of the same chip into this one. It is one transaction, so an interrupted merge has changed
// nothing; a repeated merge adds only what is new. The images stay where they are.
import { Failure } from "../failure/failure.ts";
import type { InjectionData, NewInjection } from "./injections.ts";
import { mergeAnalyses } from "./merge-analyses.ts";
import { mergeEntries } from "./merge-entries.ts";
import { mergeOutcomes } from "./merge-outcomes.ts";
import type { MergedManifest, MergeSide } from "./merge-side.ts";

/** What a merge has added. */
export interface MergeSummary {
  /** Frames of the other experiment; `added` of them were new. */
  readonly frames: number;
  readonly added: number;
  /** Added frames whose image is not in the other directory: it was moved to a share, or is gone. */
  readonly withoutImage: number;
  readonly results: number;
  readonly markers: number;
  readonly injections: number;
  /** Frames that the other experiment has archived; they are not merged. */
  readonly archived: number;
}

const AUTHOR = "phorest import";

/**
 * Merges `from`, which is only read, into `into`. Throws Failure `usage.invalid`, with nothing changed, if the chip is another
 * one.
 */
export function mergeExperiments(into: MergeSide, from: MergeSide, nowUs: number): MergeSummary {
  checkSameChip(into.manifest, from.manifest);
  return from.connection.db.transaction(() =>
    into.connection.write(() => {
      const analyses = mergeAnalyses(into, from);
      const { idOf, ...frames } = mergeEntries(into, from);
      return {
        ...frames,
        results: mergeOutcomes(into, from, { analyses, idOf }),
        markers: mergeMarkers(into.manifest, from.manifest, nowUs),
        injections: mergeInjections(into.manifest, from.manifest, nowUs),
        archived: from.manifest.history.counts().archived,
      };
    }),
  )();
}

/** Two sets of ROIs are of the same chip if one contains the other: an experiment may measure a part of a chip. */
function checkSameChip(into: MergedManifest, from: MergedManifest): void {
  const [own, theirs] = [into, from].map(({ analyses }) => new Set(analyses.all().flatMap(({ labels }) => labels)));
  if (own === undefined || theirs === undefined || own.size === 0 || theirs.size === 0) return;
  if ([...own].every((label) => theirs.has(label)) || [...theirs].every((label) => own.has(label))) return;
  const [here, there] = [own, theirs].map((labels) => [...labels].slice(0, 2).join(", "));
  throw new Failure(
    "usage.invalid",
    `${from.directory}: its ROIs (${there}, …) are those of another chip than this experiment's (${here}, …)`,
    { hint: "nothing was imported; import it into an experiment of its own, begun with `phorest new NAME`" },
  );
}

function mergeMarkers(into: MergedManifest, from: MergedManifest, nowUs: number): number {
  const there = new Set(into.markers.all().map(({ atUs, text }) => `${atUs} ${text}`));
  const markers = from.markers.all().filter(({ atUs, text }) => !there.has(`${atUs} ${text}`));
  if (markers.length > 0) into.markers.change({ type: "add-markers", markers }, nowUs);
  return markers.length;
}

/** Identifies an injection, regardless of the number of its cycle. */
const identityOf = ({ startUs, endUs, solution, type, concentration, refractiveIndex }: InjectionData): string =>
  JSON.stringify([startUs, endUs, solution, type, concentration, refractiveIndex]);

/** Injections of one cycle stay together; their cycles are numbered after the existing ones. */
function mergeInjections(into: MergedManifest, from: MergedManifest, nowUs: number): number {
  const known = new Map(into.injections.all().map((one) => [identityOf(one), one.cycle]));
  const cycles = new Map<number, number>();
  let last = Math.max(0, ...known.values());
  const missing: NewInjection[] = [];
  const theirs = from.injections.all();
  for (const one of theirs) {
    const cycle = known.get(identityOf(one));
    if (cycle !== undefined) cycles.set(one.cycle, cycle);
  }
  for (const { injectionId: _, ...one } of theirs) {
    if (known.has(identityOf(one))) continue;
    const cycle = cycles.get(one.cycle) ?? ++last;
    cycles.set(one.cycle, cycle);
    missing.push({ ...one, cycle });
  }
  if (missing.length > 0) {
    into.injections.change({ type: "add-injections", author: AUTHOR, injections: missing }, nowUs);
  }
  return missing.length;
}
