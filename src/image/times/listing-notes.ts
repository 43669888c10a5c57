// What a person should know of the times of a whole list of files.
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

/** Where the time of each page is from, also where its date is guessed. */
export function sourcesOf({ source, stated, next }: Found, count: number): TimeSource[] {
  const rest = next === undefined ? [] : sourcesOf(next, count);
  return Array.from({ length: count }, (_, page) => (stated.us[page] === undefined ? (rest[page] ?? "file") : source));
}

/** Of times that count from a start, whatever they are from. */
export const UNDATED =
  "the times count from the start, without a date; phorest takes the date from the time of modification";

/** A line that says how many times are from which source, if they are not all from one; `counted` says a number in words. */
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

/** What is said of files whose times are the same, and how many they are. */
interface Repeated {
  readonly count: number;
  readonly line: string;
}

/**
 * A line for files whose times are the same; undefined where all differ. Those of different channels, planes or positions may have one time: `axesOf` says what is
 * known of these by the name, and of stacks and OME-TIFF it is not known here.
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
