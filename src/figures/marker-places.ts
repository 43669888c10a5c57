// Places the texts of markers along a time axis so that none overlaps another or extends beyond the drawing. Used for files and
// the page.
import type { PlotMarker } from "./plot-input.ts";
import type { Limits } from "./trace.ts";

const ROW_PX = 13;
const ROWS = 3;
/** Space between a line and its text, and behind the text, px. */
const GAP_PX = 8;

export interface PlacedMarker {
  readonly t: number;
  /** Empty if it would overlap others. */
  readonly text: string;
  /** Distance from the upper edge, px. */
  readonly y: number;
  /** Whether it is left of the line, because there is no space on the right. */
  readonly left: boolean;
}

export interface Lettering {
  /** Mean width of a character, px. */
  readonly characterPx: number;
  /** Maximum width, px; the caller cuts longer texts when drawing them. */
  readonly longestPx: number;
}

/** Returns the placed markers within `span`, on a drawing of `width` px; texts that would overlap go to separate rows. */
export function placeMarkers(
  markers: readonly PlotMarker[],
  span: Limits,
  width: number,
  { characterPx, longestPx }: Lettering,
): PlacedMarker[] {
  const perMs = width / Math.max(1, span[1] - span[0]);
  const free = new Array<number>(ROWS).fill(0);
  const shown = markers.filter(({ timeMs }) => timeMs >= span[0] && timeMs <= span[1]);
  return shown.map(({ timeMs, text }, at) => {
    const x = (timeMs - span[0]) * perMs;
    const before = ((shown[at - 1]?.timeMs ?? span[0]) - span[0]) * perMs;
    const long = Math.min(longestPx, text.length * characterPx) + GAP_PX;
    const rooms = { left: x - before, right: width - x };
    // Beyond the line of the marker before, a text would seem to belong to that one.
    const left = long > rooms.right && (long <= rooms.left || rooms.left > rooms.right);
    const taken = Math.min(long, left ? rooms.left : rooms.right);
    const row = free.findIndex((end) => end <= (left ? x - taken : x));
    if (row < 0) return { t: timeMs, text: "", y: 0, left };
    free[row] = left ? x : x + taken;
    const fitting = taken < long ? cutText(text, { characterPx, longestPx: taken - GAP_PX }) : text;
    return { t: timeMs, text: fitting, y: 8 + ROW_PX * row, left };
  });
}

/** Returns the text cut to the length that is drawn. */
export function cutText(text: string, { characterPx, longestPx }: Lettering): string {
  const most = Math.floor(longestPx / characterPx);
  if (most < 2) return "";
  return text.length <= most ? text : `${text.slice(0, most - 1).trimEnd()}…`;
}
