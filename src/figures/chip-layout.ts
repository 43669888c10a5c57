// Places each ROI's panel so that the figure looks like the picture of the chip.
import type { Roi } from "../measurement/roi.ts";

/**
 * Position of an ROI's panel. ROIs with the same position (the halves of a bow-tie grating) share it. Half columns are allowed.
 */
export interface PanelPlace {
  readonly label: string;
  /** Name of the panel: the label without the half. */
  readonly panel: string;
  readonly row: number;
  readonly column: number;
}

/** The halves of a bow-tie grating: upper and lower, or left and right. */
const HALF = /_[NSAB]$/;

/** Returns the grating of an ROI: "130A" for "130A_N". */
export function gratingOf(label: string): string {
  return label.replace(HALF, "");
}

/**
 * Returns the layout of an ROI manifest, from the positions of its ROIs in the picture. Rows count downwards. Undefined if the
 * ROIs do not form anything like a grid.
 */
export function chipLayout(rois: readonly Roi[]): PanelPlace[] | undefined {
  const gratings = new Map<string, Roi[]>();
  for (const roi of rois) {
    const panel = gratingOf(roi.label);
    gratings.set(panel, [...(gratings.get(panel) ?? []), roi]);
  }
  const centres = [...gratings].map(([panel, halves]) => ({
    panel,
    x: mean(halves.map((roi) => roi.x + roi.width / 2)),
    y: mean(halves.map((roi) => roi.y + roi.height / 2)),
    height: Math.max(...halves.map((roi) => roi.y + roi.height)) - Math.min(...halves.map((roi) => roi.y)),
  }));
  const rows = clusters(
    centres,
    (centre) => centre.y,
    quantile(
      centres.map(({ height }) => height),
      0.5,
    ) / 2,
  );
  const steps = rows.flatMap((row) => {
    const xs = row.map(({ x }) => x).sort((a, b) => a - b);
    return xs.slice(1).map((x, i) => x - (xs[i] ?? x));
  });
  // The usual distance of neighbours; at a missing grating the distance is twice as long.
  const pitch = Math.max(quantile(steps, 0.25), 1);
  const left = Math.min(...centres.map(({ x }) => x));
  const placeOf = new Map<string, { row: number; column: number }>();
  rows.forEach((row, index) => {
    for (const { panel, x } of row)
      placeOf.set(panel, { row: index, column: Math.round((2 * (x - left)) / pitch) / 2 });
  });
  const places = rois.map(({ label }) => {
    const panel = gratingOf(label);
    return { label, panel, ...(placeOf.get(panel) ?? { row: 0, column: 0 }) };
  });
  return isLegible(places) ? places : undefined;
}

/** Arranges panels in reading order, with about twice as many columns as rows; ROIs of one grating share a panel. */
export function plainLayout(labels: readonly string[]): PanelPlace[] {
  const panels = [...new Set(labels.map(gratingOf))];
  const columns = Math.max(1, Math.ceil(Math.sqrt(panels.length * 1.2)));
  const indexOf = new Map(panels.map((panel, index) => [panel, index]));
  return labels.map((label) => {
    const panel = gratingOf(label);
    const index = indexOf.get(panel) ?? 0;
    return { label, panel, row: Math.floor(index / columns), column: index % columns };
  });
}

/** Returns false if panels overlap, or would be scattered over a grid much larger than needed. */
function isLegible(places: readonly PanelPlace[]): boolean {
  const byRow = new Map<number, Map<string, number>>();
  for (const { panel, row, column } of places) {
    const inRow = byRow.get(row) ?? new Map<string, number>();
    byRow.set(row, inRow.set(panel, column));
  }
  for (const inRow of byRow.values()) {
    const columns = [...inRow.values()].sort((a, b) => a - b);
    if (columns.some((column, i) => i > 0 && column - (columns[i - 1] ?? 0) < 1)) return false;
  }
  const panels = new Set(places.map(({ panel }) => panel)).size;
  const width = Math.max(...places.map(({ column }) => column)) + 1;
  return width <= 24 && byRow.size <= 40 && width * byRow.size <= 6 * panels;
}

/** Groups items whose `key` differs from their neighbour's by at most `tolerance`, in increasing order. */
function clusters<T>(items: readonly T[], key: (item: T) => number, tolerance: number): T[][] {
  const groups: T[][] = [];
  let previous = Number.NEGATIVE_INFINITY;
  for (const item of [...items].sort((a, b) => key(a) - key(b))) {
    const group = key(item) - previous <= tolerance ? groups.at(-1) : undefined;
    if (group === undefined) groups.push([item]);
    else group.push(item);
    previous = key(item);
  }
  return groups;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function quantile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? 0;
}
