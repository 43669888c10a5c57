// The points of a table by curve, before the times of injections are known.

export interface RawPoint {
  readonly timeS: number;
  readonly response: number;
  readonly error: number | undefined;
  /** Concentration, M; undefined if the table gives none. */
  readonly concentration: number | undefined;
  readonly phase: string | undefined;
  readonly startS: number | undefined;
  readonly endS: number | undefined;
}

export interface RawCycle {
  readonly name: string;
  readonly curve: string;
  readonly points: readonly RawPoint[];
}

/** Counts of what was left out of a table or reordered. */
export interface Tally {
  missing: number;
  duplicates: number;
  unsorted: number;
}

/** Sorts the points by time, drops points without a value, and averages points with the same time. */
export function tidied(cycle: RawCycle, tally: Tally): RawCycle {
  const usable = cycle.points.filter(({ timeS, response }) => Number.isFinite(timeS) && Number.isFinite(response));
  tally.missing += cycle.points.length - usable.length;
  tally.unsorted += usable.filter(({ timeS }, at) => at > 0 && timeS < (usable[at - 1]?.timeS ?? timeS)).length;
  const sorted = [...usable].sort((a, b) => a.timeS - b.timeS);
  const points: RawPoint[] = [];
  for (let from = 0; from < sorted.length; ) {
    let to = from + 1;
    while (to < sorted.length && sorted[to]?.timeS === sorted[from]?.timeS) to += 1;
    const same = sorted.slice(from, to);
    tally.duplicates += same.length - 1;
    const response = same.reduce((sum, one) => sum + one.response, 0) / same.length;
    points.push({ ...(same[0] as RawPoint), response });
    from = to;
  }
  return { ...cycle, points };
}
