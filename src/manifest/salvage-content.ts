// What a row holds besides its form: packed numbers and JSON that were damaged inside show when they are unpacked.
import { decodeLines } from "../analysis/chosen-lines.ts";
import { decodeDriftReference } from "../analysis/drift.ts";
import { decodeReference } from "../analysis/tracking.ts";
import { parseRoiManifest } from "../measurement/roi.ts";
import type { TableForm } from "./salvage-forms.ts";
import type { Value } from "./salvage-records.ts";
import { decodeStatistics } from "./statistics-codec.ts";

/** By table and column: throws for what cannot have been stored there. */
const UNPACK: Readonly<Record<string, Readonly<Record<string, (value: Exclude<Value, null>) => unknown>>>> = {
  detail: { statistics: (value) => decodeStatistics(bytes(value)) },
  drift_reference: { patches: (value) => (bytes(value).length === 0 ? undefined : decodeDriftReference(bytes(value))) },
  chosen_line: { lines: (value) => decodeLines(bytes(value)) },
  tracking_reference: { reference: (value) => decodeReference(bytes(value)) },
  roi_manifest: { json: (value) => parseRoiManifest(String(value), "a saved ROI manifest", { kept: true }) },
};

/** Whether what the row holds can be unpacked. */
export function holds({ name, columns }: TableForm, values: readonly Value[]): boolean {
  return Object.entries(UNPACK[name] ?? {}).every(([column, unpack]) => {
    const value = values[columns.findIndex((one) => one.name === column)] ?? null;
    if (value === null) return true;
    try {
      unpack(value);
      return true;
    } catch {
      // Whatever stumbles over it, it is not what was stored.
      return false;
    }
  });
}

function bytes(value: Exclude<Value, null>): Uint8Array {
  if (!Buffer.isBuffer(value)) throw new TypeError("bytes were expected");
  return value;
}
