// Identifies the gratings. A lattice looks the same after half a turn, mirrored, or moved by a cell. Every such pose is scored
// by where it predicts gratings and gaps, and by the labels it predicts in the picture.
import type { Chip, ChipLabel } from "../chip/chip.ts";
import { siteCentre } from "./cells.ts";
import type { Sites } from "./grating-sites.ts";
import { borderOf, type FoundLabel, type LabelPatterns, searchLabel } from "./label-search.ts";
import { type ChipLattice, cellOf } from "./lattice.ts";
import { direction, type Pose, toPicture, wrapDegrees } from "./pose.ts";
import { straighten } from "./straighten.ts";
import type { View } from "./view.ts";

/** One possible pose of the chip in the picture. */
export interface Hypothesis {
  readonly lattice: ChipLattice;
  readonly pose: Pose;
  /** Sum of the sites' evidence where a grating is expected, minus the sum where none is. */
  readonly occupancy: number;
  /** Labels expected in the picture, as found. */
  readonly labels: readonly FoundLabel[];
  readonly score: number;
}

/** Score of a label: its likeness above that of chance; a hidden label costs little. */
const LABEL = { chance: 0.4, hidden: -0.1 } as const;
/** Score of a site, relative to about one half for a label. */
const SITE = 0.05;
/** Hypotheses whose occupancy is this far behind the best (in sites, and as a share of all) are dropped. */
const BEHIND = { sites: 6, share: 0.12 } as const;
const MOST_LOOKED_AT = 800;
/** A hypothesis is tested further if this many labels support it, one of them with at least this likeness. */
const FIRST_LABELS = 8;
const LEAST_PROMISING = 0.5;
/** Number of labels that are compared with all others, and the likeness by which another must be better. */
const READ = 10;
const CLEARLY = 0.05;
/** Search distance for a label: the lattice leaves this uncertainty across the bands. */
const REACH = { um: 18, px: 2.2 } as const;
/** Number of samples along the height of a glyph. */
const COARSE_ROWS = 17;

/**
 * Returns all poses that match the chip's lattice to the sites, best first; labels are scored for those whose occupancy fits.
 */
export function rankHypotheses(view: View, patterns: LabelPatterns, sites: Sites): Hypothesis[] {
  const { lattice } = sites;
  const laid: { pose: Pose; occupancy: number }[] = [];
  const table = new EvidenceTable(sites);
  for (const mirrored of [false, true]) {
    for (const turned of [false, true]) laid.push(...shiftsOf(sites, table, mirrored, turned));
  }
  const byOccupancy = (a: { occupancy: number }, b: { occupancy: number }) => b.occupancy - a.occupancy;
  const found = straighten(view, lattice.chip, laid.sort(byOccupancy)).sort(byOccupancy);
  const inView = Math.min(sites.list.length, lattice.chip.gratings.length);
  const least = (found[0]?.occupancy ?? 0) - Math.max(BEHIND.sites, BEHIND.share * inView);
  const known = new Map<string, FoundLabel | undefined>();
  const weigh = ({ pose, occupancy }: { pose: Pose; occupancy: number }): Hypothesis => {
    const labels = someFirst(expectedLabels(view, pose, lattice.chip.labels), (label) => {
      const at = toPicture(pose, { x: label.x, y: label.y });
      const key = `${label.text} ${label.height} ${pose.mirrored} ${Math.round(pose.angleDegrees)} ${Math.round(at.x)} ${Math.round(at.y)}`;
      if (!known.has(key)) {
        const reach = Math.max(REACH.um, REACH.px / pose.pxPerUm);
        known.set(key, searchLabel(view, patterns, pose, label, reach, coarseStep(label, pose)));
      }
      const one = known.get(key);
      return one === undefined ? undefined : { ...one, label };
    });
    return { lattice, pose, occupancy, labels, score: SITE * occupancy + labelScore(labels) };
  };
  const byScore = (a: Hypothesis, b: Hypothesis) => b.score - a.score;
  const behind = found.findIndex(({ occupancy }) => occupancy < least);
  const fitting = Math.min(behind < 0 ? found.length : behind, MOST_LOOKED_AT);
  const ranked = found.slice(0, fitting).map(weigh).sort(byScore);
  const [best] = ranked;
  if (best === undefined) return [];
  // Gratings too faint to be seen make a chip look moved by a column: then the labels decide.
  const reach = 1.6 * Math.hypot(lattice.pitch.x, lattice.pitch.y) * best.pose.pxPerUm;
  const beside = found
    .slice(fitting)
    .filter(
      ({ pose }) =>
        pose.mirrored === best.pose.mirrored &&
        pose.angleDegrees === best.pose.angleDegrees &&
        Math.hypot(pose.x - best.pose.x, pose.y - best.pose.y) < reach,
    );
  return [...ranked, ...beside.map(weigh)].sort(byScore);
}

