// Writes the markers of users. The CSV of results keeps its columns, so markers have their own file, and a column in the CSVs of
// sensorgrams.
import { join } from "node:path";
import { writeToString } from "fast-csv";
import type { Marker, NewMarker } from "../../../manifest/markers.ts";
import { isoFromUs, lowerBound } from "../../../manifest/timestamps.ts";
import { writeDurably } from "../../../system/files.ts";
import { safeText } from "./text.ts";

const MARKERS_FILENAME = "markers.csv";

/** Returns the markers as a CSV with the columns timestamp and marker. */
function markersCsv(markers: readonly Marker[]): Promise<string> {
  const lines = markers.map(({ atUs, text }) => [isoFromUs(atUs), safeText(text)]);
  return writeToString([["timestamp", "marker"], ...lines], { headers: false, includeEndRowDelimiter: true });
}

/** Writes the file of markers in a directory when they have changed. */
export class MarkersFile {
  readonly #path: string;
  #written: string | undefined;

  constructor(directory: string) {
    this.#path = join(directory, MARKERS_FILENAME);
  }

  /** Writes the file if necessary and returns its path if it did. An experiment without markers gets none. */
  async update(markers: readonly Marker[]): Promise<string | undefined> {
    if (markers.length === 0 && this.#written === undefined) return undefined;
    const text = await markersCsv(markers);
    if (text === this.#written) return undefined;
    await writeDurably(this.#path, text);
    this.#written = text;
    return this.#path;
  }
}

/**
 * Returns, by frame index, the texts of the markers for which it is the first frame at or after their time. Markers before the
 * first frame belong to other curves.
 */
export function markedFrames(timesUs: Float64Array, markers: readonly NewMarker[]): ReadonlyMap<number, string> {
  const marked = new Map<number, string>();
  for (const { atUs, text } of markers) {
    const at = lowerBound(timesUs, atUs);
    if (at === timesUs.length || atUs < (timesUs[0] as number)) continue;
    const before = marked.get(at);
    marked.set(at, safeText(before === undefined ? text : `${before} | ${text}`));
  }
  return marked;
}
