// What people said of moments (markers), next to and in what is delivered. The results' own CSV keeps its columns: markers
// have a file of their own, and a column in the CSVs of sensorgrams.
import { join } from "node:path";
import { writeToString } from "fast-csv";
import type { Marker, NewMarker } from "../../../manifest/markers.ts";
import { isoFromUs, lowerBound } from "../../../manifest/timestamps.ts";
import { writeDurably } from "../../../system/files.ts";
import { safeText } from "./text.ts";

const MARKERS_FILENAME = "markers.csv";

/** The markers as a CSV with the columns timestamp and marker. */
function markersCsv(markers: readonly Marker[]): Promise<string> {
  const lines = markers.map(({ atUs, text }) => [isoFromUs(atUs), safeText(text)]);
  return writeToString([["timestamp", "marker"], ...lines], { headers: false, includeEndRowDelimiter: true });
}

/** Keeps the file of the markers in a directory; writes only what is new. */
export class MarkersFile {
  readonly #path: string;
  #written: string | undefined;

  constructor(directory: string) {
    this.#path = join(directory, MARKERS_FILENAME);
  }

  /** Returns the path where the file was written. An experiment without markers gets none. */
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
 * By index of a frame: the texts of the markers for which it is the first frame at or after their time. Those from before
 * the first frame belong to other curves.
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
