// Formats sensorgrams as lines of CSV, with the same columns on the command line and on the page.
import { writeToString } from "fast-csv";
import type { DerivedErrors, WorkedSensorgram } from "../../../assay/worked-sensorgram.ts";
import type { NewMarker } from "../../../manifest/markers.ts";
import { isoFromUs } from "../../../manifest/timestamps.ts";
import { flagNames } from "../../../measurement/method.ts";
import { FrameColumns, type FrameFacts } from "./frame-columns.ts";
import { temperatureColumn } from "./lines.ts";
import { markedFrames } from "./markers.ts";
import { safeText } from "./text.ts";

/** `standard_error_px` is that of the position; the errors of derived values have their own columns. */
const COLUMNS = [
  ...["timestamp", "label", "position_px", "standard_error_px", "shift_px", "movement_px", "referenced_px"],
  ...["double_referenced_px", "smoothed_px", "riu", "shift_standard_error_px", "movement_standard_error_px"],
  ...["referenced_standard_error_px", "double_referenced_standard_error_px", "smoothed_standard_error_px"],
  ...["riu_standard_error", "flags", "marker"],
];
/** The most processed of shift, referenced and double_referenced. */
const RESULT_COLUMNS = ["result_px", "result_standard_error_px"];
const FORM = { headers: false, includeEndRowDelimiter: true };

/** The parts of a curve that are written; absent if a group does not have them. */
export type CsvCurve = Pick<WorkedSensorgram, "label" | "timesUs" | "shift" | "result" | "flags"> &
  Partial<
    Pick<
      WorkedSensorgram,
      "position" | "standardError" | "movement" | "referenced" | "doubleReferenced" | "smoothed" | "riu"
    >
  > & { readonly errors: Pick<DerivedErrors, "shift" | "result"> & Partial<DerivedErrors> };

/** Data that the curves do not contain. */
export interface Beside {
  readonly markers: readonly NewMarker[];
  readonly frames: FrameFacts;
  readonly temperatures: {
    sensors(): readonly string[];
    /** Temperature in °C; undefined if the sensor has no reading near this time, µs. */
    nearest(sensor: string, timeUs: number): number | undefined;
  };
}

export class CurveLines {
  readonly #beside: Beside;
  readonly #sensors: readonly string[];
  readonly #frames: FrameColumns;

  constructor(beside: Beside) {
    this.#beside = beside;
    this.#sensors = beside.temperatures.sensors();
    this.#frames = new FrameColumns(beside.frames);
  }

  header(): Promise<string> {
    const temperatures = this.#sensors.map(temperatureColumn);
    return writeToString([[...COLUMNS, ...temperatures, ...RESULT_COLUMNS, ...this.#frames.header]], FORM);
  }

  /**
   * Returns the lines of a curve's frames in an index range; empty if there are none. A marker is written at the first frame at
   * or after its time; temperatures are the readings nearest to the frame.
   */
  async of(curve: CsvCurve, first = 0, end = curve.timesUs.length): Promise<string> {
    const { errors } = curve;
    const px = [curve.position, curve.standardError, curve.shift, curve.movement, curve.referenced];
    px.push(curve.doubleReferenced, curve.smoothed);
    const errorsPx = [errors.shift, errors.movement, errors.referenced, errors.doubleReferenced, errors.smoothed];
    const marked = markedFrames(curve.timesUs, this.#beside.markers);
    const lines: string[][] = [];
    for (let at = first; at < end; at += 1) {
      const timeUs = curve.timesUs[at] as number;
      lines.push([
        isoFromUs(timeUs),
        safeText(curve.label),
        ...px.map((values) => cell(values?.[at], 5)),
        cell(curve.riu?.[at], 10),
        ...errorsPx.map((values) => cell(values?.[at], 5)),
        cell(errors.riu?.[at], 10),
        flagNames(curve.flags[at] ?? 0).join("|"),
        marked.get(at) ?? "",
        ...this.#sensors.map((sensor) => cell(this.#beside.temperatures.nearest(sensor, timeUs), 3)),
        cell(curve.result[at], 5),
        cell(errors.result[at], 5),
        ...this.#frames.cells(timeUs),
      ]);
    }
    return lines.length === 0 ? "" : await writeToString(lines, FORM);
  }
}

/** Returns an empty cell if there is no number. */
function cell(value: number | undefined, decimals: number): string {
  return value === undefined || !Number.isFinite(value) ? "" : String(Number(value.toFixed(decimals)));
}
