// What an import met that was not as it should be: a line for each kind, with its number and its first example.

/** One kind of finding. */
export interface Finding {
  /** What it is and what was done with it. */
  readonly kind: string;
  readonly count: number;
  /** The first one: a file and the place in it, or an image. */
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

  /** In the order in which they were met first. */
  all(): Finding[] {
    return [...this.#found].map(([kind, { count, first }]) => ({ kind, count, first }));
  }
}

/** A finding as one line. */
export function findingLine({ kind, count, first }: Finding): string {
  return `${kind}: ${count} (first: ${first})`;
}
