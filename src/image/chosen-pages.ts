// Which pages of a file are frames: all moments of one channel, one plane and one position. What is left out is said with
// its number.
import { Failure } from "../failure/failure.ts";
import type { PageInfo } from "./pages.ts";

/** The axes that are chosen from, each counted from 0. Absent: the first, which is said where there are more. */
export interface PageChoice {
  readonly channel?: number | undefined;
  readonly z?: number | undefined;
  readonly position?: number | undefined;
}

interface Chosen {
  readonly pages: readonly PageInfo[];
  /** A line for each axis of which pages are left out. */
  readonly leftOut: readonly string[];
}

export type Axis = keyof PageChoice;

export const AXIS_NAMES: Readonly<Record<Axis, { readonly one: string; readonly many: string }>> = {
  position: { one: "position", many: "positions" },
  channel: { one: "channel", many: "channels" },
  z: { one: "z plane", many: "z planes" },
};
export const AXIS_ORDER: readonly Axis[] = ["position", "channel", "z"];
/** Numbers that are named one by one; more are said as a range or a number. */
const MOST_NAMED = 4;

/** The chosen pages of a file, in its order. Failure `frame.unreadable` where it has none of what is chosen; `where` names it. */
export function choosePages(pages: readonly PageInfo[], choice: PageChoice, where: string): Chosen {
  let left = pages;
  const leftOut: string[] = [];
  for (const axis of AXIS_ORDER) {
    // Not always 0: Micro-Manager writes a file for each position, and each knows its number.
    const wanted = choice[axis] ?? left.reduce((least, page) => Math.min(least, page[axis]), Number.POSITIVE_INFINITY);
    const others = new Set<number>();
    const kept = left.filter((page) => {
      if (page[axis] !== wanted) others.add(page[axis]);
      return page[axis] === wanted;
    });
    if (kept.length === 0 && left.length > 0) throw none(axis, wanted, others, where);
    const count = left.length - kept.length;
    if (count > 0) leftOut.push(`left out ${counted(count)} of ${namedValues(axis, others)}; choose with --${axis}`);
    left = kept;
  }
  return { pages: left, leftOut };
}

const counted = (pages: number): string => (pages === 1 ? "1 page" : `${pages} pages`);

/** "channel 1", "channels 1 and 2", "9 other channels". */
export function namedValues(axis: Axis, values: ReadonlySet<number>): string {
  const sorted = [...values].sort((a, b) => a - b);
  const { one, many } = AXIS_NAMES[axis];
  if (sorted.length === 1) return `${one} ${sorted[0]}`;
  if (sorted.length > MOST_NAMED) return `${sorted.length} other ${many}`;
  return `${many} ${sorted.slice(0, -1).join(", ")} and ${sorted.at(-1)}`;
}

function none(axis: Axis, wanted: number, there: ReadonlySet<number>, where: string): Failure {
  return new Failure(
    "frame.unreadable",
    `${where}: it has no ${AXIS_NAMES[axis].one} ${wanted}, only ${namedValues(axis, there)}`,
    {
      hint: `choose another one with --${axis}`,
    },
  );
}
