// Temperatures over time, one curve for each sensor, updated with new readings.

import type { CurveManifest } from "../assay/joined.ts";
import { lowerBound } from "../manifest/timestamps.ts";
import { DEGREES } from "../outputs/csv/file/lines.ts";
import { type Columns, type CurveData, decimate } from "./decimate.ts";
import type { CurvesView } from "./views.ts";

const PAGE = 1000;
/** Maximum age difference between a reading and the frame it belongs to. */
export const READING_AGE_US = 120e6;

interface Readings {
  readonly times: number[];
  readonly values: number[];
}

export class Temperatures {
  readonly #manifest: CurveManifest;
  readonly #sensors = new Map<string, Readings>();
  #seenEntry = 0;

  constructor(manifest: CurveManifest) {
    this.#manifest = manifest;
  }

  /** Returns what to draw between two times (µs); see decimate. */
  between(fromUs: number, toUs: number, columns: Columns, tailUs: number | undefined): CurvesView["temperatures"] {
    this.#refresh();
    return [...this.#sensors].map(([sensor, { times, values }]) => {
      const curve: CurveData = {
        timesUs: Float64Array.from(times),
        values: Float64Array.from(values),
        flags: new Uint8Array(times.length),
      };
      const drawn = decimate(curve, fromUs, toUs, columns, tailUs);
      return { sensor, times: drawn.times, values: drawn.values };
    });
  }

  /** Returns every sensor with a temperature. */
  sensors(): string[] {
    this.#refresh();
    return [...this.#sensors.keys()];
  }

  /** Returns a sensor's reading closest to a time (µs), °C; undefined if there is none within two minutes. */
  nearest(sensor: string, timeUs: number): number | undefined {
    const { times, values } = this.#sensors.get(sensor) ?? { times: [], values: [] };
    const after = lowerBound(times, timeUs);
    const distance = (at: number) => Math.abs((times[at] ?? Number.POSITIVE_INFINITY) - timeUs);
    const at = distance(after - 1) <= distance(after) ? after - 1 : after;
    return distance(at) <= READING_AGE_US ? values[at] : undefined;
  }

  #refresh(): void {
    const newest = this.#manifest.history.lastEntry()?.entryId ?? 0;
    while (this.#seenEntry < newest) {
      const readings = this.#manifest.readings.after(this.#seenEntry, PAGE);
      for (const { sensor, unit, value, takenAtUs } of readings) {
        if (unit !== DEGREES || value === undefined) continue;
        const kept = this.#sensors.get(sensor) ?? { times: [], values: [] };
        this.#sensors.set(sensor, kept);
        // A clock that was set back would make the line run backwards, so readings that are not later are skipped.
        if (takenAtUs <= (kept.times.at(-1) ?? 0)) continue;
        kept.times.push(takenAtUs);
        kept.values.push(value);
      }
      // An empty page of results may only mean that none of its entries has a reading.
      const last = readings.at(-1)?.entryId ?? this.#seenEntry + PAGE;
      this.#seenEntry = Math.min(newest, Math.max(last, this.#seenEntry + 1));
    }
  }
}
