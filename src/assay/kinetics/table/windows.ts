// Finds when the analyte was over the surface: from options, from columns, or from the curves.
import { Failure } from "../../../failure/failure.ts";
import type { InjectionWindow } from "../curve-set.ts";
import type { RawCycle } from "./raw-curves.ts";

/** Windows given by options, s. */
export interface GivenWindows {
  /** Associations, in order. */
  readonly associations: readonly (readonly [number, number])[];
  /** The last dissociation. */
  readonly dissociation: readonly [number, number] | undefined;
  /** Concentrations of the associations, in order, M, if the table has none. */
  readonly concentrations: readonly number[];
}

/** Returns the windows of a cycle from options or columns, or undefined. */
export function givenWindows(cycle: RawCycle, given: GivenWindows, where: string): InjectionWindow[] | undefined {
  const { associations, dissociation } = given;
  if (associations.length > 0) {
    return associations.map(([startS, toS], at) => {
      const isLast = at === associations.length - 1;
      const endS = isLast && dissociation !== undefined ? Math.min(toS, dissociation[0]) : toS;
      return { startS, endS, concentration: concentrationWithin(cycle, startS, endS, given, at, where) };
    });
  }
  return byColumns(cycle) ?? byConcentration(cycle) ?? byPhase(cycle);
}

function concentrationWithin(
  cycle: RawCycle,
  startS: number,
  endS: number,
  { concentrations }: GivenWindows,
  at: number,
  where: string,
): number {
  const listed = concentrations[at];
  if (listed !== undefined) return listed;
  const seen = cycle.points
    .filter(({ timeS }) => timeS > startS && timeS < endS)
    .flatMap(({ concentration }) => (concentration === undefined ? [] : [concentration]));
  const most = seen.length > 0 ? Math.max(...seen) : highest(cycle);
  if (most === undefined) throw noConcentration(cycle, where);
  return most;
}

/** Returns the highest concentration of a cycle, M; undefined if none is given. */
export function highest({ points }: RawCycle): number | undefined {
  let most: number | undefined;
  for (const { concentration } of points) {
    if (concentration !== undefined && Number.isFinite(concentration)) most = Math.max(most ?? 0, concentration);
  }
  return most;
}

export function noConcentration({ name, curve }: RawCycle, where: string): Failure {
  const which = [curve, name].filter((part) => part !== "").join(", ");
  return new Failure("usage.invalid", `${where}: there is no concentration for ${which}`, {
    hint: "add a column concentration, put it into the column's name (50 nM), or give --concentrations",
  });
}

/** Uses columns with the start and the end of the injection. */
function byColumns(cycle: RawCycle): InjectionWindow[] | undefined {
  const windows = new Map<string, InjectionWindow>();
  for (const { startS, endS, concentration } of cycle.points) {
    if (startS === undefined || endS === undefined || !(endS > startS)) continue;
    const before = windows.get(`${startS}`)?.concentration ?? 0;
    windows.set(`${startS}`, { startS, endS, concentration: Math.max(before, concentration ?? highest(cycle) ?? 0) });
  }
  return windows.size === 0 ? undefined : [...windows.values()].sort((a, b) => a.startS - b.startS);
}

/** Uses a concentration that changes with time: every period above 0 is an injection. */
function byConcentration({ points }: RawCycle): InjectionWindow[] | undefined {
  const values = new Set(points.map(({ concentration }) => concentration));
  if (values.size < 2 || values.has(undefined)) return undefined;
  return stretches(
    points.map(({ timeS, concentration = 0 }) => ({ timeS, key: concentration > 0 ? concentration : undefined })),
  ).map(({ key, ...window }) => ({ ...window, concentration: key as number }));
}

/** Uses a column that names the phase of each point. */
function byPhase(cycle: RawCycle): InjectionWindow[] | undefined {
  const concentration = highest(cycle);
  const isAssociation = (phase: string | undefined) => phase !== undefined && /^(ass|inj|on|binding|a$)/.test(phase);
  if (concentration === undefined || !cycle.points.some(({ phase }) => isAssociation(phase))) return undefined;
  const marked = cycle.points.map(({ timeS, phase }) => ({ timeS, key: isAssociation(phase) ? 1 : undefined }));
  return stretches(marked).map(({ startS, endS }) => ({ startS, endS, concentration }));
}

/**
 * Returns the periods with the same key. A switch lies between two points; half way is wrong by half a frame at most. The first
 * period of a table begins with its first point.
 */
function stretches(marked: readonly { readonly timeS: number; readonly key: number | undefined }[]) {
  const found: { key: number; startS: number; endS: number }[] = [];
  let before: number | undefined;
  let beforeS: number | undefined;
  for (const { timeS, key } of marked) {
    const switchS = beforeS === undefined ? timeS : (beforeS + timeS) / 2;
    const last = found.at(-1);
    if (key !== before && before !== undefined && last !== undefined) last.endS = switchS;
    if (key !== before && key !== undefined) found.push({ key, startS: switchS, endS: timeS });
    if (key !== undefined && key === before && last !== undefined) last.endS = timeS;
    before = key;
    beforeS = timeS;
  }
  return found.filter(({ startS, endS }) => endS > startS);
}
