// Messages about the times of a whole list of files.
import type { ImageAxes } from "../image-axes.ts";
import type { PageTime } from "./fill.ts";
import type { Found, TimedFile } from "./find.ts";
import type { TimeSource } from "./source.ts";
import { images, some } from "./table.ts";

const SOURCES: Readonly<Record<TimeSource, string>> = {
  table: "from the table of times",
  "micro-manager": "from Micro-Manager",
  ome: "from OME-XML",
  imagej: "from ImageJ",
  exif: "from EXIF",
  name: "from the name",
  file: "guessed",
};

/** Returns the source of each page's time, even if its date is guessed. */
export function sourcesOf({ source, stated, next }: Found, count: number): TimeSource[] {
  const rest = next === undefined ? [] : sourcesOf(next, count);
  return Array.from({ length: count }, (_, page) => (stated.us[page] === undefined ? (rest[page] ?? "file") : source));
}

/** Label for times that count from a start without a date, whatever their source. */
export const UNDATED =
  "the times count from the start, without a date; phorest takes the date from the time of modification";

/**
 * Returns a line that counts the times from each source, if there are several sources; `counted` writes a number with its noun.
 */
export function sourcesLine(sources: readonly TimeSource[], counted: (count: number) => string): string[] {
  const counts = new Map<TimeSource, number>();
  for (const source of sources) counts.set(source, (counts.get(source) ?? 0) + 1);
  if (counts.size < 2) return [];
  const parts = Object.entries(SOURCES).flatMap(([source, name]) => {
    const count = counts.get(source as TimeSource);
    return count === undefined ? [] : `${counted(count)} ${name}`;
  });
  return [`capture times: ${parts.join(", ")}`];
}

/** The message about files with identical times, and their number. */
interface Repeated {
  readonly count: number;
  readonly line: string;
}

/**
 * Returns a line about files with identical times; undefined if all times differ. Files of different channels, planes or
 * positions may have the same time. `axesOf` returns what the name states about them; for stacks and OME-TIFF that is not known
 * here.
 */
export function repeated(
  times: ReadonlyMap<TimedFile, PageTime>,
  axesOf: (file: TimedFile) => ImageAxes | undefined,
): Repeated | undefined {
  const seen = new Set<string>();
  let count = 0;
  let example = "";
  for (const [file, { takenAtUs, source }] of times) {
    const axes = axesOf(file);
    if (axes === undefined && (source === "ome" || source === "micro-manager")) continue;
    const key = JSON.stringify([takenAtUs, axes]);
    if (seen.has(key)) {
      count++;
      example ||= file.name;
    }
    seen.add(key);
  }
  if (count === 0) return undefined;
  const line = `${images(count)} ${count === 1 ? "has" : "have"} the same time as another one, for example ${example}`;
  return { count, line };
}

/** Returns lines about images that only metadata.txt lists, and files that it does not list. */
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
