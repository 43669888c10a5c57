// Chooses the pages of a file that are frames: all times of one channel, one plane and one position. Reports how many pages are
// left out.
import { decodeFailure, Failure, type FailureData } from "../failure/failure.ts";
import { nearest } from "../failure/nearest.ts";
import { counted } from "../system/counted.ts";
import type { ImageAxes } from "./image-axes.ts";
import type { PageInfo } from "./pages.ts";

/**
 * The chosen value of each axis, counted from 0. If a value is absent, the first one is used, and a message says so if there
 * are more.
 */
export interface PageChoice {
  readonly channel?: number | undefined;
  readonly z?: number | undefined;
  /** Number or name of the position. */
  readonly position?: number | string | undefined;
}

interface Chosen {
  readonly pages: readonly PageInfo[];
  /** One line for each axis on which pages were left out. */
  readonly leftOut: readonly string[];
}

export type Axis = keyof PageChoice;

export const AXIS_NAMES: Readonly<Record<Axis, { readonly one: string; readonly many: string }>> = {
  position: { one: "position", many: "positions" },
  channel: { one: "channel", many: "channels" },
  z: { one: "z plane", many: "z planes" },
};
export const AXIS_ORDER: readonly Axis[] = ["position", "channel", "z"];
/** Largest number of values that are listed one by one. More are shown as a range or a count. */
const MOST_NAMED = 4;

/**
 * Returns the chosen pages of a file, in file order. Throws Failure `frame.unreadable` if the file has none of them; `where`
 * names the file.
 */
export function choosePages(pages: readonly PageInfo[], choice: PageChoice, where: string): Chosen {
  let left = pages;
  const leftOut: string[] = [];
  for (const axis of AXIS_ORDER) {
    // Not always 0: Micro-Manager writes a file for each position, and each file states its position's number.
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

/** Whether one of the names is the wanted one. Ignores case. */
export function isCalled(names: readonly string[] | undefined, wanted: string): boolean {
  return names?.some((name) => name.trim().toLowerCase() === wanted.trim().toLowerCase()) ?? false;
}

/** "channel 1", "channels 1 and 2", "9 other channels". */
export function namedValues(axis: Axis, values: ReadonlySet<number>): string {
  const sorted = [...values].sort((a, b) => a - b);
  const { one, many } = AXIS_NAMES[axis];
  if (sorted.length === 1) return `${one} ${sorted[0]}`;
  const [first = 0, last = 0] = [sorted[0], sorted.at(-1)];
  if (sorted.length > MOST_NAMED) {
    const isRange = last - first === sorted.length - 1;
    return isRange ? `${many} ${first} to ${last}` : `${sorted.length} other ${many}`;
  }
  return `${many} ${sorted.slice(0, -1).join(", ")} and ${sorted.at(-1)}`;
}

/** Returns the names in brackets, or nothing if there are none. */
export function inBrackets(names: Iterable<string>): string {
  const all = [...names];
  return all.length === 0 ? "" : ` (${all.slice(0, MOST_NAMED).join(", ")}${all.length > MOST_NAMED ? ", …" : ""})`;
}

/** What the file contains instead of the requested value. */
export interface Others {
  readonly numbers: ReadonlySet<number>;
  /** Names of the positions. */
  readonly names: ReadonlySet<string>;
}

/**
 * Returns what the user can do if the requested value does not exist: the name that was probably meant, or a list of the
 * available ones.
 */
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

/** Returns the refusal of a choice as wrong use: no file has what the user chose. */
export function wrongChoice(refused: FailureData): Failure {
  const { message, hint } = decodeFailure(refused);
  return new Failure("usage.invalid", message, { hint });
}

/**
 * Returns the Failure `usage.invalid` for an image that is alone in its file and does not say its value of a chosen axis: the
 * choice would have no effect. Undefined if it says it, or counts as the chosen one: such an image is number 0. `where` names it.
 */
export function unstated(choice: PageChoice, image: ImageAxes | undefined, where: string): Failure | undefined {
  const axis = AXIS_ORDER.find((one) => (choice[one] ?? 0) !== 0 && !states(image, one));
  if (axis === undefined) return undefined;
  const text = `${where}: the image does not say which ${AXIS_NAMES[axis].one} it is of`;
  return new Failure("usage.invalid", text, { hint: `leave --${axis} (Camera.${axis}) out` });
}

function states(image: ImageAxes | undefined, axis: Axis): boolean {
  return image?.[axis] !== undefined || (axis === "position" && image?.positionNames !== undefined);
}

/** Shows a number, or a name in quotes. */
export const shownValue = (wanted: number | string | undefined): string =>
  typeof wanted === "string" ? JSON.stringify(wanted) : String(wanted);
