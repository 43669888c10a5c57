// Where each ROI's panel goes so that the figure looks like the picture of the chip.
import type { Roi } from "../measurement/roi.ts";

/** Place of an ROI's panel; ROIs of the same place (the halves of a bow-tie grating) share it. Halves of a column are legal. */
export interface PanelPlace {
  readonly label: string;
  /** What the panel is called: the label without the half. */
  readonly panel: string;
  readonly row: number;
  readonly column: number;
}

/** The halves of a bow-tie grating: upper and lower, or left and right. */
const HALF = /_[NSAB]$/;

/** The grating an ROI belongs to: "130A" of "130A_N". */
export function gratingOf(label: string): string {
  return label.replace(HALF, "");
}

/**
 * The layout of an ROI manifest, from the places of its ROIs in the picture. Rows count downwards. Undefined where the
 * ROIs are not on anything like a grid.
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
  // The usual distance of neighbours; a missing grating makes some of them twice as long.
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

/** Panels in reading order, about twice as many columns as rows; ROIs of one grating share a panel. */
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

/** False where panels overlap or would be scattered over a much larger grid than they fill. */
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

/** Groups of items whose `key` differs from their neighbour's by at most `tolerance`, in rising order. */
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