/** Searches the labels. If none of the first ones, spread over the chip, supports the pose, the rest are not searched. */
function someFirst(labels: readonly ChipLabel[], look: (label: ChipLabel) => FoundLabel | undefined): FoundLabel[] {
  const every = Math.ceil(labels.length / FIRST_LABELS);
  const found = labels.filter((_, i) => i % every === 0).flatMap((label) => look(label) ?? []);
  if (found.every(({ likeness }) => likeness < LEAST_PROMISING)) return found;
  return [...found, ...labels.filter((_, i) => i % every !== 0).flatMap((label) => look(label) ?? [])];
}

/** Returns the distance between samples, µm, that shows a label's strokes well enough to recognise it. */
export function coarseStep(label: ChipLabel, pose: Pose, rows = COARSE_ROWS): number {
  return Math.max(label.height / rows, 0.95 / pose.pxPerUm);
}

/** Returns the total score of labels. */
export function labelScore(labels: readonly FoundLabel[]): number {
  return labels.reduce((sum, { likeness }) => sum + Math.max(LABEL.hidden, likeness - LABEL.chance), 0);
}

/**
 * Returns the share of labels (a sample from all over the chip) that clearly look more like another label of the chip. If a
 * chip is mistaken for one moved by a cell, its labels match the expected ones in most of their strokes.
 */
export function misread(
  view: View,
  patterns: LabelPatterns,
  pose: Pose,
  labels: readonly ChipLabel[],
  chip: Chip,
): number {
  const every = Math.ceil(labels.length / READ);
  const read = labels.filter((_, i) => i % every === 0);
  const others = [...new Map(chip.labels.filter(({ text }) => text !== "").map((one) => [one.text, one])).values()];
  const wrong = read.filter((label) => {
    const step = coarseStep(label, pose);
    const likeness = (one: ChipLabel) =>
      searchLabel(view, patterns, pose, { ...one, x: label.x, y: label.y }, 2 * step, step)?.likeness ?? 0;
    const own = likeness(label);
    const alike = others.filter(
      ({ text, height, width }) =>
        text !== label.text && height === label.height && Math.abs(width - label.width) < 0.1 * label.width,
    );
    return alike.some((one) => likeness(one) > own + CLEARLY);
  });
  return wrong.length / Math.max(1, read.length);
}

/** Returns the printed labels that are completely in the picture in a pose, including the border that the search needs. */
export function expectedLabels(view: View, pose: Pose, labels: readonly ChipLabel[]): ChipLabel[] {
  return labels.filter((label) => {
    if (label.text === "") return false;
    const rim = borderOf(label) + 1 / pose.pxPerUm;
    return [label.x - rim, label.x + label.width + rim].every((x) =>
      [label.y - rim, label.y + label.height + rim].every((y) => view.holds(toPicture(pose, { x, y }))),
    );
  });
}

