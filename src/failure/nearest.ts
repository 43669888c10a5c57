// Finds the known name that is closest to a mistyped one.

/** A longer text was not meant to be one of our names. */
const LONGEST_NAME = 100;

/** Returns the name closest to `given`, if it is close enough to have been meant. */
export function nearest(given: string, names: readonly string[]): string | undefined {
  if (given.length > LONGEST_NAME) return undefined;
  const best = closest(given, names);
  if (best === undefined || best.steps > Math.max(2, Math.max(given.length, best.name.length) / 2)) return undefined;
  return best.name;
}

/**
 * Returns the name closest to `pattern`, in which `*` matches any characters, however different it is; undefined without names.
 */
export function nearestToPattern(pattern: string, names: readonly string[]): string | undefined {
  return closest(pattern.slice(0, LONGEST_NAME), names)?.name;
}

function closest(given: string, names: readonly string[]): { name: string; steps: number } | undefined {
  const wanted = given.toLowerCase();
  let best: { name: string; steps: number } | undefined;
  for (const name of names) {
    const steps = editDistance(wanted, name.toLowerCase());
    if (best === undefined || steps < best.steps) best = { name, steps };
  }
  return best;
}

/**
 * Returns the Levenshtein distance: single-letter insertions, deletions and replacements. A `*` in `a` matches any letters at no
 * cost.
 */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const above = row;
    const step = a[i - 1] === "*" ? 0 : 1;
    row = [(above[0] ?? 0) + step];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : step);
      row.push(Math.min(replaced, (above[j] ?? 0) + step, (row[j - 1] ?? 0) + step));
    }
  }
  return row[b.length] ?? 0;
}
