// Where the small panels are on the canvas, which one is at a point, and which one is next to another.
import { chipLayout, gratingOf, plainLayout } from "../../figures/chip-layout.ts";
import type { ChipView, PanelsView } from "../views.ts";

export interface Panel {
  /** Label of the grating. */
  readonly label: string;
  readonly row: number;
  readonly column: number;
  /** Indices of its curves in PanelsView. */
  readonly units: readonly number[];
}

/** Sizes in px of the page. */
export interface PanelGrid {
  readonly cellWidth: number;
  readonly cellHeight: number;
  readonly gap: number;
  readonly height: number;
}

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Returns a panel for each grating, at its place on the chip; without a grid, in the order of the ROI manifest. */
export function panelsOf(chip: ChipView, { units }: PanelsView): Panel[] {
  const places = chipLayout(chip.rois) ?? plainLayout(chip.rois.map(({ label }) => label));
  const panels = new Map(places.map(({ panel, row, column }) => [panel, { row, column, units: [] as number[] }]));
  units.forEach(({ label }, at) => {
    panels.get(gratingOf(label))?.units.push(at);
  });
  return [...panels]
    .map(([label, place]) => ({ label, ...place }))
    .sort((one, other) => one.row - other.row || one.column - other.column);
}

const SHAPE = 0.62;
const LEAST_HEIGHT = 18;

/** Returns the grid that fills a width. */
export function gridOf(panels: readonly Panel[], width: number): PanelGrid {
  const columns = 1 + Math.max(0, ...panels.map(({ column }) => column));
  const rows = 1 + Math.max(0, ...panels.map(({ row }) => row));
  const cellWidth = width / columns;
  const cellHeight = Math.max(LEAST_HEIGHT, Math.round(cellWidth * SHAPE));
  return { cellWidth, cellHeight, gap: cellWidth < 40 ? 1 : 4, height: rows * cellHeight };
}

export function boxOf({ row, column }: Panel, { cellWidth, cellHeight, gap }: PanelGrid): Box {
  return { left: column * cellWidth, top: row * cellHeight, width: cellWidth - gap, height: cellHeight - gap };
}

/** Returns the panel at a point of the canvas, px. */
export function panelAt(panels: readonly Panel[], grid: PanelGrid, x: number, y: number): Panel | undefined {
  return panels.find((panel) => {
    const { left, top } = boxOf(panel, grid);
    return x >= left && x < left + grid.cellWidth && y >= top && y < top + grid.cellHeight;
  });
}

export type Direction = "left" | "right" | "up" | "down";

/** Returns the next panel in a direction: in the same row, or the nearest one of the next row; the panel itself at the edge. */
export function neighbour(panels: readonly Panel[], from: Panel, direction: Direction): Panel {
  const sideways = direction === "left" || direction === "right";
  const sign = direction === "left" || direction === "up" ? -1 : 1;
  const ahead = panels.filter((panel) =>
    sideways
      ? panel.row === from.row && sign * (panel.column - from.column) > 0
      : sign * (panel.row - from.row) > 0 && Math.abs(panel.column - from.column) <= 1,
  );
  const distance = ({ row, column }: Panel) => 100 * Math.abs(row - from.row) + Math.abs(column - from.column);
  return (
    ahead.reduce<Panel | undefined>(
      (best, panel) => (best === undefined || distance(panel) < distance(best) ? panel : best),
      undefined,
    ) ?? from
  );
}
