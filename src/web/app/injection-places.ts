// Places injections along the time axis of a drawing, and finds the name that there is room for. Used on the page and in files.
import { concentrationText } from "../../measurement/concentration.ts";
import type { InjectionView } from "../evaluation-views.ts";

/** How strongly the time of an injection and that of its dissociation are shaded. */
export const SHADES = { injection: 0.16, dissociation: 0.06 } as const;
/** px of a character of a name, on average. */
const CHARACTER_PX = 6.4;
/** Space to the left and right of a name, px. */
export const NAME_GAP_PX = 4;

export interface PlacedInjection {
  /** Start and end of the injection, and end of its dissociation, px. */
  readonly from: number;
  readonly to: number;
  readonly end: number;
  /** Whether it measures something: a sample or a calibration. */
  readonly isMain: boolean;
  /** Undefined if there is no room even for the number. */
  readonly name: string | undefined;
}

/**
 * Returns where to draw the injections. `place`: position of a time (ms) in px; `untilMs`: end of the last dissociation if it is
 * open. Where there is no room for the name, it is the number that the injection has in the table.
 */
export function placedInjections(
  injections: readonly InjectionView[],
  untilMs: number,
  place: (ms: number) => number,
): PlacedInjection[] {
  return injections.map((one, at) => {
    const last = one.dissociationEnd ?? injections[at + 1]?.start ?? Math.max(untilMs, one.end);
    const [from, to, end] = [place(one.start), place(one.end), place(last)];
    const room = end - from - 2 * NAME_GAP_PX;
    const name = [nameOf(one), one.solution, String(one.id)].find((text) => text.length * CHARACTER_PX <= room);
    return { from, to, end, isMain: one.type === "sample" || one.type === "calibration", name };
  });
}

/** "antibody, 50 nM" */
function nameOf({ solution, concentration, refractiveIndex }: InjectionView): string {
  const amount = concentration === null ? refractiveIndex : concentrationText(concentration);
  return amount === null ? solution : `${solution}, ${amount}`;
}
