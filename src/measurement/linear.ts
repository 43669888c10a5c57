// Solves small systems of linear equations, such as a fit of a dozen unknowns.

export type Matrix = readonly (readonly number[])[];

/** Returns the scalar product of vectors of the same length. */
export function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += (a[k] ?? 0) * (b[k] ?? 0);
  return sum;
}

/** Returns the inverse of a system's left-hand side, column by column. */
export function inverse(system: readonly Float64Array[]): number[][] {
  const n = system.length;
  return system.map((_, k) => {
    const unit = system.map((line, i) => {
      const copy = line.slice();
      copy[n] = i === k ? 1 : 0;
      return copy;
    });
    return solve(unit) ?? system.map(() => Number.POSITIVE_INFINITY);
  });
}

/** Returns aᵀ · matrix · b. */
export function product(matrix: Matrix, a: readonly number[], b: readonly number[]): number {
  return matrix.reduce((sum, line, i) => sum + (a[i] ?? 0) * dot(line, b), 0);
}

/**
 * Solves a system by Gaussian elimination with pivots; undefined if the system does not determine its unknowns. The input does
 * not change.
 */
export function solve(system: readonly Float64Array[]): number[] | undefined {
  const lines: Float64Array[] = system.map((line) => line.slice());
  const n = lines.length;
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let row = column + 1; row < n; row++) {
      if (Math.abs(lines[row]?.[column] ?? 0) > Math.abs(lines[pivot]?.[column] ?? 0)) pivot = row;
    }
    const top = lines[pivot] as Float64Array;
    if (!(Math.abs(top[column] ?? 0) > 1e-9)) return undefined;
    [lines[column], lines[pivot]] = [top, lines[column] as Float64Array];
    for (let row = 0; row < n; row++) {
      if (row === column) continue;
      const line = lines[row] as Float64Array;
      const factor = (line[column] ?? 0) / (top[column] ?? 1);
      for (let k = column; k <= n; k++) line[k] = (line[k] ?? 0) - factor * (top[k] ?? 0);
    }
  }
  return lines.map((line, i) => (line[n] ?? 0) / (line[i] ?? 1));
}

/**
 * Returns the normal equations of a weighted least-squares problem, with the right-hand side in the last column, as `solve` and
 * `inverse` take them.
 */
export function normalEquations(rows: Matrix, values: ArrayLike<number>, weights?: ArrayLike<number>): Float64Array[] {
  const size = rows[0]?.length ?? 0;
  const system = Array.from({ length: size }, () => new Float64Array(size + 1));
  rows.forEach((row, i) => {
    const weight = weights?.[i] ?? 1;
    const all = [...row, values[i] ?? 0];
    system.forEach((line, j) => {
      for (let k = 0; k <= size; k++) line[k] = (line[k] ?? 0) + weight * (row[j] ?? 0) * (all[k] ?? 0);
    });
  });
  return system;
}
