// Reads a CSV of markers: the file that a run keeps (results/markers.csv), that `phorest markers list --csv` writes, or one made
// in a spreadsheet.
import { parseString } from "fast-csv";
import { Failure } from "../failure/failure.ts";
import type { NewMarker } from "../manifest/markers.ts";
import { markerText } from "./marker-text.ts";
import { timeOption } from "./time-options.ts";

/** Names of the two columns, in upper or lower case; others are ignored. */
const TIME_COLUMNS = ["time", "timestamp"];
const TEXT_COLUMNS = ["text", "marker"];

/** The markers in a CSV. `firstUs`: of the first frame. Failure `usage.invalid` names the file and the line. */
export async function parseMarkers(csv: string, where: string, firstUs: number | undefined): Promise<NewMarker[]> {
  const [header, ...lines] = await rowsOf(csv.replace(/^\uFEFF/, ""), where);
  const names = (header ?? []).map((name) => name.trim().toLowerCase());
  const timeAt = names.findIndex((name) => TIME_COLUMNS.includes(name));
  const textAt = names.findIndex((name) => TEXT_COLUMNS.includes(name));
  if (timeAt < 0 || textAt < 0) {
    throw new Failure("usage.invalid", `${where}: line 1 must name the columns time and text`, {
      hint: "for example: time,text",
    });
  }
  const markers = lines.flatMap((line, index) => {
    if (line.every((cell) => cell.trim() === "")) return [];
    const place = `${where}: line ${index + 2}: the time`;
    return [
      {
        atUs: timeOption(place, (line[timeAt] ?? "").trim())(firstUs),
        text: markerText(line[textAt] ?? "", `${where}: line ${index + 2}`),
      },
    ];
  });
  if (markers.length === 0) throw new Failure("usage.invalid", `${where}: there are no markers in this file`);
  return markers;
}

function rowsOf(csv: string, where: string): Promise<string[][]> {
  const [first = ""] = csv.split("\n", 1);
  // As spreadsheets write it where the comma separates decimals.
  const delimiter = first.includes(";") && !first.includes(",") ? ";" : ",";
  return new Promise((resolve, reject) => {
    const rows: string[][] = [];
    parseString<string[], string[]>(csv, { delimiter })
      .on("data", (row) => rows.push(row))
      .on("end", () => resolve(rows))
      .on("error", (error) => {
        reject(new Failure("usage.invalid", `${where}: not a CSV file: ${error.message}`, { cause: error }));
      });
  });
}
