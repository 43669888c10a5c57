// Problems that an import found: one line per kind, with the count and the first example.

/** One kind of finding. */
export interface Finding {
  /** What the problem is and how it was handled. */
  readonly kind: string;
  readonly count: number;
  /** The first example: a file and the place in it, or an image. */
  readonly first: string;
}

export class Findings {
  readonly #found = new Map<string, { count: number; readonly first: string }>();

  add(kind: string, example: string, count = 1): void {
    if (count === 0) return;
    const known = this.#found.get(kind);
    if (known === undefined) this.#found.set(kind, { count, first: example });
    else known.count += count;
  }

  /** Returns the findings in the order in which they were first found. */
  all(): Finding[] {
    return [...this.#found].map(([kind, { count, first }]) => ({ kind, count, first }));
  }
}

/** Formats a finding as one line. */
export function findingLine({ kind, count, first }: Finding): string {
  return `${kind}: ${count} (first: ${first})`;
}
