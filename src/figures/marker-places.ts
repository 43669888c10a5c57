// Where the texts of markers stand along a time axis, so that none is over another or beyond the drawing. For files and
// the page alike.
import type { PlotMarker } from "./plot-input.ts";
import type { Limits } from "./trace.ts";

const ROW_PX = 13;
const ROWS = 3;

export interface PlacedMarker {
  readonly t: number;
  /** Empty where it would be over others. */
  readonly text: string;
  /** px from the upper edge. */
  readonly y: number;
  /** Left of the line, for there is no room right of it. */
  readonly left: boolean;
}

export interface Lettering {
  /** Mean width of a character. */
  readonly characterPx: number;
  /** The caller cuts wider texts when it draws them. */
  readonly longestPx: number;
}

/** Those within `span`, on a drawing of `width` px; texts that would meet go to rows below one another. */
export function placeMarkers(
  markers: readonly PlotMarker[],
  span: Limits,
  width: number,
  { characterPx, longestPx }: Lettering,
): PlacedMarker[] {
  const perMs = width / Math.max(1, span[1] - span[0]);
  const free = new Array<number>(ROWS).fill(0);
  return markers
    .filter(({ timeMs }) => timeMs >= span[0] && timeMs <= span[1])
    .map(({ timeMs, text }) => {
      const x = (timeMs - span[0]) * perMs;
      const long = Math.min(longestPx, text.length * characterPx) + 8;
      const left = x + long > width;
      const row = free.findIndex((end) => end <= (left ? x - long : x));
      if (row < 0) return { t: timeMs, text: "", y: 0, left };
      free[row] = left ? x : x + long;
      return { t: timeMs, text, y: 8 + ROW_PX * row, left };
    });
}

/** A text no longer than what is drawn of it. */
export function cutText(text: string, { characterPx, longestPx }: Lettering): string {
  const most = Math.floor(longestPx / characterPx);
  return text.length <= most ? text : `${text.slice(0, most - 1).trimEnd()}…`;
}
