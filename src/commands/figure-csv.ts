// Writes the numbers that a figure shows as a CSV file.
import { writeToString } from "fast-csv";
import type { HistogramBar } from "../assay/intervals.ts";
import { rolledCurves } from "../figures/curves-figure.ts";
import type { FigureCurve } from "../figures/figure-curve.ts";
import type { NamedProfile } from "../figures/profiles-figure.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { flagNames } from "../measurement/method.ts";
import { elapsedText } from "../outputs/csv/file/frame-columns.ts";
import { safeText } from "../outputs/csv/file/text.ts";

const FORM = { headers: false, includeEndRowDelimiter: true } as const;

/** Returns one line per curve and frame. `frames`: also the rolling median over this many frames, and the difference from it. */
export function curvesTable(curves: readonly FigureCurve[], firstUs: number, frames?: number): Promise<string> {
  const rolled = frames === undefined ? undefined : rolledCurves(curves, frames);
  const lines = curves.flatMap(({ label, timesUs, values, flags }, curve) =>
    Array.from(timesUs, (timeUs, at) => [
      isoFromUs(timeUs),
      elapsedText(timeUs, firstUs),
      safeText(label),
      cell(values[at]),
      flagNames(flags[at] ?? 0).join("|"),
      ...(rolled === undefined
        ? []
        : [cell(rolled[curve]?.median.values[at]), cell(rolled[curve]?.difference.values[at])]),
    ]),
  );
  const more = rolled === undefined ? [] : ["rolling_median_px", "difference_px"];
  return writeToString([["timestamp", "elapsed_s", "label", "value_px", "flags", ...more], ...lines], FORM);
}

/** Returns one line per bar. */
export function barsTable(bars: readonly HistogramBar[]): Promise<string> {
  const lines = bars.map(({ from, to, count }) => [plain(from), plain(to), String(count)]);
  return writeToString([["from_s", "to_s", "intervals"], ...lines], FORM);
}

/** Returns one line per image and pixel. */
export function profilesTable(profiles: readonly NamedProfile[]): Promise<string> {
  const lines = profiles.flatMap(({ name, counts }) =>
    Array.from(counts, (value, pixel) => [safeText(name), String(pixel), plain(value)]),
  );
  return writeToString([["image", "pixel", "counts"], ...lines], FORM);
}

const plain = (value: number): string => String(Number(value.toFixed(6)));

/** Formats a number with the decimals of `phorest sensorgram`; empty if there is none. */
function cell(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? "" : String(Number(value.toFixed(5)));
}
