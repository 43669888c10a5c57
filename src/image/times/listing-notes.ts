// What a person should know of the times of a whole list of files.
import type { PageTime } from "./fill.ts";
import type { TimedFile } from "./find.ts";
import { images, some } from "./table.ts";

/** A line for files whose times are the same. */
export function repeated(times: ReadonlyMap<TimedFile, PageTime>): string[] {
  const seen = new Set<number>();
  let count = 0;
  let example = "";
  for (const [{ name }, { takenAtUs }] of times) {
    if (seen.has(takenAtUs)) {
      count++;
      example ||= name;
    }
    seen.add(takenAtUs);
  }
  if (count === 0) return [];
  return [`${images(count)} ${count === 1 ? "has" : "have"} the same time as another one, for example ${example}`];
}

/** What metadata.txt and the files of a directory have that the other does not. */
export function contradictions(described: ReadonlySet<string>, names: ReadonlySet<string>): string[] {
  if (described.size === 0) return [];
  const lines: string[] = [];
  const gone = [...described].filter((name) => !names.has(name));
  const without = [...names].filter((name) => !described.has(name));
  if (gone.length > 0)
    lines.push(
      `metadata.txt describes ${images(gone.length)} that ${gone.length === 1 ? "is" : "are"} not there: ${some(gone)}`,
    );
  if (without.length > 0) lines.push(`metadata.txt has no time for ${images(without.length)}: ${some(without)}`);
  return lines;
}
