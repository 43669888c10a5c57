// Formats a measured frame for communicating_results.csv, and defines its columns. append.ts writes the lines, each exactly once.

import { writeToBuffer } from "fast-csv";
import type { Outcome } from "../../../manifest/outcomes.ts";
import { isoFromUs } from "../../../manifest/timestamps.ts";
import { flagNames, MEDIAN, type Method, QUANTITIES, STATISTICS } from "../../../measurement/method.ts";
import { safeText } from "./text.ts";

/** A CSV cell; an empty one means "not measured". */
export type Cell = string | number;

/** Unit of the readings that are written to temperature columns and shown in temperature panels. */
export const DEGREES = "°C";

const LEADING = ["timestamp", "ROI-label", "Analysis-method"];
const TRAILING = ["resonance_position_px", "standard_error_px", "quality", "flags", "image_filename"];

/** Column with the page of the file that a frame is, from 1. */
export const PAGE = "page";

/** Columns at the very end, in this order, only in a file with an outcome that needs them. */
const OPTIONAL: readonly { readonly columns: readonly string[]; needs(outcome: Outcome): boolean }[] = [
  {
    // For a run that measures tracking along with its method.
    columns: ["tracking_position_px", "tracking_standard_error_px", "tracking_flags"],
    needs: ({ companion }) => companion !== undefined,
  },
  // For multi-page files.
  { columns: [PAGE], needs: ({ page }) => page !== undefined },
];
const IS_OPTIONAL: ReadonlySet<string> = new Set(OPTIONAL.flatMap(({ columns }) => columns));

/** Returns the column of a sensor: `temperature_` and its name in lower case, with underscores for spaces. */
export function temperatureColumn(sensor: string): string {
  return `temperature_${sensor.toLowerCase().replaceAll(" ", "_")}`;
}

/** Returns the columns of a file with results of `methods` and temperatures of `sensors`, in the established order. */
export function csvColumns(methods: Iterable<Method>, sensors: Iterable<string>): string[] {
  const quantities = new Set([...methods].flatMap((method) => QUANTITIES[method]));
  const temperatures = new Set([...sensors].map(temperatureColumn));
  return [...LEADING, ...quantities, ...temperatures, ...TRAILING];
}

/** Returns `columns` extended by those that the outcomes need; the same array if none is missing. */
export function widenColumns(columns: readonly string[], outcomes: readonly Outcome[]): readonly string[] {
  const known = new Set(columns);
  const quantities = new Set<string>();
  const temperatures = new Set<string>();
  for (const outcome of outcomes) {
    if (outcome.measured === undefined) continue;
    for (const quantity of QUANTITIES[outcome.method]) if (!known.has(quantity)) quantities.add(quantity);
    for (const sensor of temperaturesOf(outcome).keys()) {
      const column = temperatureColumn(sensor);
      if (!known.has(column)) temperatures.add(column);
    }
  }
  const optional = OPTIONAL.filter(
    ({ columns: [first = ""], needs }) =>
      known.has(first) || outcomes.some((outcome) => outcome.measured !== undefined && needs(outcome)),
  ).flatMap(({ columns: added }) => added);
  const fixed = columns.filter((column) => !IS_OPTIONAL.has(column));
  if (quantities.size === 0 && temperatures.size === 0 && fixed.length + optional.length === columns.length)
    return columns;
  const middle = fixed.slice(LEADING.length, fixed.length - TRAILING.length);
  const isTemperature = (column: string) => column.startsWith("temperature_");
  return [
    ...LEADING,
    ...middle.filter((column) => !isTemperature(column)),
    ...quantities,
    ...middle.filter(isTemperature),
    ...temperatures,
    ...TRAILING,
    ...optional,
  ];
}

/** Returns the lines of an outcome, one per ROI, with the cells in the order of `columns`. A failed frame has none. */
export function csvLines(outcome: Outcome, columns: readonly string[]): Cell[][] {
  const { labels, measured, method, companion } = outcome;
  if (measured === undefined) return [];
  const timestamp = isoFromUs(outcome.capturedAtUs);
  const celsius = new Map([...temperaturesOf(outcome)].map(([sensor, value]) => [temperatureColumn(sensor), value]));
  const medianOf = new Map(QUANTITIES[method].map((quantity, index) => [quantity, index * STATISTICS.length + MEDIAN]));
  const perRoi = QUANTITIES[method].length * STATISTICS.length;

  const cellOf: ((roi: number) => Cell)[] = columns.map((column) => {
    switch (column) {
      case "timestamp":
        return () => timestamp;
      case "ROI-label":
        return (roi) => safeText(labels[roi] ?? "");
      case "Analysis-method":
        return () => method;
      case "resonance_position_px":
        return (roi) => number(measured.position[roi], 4);
      case "standard_error_px":
        return (roi) => number(measured.standardError[roi], 5);
      case "quality":
        return (roi) => number(measured.quality[roi], 3);
      case "flags":
        return (roi) => flagNames(measured.flags[roi] ?? 0).join("|");
      case "tracking_position_px":
        return (roi) => number(companion?.position[roi], 4);
      case "tracking_standard_error_px":
        return (roi) => number(companion?.standardError[roi], 5);
      case "tracking_flags":
        return (roi) => flagNames(companion?.flags[roi] ?? 0).join("|");
      case "image_filename":
        return () => safeText(outcome.filename);
      case PAGE:
        return () => (outcome.page === undefined ? "" : outcome.page + 1);
      default: {
        const offset = medianOf.get(column);
        if (offset !== undefined) return (roi) => number(measured.statistics[roi * perRoi + offset], 3);
        const temperature = number(celsius.get(column), 4);
        return () => temperature;
      }
    }
  });
  return labels.map((_label, roi) => cellOf.map((cell) => cell(roi)));
}

/** Returns the temperature readings: °C by sensor. */
function temperaturesOf({ readings }: Pick<Outcome, "readings">): Map<string, number | undefined> {
  return new Map(readings.filter(({ unit }) => unit === DEGREES).map(({ sensor, value }) => [sensor, value]));
}

/** Formats a number with at most `decimals` decimals; empty if there is none, which every reader treats as "missing". */
function number(value: number | undefined, decimals: number): Cell {
  if (value === undefined || !Number.isFinite(value)) return "";
  const scale = 10 ** decimals;
  const rounded = Math.round(value * scale) / scale;
  return Number.isFinite(rounded) ? rounded : value;
}

const NOTHING = Buffer.alloc(0);

/** Returns the lines of outcomes as bytes of the file, with the header first if wanted. */
export async function formatted(
  outcomes: readonly Outcome[],
  columns: readonly string[],
  header = false,
): Promise<Buffer> {
  const rows = outcomes.flatMap((outcome) => csvLines(outcome, columns));
  if (header) rows.unshift([...columns]);
  if (rows.length === 0) return NOTHING;
  return await writeToBuffer(rows, { headers: false, includeEndRowDelimiter: true });
}

/** Returns the number of lines of some outcomes. */
export function lineCount(outcomes: readonly Outcome[]): number {
  return outcomes.reduce((sum, { labels, measured }) => sum + (measured === undefined ? 0 : labels.length), 0);
}
