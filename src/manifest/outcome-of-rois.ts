// Reduces an outcome to some of its ROIs.
import { QUANTITIES, STATISTICS } from "../measurement/method.ts";
import type { Outcome } from "./outcomes.ts";

/** Returns the outcome with only those ROIs whose label is wanted, in the same order. */
export function outcomeOf(outcome: Outcome, isWanted: (label: string) => boolean): Outcome {
  const { labels, measured, companion, method } = outcome;
  const kept = labels.flatMap((label, roi) => (isWanted(label) ? [roi] : []));
  if (kept.length === labels.length) return outcome;
  const perRoi = QUANTITIES[method].length * STATISTICS.length;
  const doubles = (values: Float64Array) => Float64Array.from(kept, (roi) => values[roi] ?? Number.NaN);
  const bytes = (values: Uint8Array) => Uint8Array.from(kept, (roi) => values[roi] ?? 0);
  const results = (of: NonNullable<Outcome["companion"]>) => ({
    position: doubles(of.position),
    standardError: doubles(of.standardError),
    quality: doubles(of.quality),
    flags: bytes(of.flags),
  });
  return {
    ...outcome,
    labels: kept.map((roi) => labels[roi] ?? ""),
    companion: companion && results(companion),
    measured: measured && {
      ...measured,
      ...results(measured),
      statistics: Float64Array.from(
        kept.flatMap((roi) => [...measured.statistics.subarray(roi * perRoi, (roi + 1) * perRoi)]),
      ),
      ...(measured.lines === undefined ? {} : { lines: bytes(measured.lines) }),
      values: measured.values && kept.map((roi) => measured.values?.[roi] ?? []),
    },
  };
}
