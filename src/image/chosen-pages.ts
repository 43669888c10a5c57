// Which pages of a file are frames: all moments of one channel, one plane and one position. What is left out is said with
// its number.
import { Failure } from "../failure/failure.ts";
import { nearest } from "../failure/nearest.ts";
import { counted } from "../system/counted.ts";
import type { PageInfo } from "./pages.ts";

/** The axes that are chosen from, each counted from 0. Absent: the first, which is said where there are more. */
export interface PageChoice {
  readonly channel?: number | undefined;
  readonly z?: number | undefined;
  /** Also by its name. */
  readonly position?: number | string | undefined;
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
/** Largest number of values that are listed one by one; more are given as a range or a count. */
const MOST_NAMED = 4;

/** The chosen pages of a file, in its order. Failure `frame.unreadable` where it has none of what is chosen; `where` names it. */
export function choosePages(pages: readonly PageInfo[], choice: PageChoice, where: string): Chosen {
  let left = pages;
  const leftOut: string[] = [];
  for (const axis of AXIS_ORDER) {
    // Not always 0: Micro-Manager writes a file for each position, and each knows its number.
    const wanted = choice[axis] ?? left.reduce((least, page) => Math.min(least, page[axis]), Number.POSITIVE_INFINITY);
    const others = new Set<number>();
    const names = new Set<string>();
    const kept = left.filter((page) => {
      const isWanted = typeof wanted === "string" ? isCalled(page.positionNames, wanted) : page[axis] === wanted;
      if (!isWanted) {
        others.add(page[axis]);
        for (const name of page.positionNames ?? []) names.add(name);
      }
      return isWanted;
    });
    if (kept.length === 0 && left.length > 0) throw none(axis, wanted, { numbers: others, names }, where);
    const count = left.length - kept.length;
    if (count > 0) {
      const called = axis === "position" ? inBrackets(names) : "";
      leftOut.push(
        `left out ${counted(count, "page")} of ${namedValues(axis, others)}${called}; choose with --${axis}`,
      );
    }
    left = kept;
  }
  return { pages: left, leftOut };
}

/** Whether one of the names is the wanted one, in any letter case. */
export function isCalled(names: readonly string[] | undefined, wanted: string): boolean {
  return names?.some((name) => name.trim().toLowerCase() === wanted.trim().toLowerCase()) ?? false;
}

/** "channel 1", "channels 1 and 2", "9 other channels". */
export function namedValues(axis: Axis, values: ReadonlySet<number>): string {
  const sorted = [...values].sort((a, b) => a - b);
  const { one, many } = AXIS_NAMES[axis];
  if (sorted.length === 1) return `${one} ${sorted[0]}`;
  if (sorted.length > MOST_NAMED) return `${sorted.length} other ${many}`;
  return `${many} ${sorted.slice(0, -1).join(", ")} and ${sorted.at(-1)}`;
}

/** Names behind what they belong to; nothing without one. */
export function inBrackets(names: Iterable<string>): string {
  const all = [...names];
  return all.length === 0 ? "" : ` (${all.slice(0, MOST_NAMED).join(", ")}${all.length > MOST_NAMED ? ", …" : ""})`;
}

/** What the file has instead of what was asked for. */
export interface Others {
  readonly numbers: ReadonlySet<number>;
  /** Of positions. */
  readonly names: ReadonlySet<string>;
}

/** What to do where what is wanted is not there: the name that may have been meant, or those that there are. */
export function otherChoice(axis: Axis, wanted: number | string | undefined, { names }: Others): string {
  if (typeof wanted !== "string") return `choose another one with --${axis}`;
  if (names.size === 0) return `its positions have no names; choose with --${axis} and a number, from 0`;
  const near = nearest(wanted, [...names]);
  const there = [...names]
    .sort()
    .slice(0, MOST_NAMED)
    .map((name) => JSON.stringify(name));
  if (near !== undefined) return `did you mean ${JSON.stringify(near)}?`;
  return `choose one of ${there.join(", ")}${names.size > MOST_NAMED ? ", …" : ""}`;
}

function none(axis: Axis, wanted: number | string, others: Others, where: string): Failure {
  const text = `it has no ${AXIS_NAMES[axis].one} ${shownValue(wanted)}, only ${namedValues(axis, others.numbers)}`;
  return new Failure("frame.unreadable", `${where}: ${text}`, { hint: otherChoice(axis, wanted, others) });
}

/** A number, or a name in quotes. */
export const shownValue = (wanted: number | string | undefined): string =>
  typeof wanted === "string" ? JSON.stringify(wanted) : String(wanted);
