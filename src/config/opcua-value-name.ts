// The values that a node can get, by their names in `[[OPC_UA.nodes]] value = "…"`.
import { type Method, POSITION_COLUMN, QUANTITIES, STATISTICS, type Statistic } from "../measurement/method.ts";

/** Values of each ROI, in px, px (of the position), 0 to 1, FLAGS bits, px from the baseline, px (of the shift). */
const ROI_MEASURES = ["position", "standard_error", "quality", "flags", "shift", "shift_standard_error"] as const;
export type RoiMeasure = (typeof ROI_MEASURES)[number];

/** Values of the whole frame. `frame` is its number in the manifest, `flagged` the number of its flagged ROIs. */
const FRAME_MEASURES = [
  "frame",
  "captured_at",
  "processed_at",
  "filename",
  "ok",
  "error",
  "flagged",
  "brightness",
  "contrast",
] as const;
export type FrameMeasure = (typeof FRAME_MEASURES)[number];

/** Current values of the program, independent of the frame being written. */
const LIVE_MEASURES = ["heartbeat", "alarm"] as const;
type LiveMeasure = (typeof LIVE_MEASURES)[number];

export type ValueName =
  | { readonly kind: "roi"; readonly measure: RoiMeasure }
  /** `quantity` undefined: the resonance position, for every method. */
  | { readonly kind: "statistic"; readonly quantity: string | undefined; readonly statistic: Statistic }
  | { readonly kind: "frame"; readonly measure: FrameMeasure }
  | { readonly kind: "reading"; readonly sensor: string }
  | { readonly kind: "live"; readonly measure: LiveMeasure };

/** Kind of a value; determines which OPC UA types it can be cast to. */
export type ValueKind = "number" | "whole" | "truth" | "text" | "time";

const TEMPERATURE = "temperature.";
const EVERY_QUANTITY = new Set(Object.values(QUANTITIES).flat());

/** Parses a value name; returns undefined if it does not exist. */
export function parseValueName(text: string): ValueName | undefined {
  const named = <T extends string>(names: readonly T[]) => names.find((name) => name === text);
  const roi = named(ROI_MEASURES);
  if (roi !== undefined) return { kind: "roi", measure: roi };
  const frame = named(FRAME_MEASURES);
  if (frame !== undefined) return { kind: "frame", measure: frame };
  const live = named(LIVE_MEASURES);
  if (live !== undefined) return { kind: "live", measure: live };
  if (text.startsWith(TEMPERATURE) && text.length > TEMPERATURE.length) {
    return { kind: "reading", sensor: text.slice(TEMPERATURE.length) };
  }
  const [first = "", second, ...rest] = text.split(".");
  if (rest.length > 0) return undefined;
  const statistic = STATISTICS.find((name) => name.toLowerCase() === (second ?? first).toLowerCase());
  if (statistic === undefined) return undefined;
  if (second === undefined) return { kind: "statistic", quantity: undefined, statistic };
  return EVERY_QUANTITY.has(first) ? { kind: "statistic", quantity: first, statistic } : undefined;
}

/** The existing names, for the error message about an unknown one. */
export const VALUE_NAMES_TEXT = [
  ...ROI_MEASURES,
  `${STATISTICS.map((name) => name.toLowerCase()).join(", ")} (of the position)`,
  "quantity.statistic such as amplitude.mean",
  ...FRAME_MEASURES,
  "temperature.NAME",
  ...LIVE_MEASURES,
].join(", ");

/** Returns the column of the quantity in the method's results; undefined if the method does not measure it. */
export function quantityColumn(method: Method, quantity: string | undefined): number | undefined {
  if (quantity === undefined) return POSITION_COLUMN[method];
  const column = QUANTITIES[method].indexOf(quantity);
  return column < 0 ? undefined : column;
}

/** Whether there is one value for each ROI. */
export function isPerRoi(name: ValueName): boolean {
  return name.kind === "roi" || name.kind === "statistic";
}

export function kindOf(name: ValueName): ValueKind {
  switch (name.kind) {
    case "roi":
      return name.measure === "flags" ? "whole" : "number";
    case "statistic":
    case "reading":
      return "number";
    case "live":
      return name.measure === "alarm" ? "text" : "whole";
    case "frame":
      return FRAME_KINDS[name.measure];
  }
}

const FRAME_KINDS: Readonly<Record<FrameMeasure, ValueKind>> = {
  frame: "whole",
  captured_at: "time",
  processed_at: "time",
  filename: "text",
  ok: "truth",
  error: "text",
  flagged: "whole",
  brightness: "number",
  contrast: "number",
};
