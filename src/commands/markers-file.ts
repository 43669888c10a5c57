// Reads a CSV of markers: the file that a run writes (results/markers.csv), the output of `phorest markers list --csv`, or a file
// from a spreadsheet.

import { csvLines } from "../evaluation/csv-rows.ts";
import { timeOption } from "../evaluation/time-options.ts";
import { Failure } from "../failure/failure.ts";
import type { NewMarker } from "../manifest/markers.ts";
import type { TimeZone } from "../system/time-zone.ts";
import { markerText } from "./marker-text.ts";

/** Names of the two columns, in any letter case; other columns are ignored. */
const TIME_COLUMNS = ["time", "timestamp"];
const TEXT_COLUMNS = ["text", "marker"];

/**
 * Returns the markers in a CSV. `firstUs`: time of the first frame; `zone`: for times that name none. Throws Failure
 * `usage.invalid`, which names the file and the line.
 */
export async function parseMarkers(
  csv: string,
  where: string,
  firstUs: number | undefined,
  zone: TimeZone,
): Promise<NewMarker[]> {
  const { names, lines } = await csvLines(csv, where);
  const has = (wanted: readonly string[]) => names.some((name) => wanted.includes(name));
  if (!has(TIME_COLUMNS) || !has(TEXT_COLUMNS)) {
    throw new Failure("usage.invalid", `${where}: line 1 must name the columns time and text`, {
      hint: "for example: time,text",
    });
  }
  const markers = lines.map((line) => ({
    atUs: timeOption(`${line.where}: the time`, line.cell(...TIME_COLUMNS) ?? "", zone)(firstUs),
    text: markerText(line.cell(...TEXT_COLUMNS) ?? "", line.where),
  }));
  if (markers.length === 0) throw new Failure("usage.invalid", `${where}: there are no markers in this file`);
  return markers;
}
