// Draws a curve in one line of characters.

const BARS = [..."▁▂▃▄▅▆▇█"];
/** For terminals that only support ASCII. */
const PLAIN_BARS = [..."_.-=+*#@"];
const GAP = "·";
const DOUBTFUL = "×";

export interface SparkPoint {
  /** NaN: nothing was measured. */
  readonly value: number;
  readonly doubtful: boolean;
}

/**
 * Draws the last `width` points as bars between their smallest and largest valid value. A range narrower than `leastRange` is not
 * magnified further, so that noise looks like noise.
 */
export function sparkline(points: readonly SparkPoint[], width: number, leastRange: number, unicode = true): string {
  const bars = unicode ? BARS : PLAIN_BARS;
  const shown = points.slice(-width);
  const sound = shown.filter(({ value, doubtful }) => !doubtful && Number.isFinite(value)).map(({ value }) => value);
  const [low, high] = [Math.min(...sound), Math.max(...sound)];
  const range = Math.max(high - low, leastRange);
  const from = (low + high - range) / 2;
  return shown
    .map(({ value, doubtful }) => {
      if (doubtful) return unicode ? DOUBTFUL : "x";
      if (!Number.isFinite(value)) return unicode ? GAP : " ";
      const place = Math.floor(((value - from) / range) * bars.length);
      return bars[Math.min(bars.length - 1, Math.max(0, place))] ?? "";
    })
    .join("");
}

/** Whether the terminal supports more than ASCII, according to the locale. */
export function knowsUnicode({ LC_ALL, LC_CTYPE, LANG }: NodeJS.ProcessEnv): boolean {
  return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || "");
}
