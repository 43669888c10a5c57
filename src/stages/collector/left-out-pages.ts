// Counts the pages of stacks that are left out because another channel, plane or position was chosen, over all files of a run.

const LEFT_OUT = /^left out (\d+) pages? (.*)$/;

export class LeftOutPages {
  /** By file, and in it by what comes after the count. A file that has grown is counted as it is now. */
  readonly #byFile = new Map<string, ReadonlyMap<string, number>>();

  /** Notes what was left out of a file; returns the other lines about it. */
  note(file: string, lines: readonly string[]): string[] {
    const counts = new Map<string, number>();
    const others = lines.filter((line) => {
      const [, count, what = ""] = LEFT_OUT.exec(line) ?? [];
      if (count !== undefined) counts.set(what, Number(count));
      return count === undefined;
    });
    if (counts.size > 0) this.#byFile.set(file, counts);
    return others;
  }

  /** One line for each kind of pages. */
  lines(): string[] {
    const total = new Map<string, number>();
    for (const counts of this.#byFile.values()) {
      for (const [what, count] of counts) total.set(what, (total.get(what) ?? 0) + count);
    }
    return [...total].map(([what, count]) => `left out ${count} ${count === 1 ? "page" : "pages"} ${what}`);
  }
}