/** Whether two poses put the chip's gratings in the same places with the same names. */
export function sameIdentity(a: Hypothesis, b: Hypothesis): boolean {
  if (a.lattice.chip.type !== b.lattice.chip.type || a.pose.mirrored !== b.pose.mirrored) return false;
  if (Math.abs(wrapDegrees(a.pose.angleDegrees - b.pose.angleDegrees)) > 20) return false;
  const [one] = a.lattice.chip.gratings;
  const [p, q] = [toPicture(a.pose, one ?? { x: 0, y: 0 }), toPicture(b.pose, one ?? { x: 0, y: 0 })];
  const { pitch } = a.lattice;
  return Math.hypot(p.x - q.x, p.y - q.y) < 0.4 * Math.min(pitch.x, pitch.y) * a.pose.pxPerUm;
}

/** Returns every shift of the chip's gratings over the sites, in one orientation, with its occupancy. */
function shiftsOf(
  sites: Sites,
  table: EvidenceTable,
  mirrored: boolean,
  turned: boolean,
): { pose: Pose; occupancy: number }[] {
  const { lattice, pxPerUm } = sites;
  const [first] = lattice.chip.gratings;
  if (first === undefined) return [];
  const sign = turned ? -1 : 1;
  const cells: { column: number; row: number }[] = [];
  for (const grating of lattice.chip.gratings) {
    const y = mirrored ? first.y - grating.y : grating.y - first.y;
    const { column, row } = cellOf(lattice, { x: sign * (grating.x - first.x), y: sign * y });
    // A staggered lattice that looks different when mirrored cannot match mirrored.
    if (Math.abs(column - Math.round(column)) > 0.1) return [];
    cells.push({ column: Math.round(column), row: Math.round(row) });
  }
  const angleDegrees = wrapDegrees(sites.angleDegrees + (turned ? 180 : 0));
  const middle = direction({ angleDegrees, mirrored }, { x: first.x + first.width / 2, y: first.y + first.height / 2 });
  const found: { pose: Pose; occupancy: number }[] = [];
  const [columns, rows] = [cells.map(({ column }) => column), cells.map(({ row }) => row)];
  for (let row = table.top - Math.max(...rows); row <= table.bottom - Math.min(...rows); row++) {
    for (let column = table.left - Math.max(...columns); column <= table.right - Math.min(...columns); column++) {
      const occupancy = table.occupancy(cells, column, row);
      if (occupancy === undefined) continue;
      const at = siteCentre(sites, column, row);
      const pose = { angleDegrees, pxPerUm, mirrored, x: at.x - pxPerUm * middle.x, y: at.y - pxPerUm * middle.y };
      found.push({ pose, occupancy });
    }
  }
  return found;
}

/** Evidence by column and row. */
class EvidenceTable {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  private readonly values: Float64Array;
  private readonly total: number;

  constructor(sites: Sites) {
    const columns = sites.list.map(({ column }) => column);
    const rows = sites.list.map(({ row }) => row);
    this.left = Math.min(...columns);
    this.right = Math.max(...columns);
    this.top = Math.min(...rows);
    this.bottom = Math.max(...rows);
    const stride = this.right - this.left + 1;
    this.values = new Float64Array(stride * (this.bottom - this.top + 1)).fill(Number.NaN);
    for (const { column, row, evidence } of sites.list)
      this.values[(row - this.top) * stride + column - this.left] = evidence;
    this.total = sites.list.reduce((sum, { evidence }) => sum + evidence, 0);
  }

  /** Returns the evidence for gratings at these cells, moved, and nowhere else; undefined if none of them is in view. */
  occupancy(cells: readonly { column: number; row: number }[], column: number, row: number): number | undefined {
    const stride = this.right - this.left + 1;
    let sum = 0;
    let seen = 0;
    for (const cell of cells) {
      const [x, y] = [cell.column + column - this.left, cell.row + row - this.top];
      if (x < 0 || y < 0 || x >= stride || y > this.bottom - this.top) continue;
      const evidence = this.values[y * stride + x] as number;
      if (Number.isNaN(evidence)) continue;
      seen++;
      sum += evidence;
    }
    return seen === 0 ? undefined : 2 * sum - this.total;
  }
}
