// Merges the drawn curves with the newer part that the server sent.
import type { CurvesView } from "../views.ts";

/** Returns the drawn curves with the newer part appended; the answer itself if it is complete. */
export function broughtUpToDate(before: CurvesView | undefined, answer: CurvesView): CurvesView {
  const from = answer.tailFrom;
  if (from === undefined || before === undefined) return answer;
  const curves = answer.curves.map((curve, at) => {
    const old = before.curves[at];
    return old === undefined
      ? curve
      : { ...curve, ...joined(old, curve, from), flagged: joined(old.flagged, curve.flagged, from) };
  });
  const temperatures = answer.temperatures.map((now) => {
    const old = before.temperatures.find(({ sensor }) => sensor === now.sensor);
    return old === undefined ? now : { ...now, ...joined(old, now, from) };
  });
  return { ...answer, curves, temperatures };
}

/** Columns of equal length: the old ones before a time (ms), then the new ones. */
function joined<T extends { readonly times: readonly number[] }>(old: T, now: T, from: number): T {
  let kept = old.times.length;
  while (kept > 0 && (old.times[kept - 1] as number) >= from) kept -= 1;
  const entries = Object.entries(now).map(([name, values]): [string, unknown] => {
    const before: unknown = Reflect.get(old, name);
    return [name, Array.isArray(values) && Array.isArray(before) ? before.slice(0, kept).concat(values) : values];
  });
  return Object.fromEntries(entries) as T;
}
