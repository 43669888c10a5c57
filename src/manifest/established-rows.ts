// What an entry of a metadata_manifest.json becomes in a row of the manifest.
import { join } from "node:path";
import type { NewFile } from "../system/new-file.ts";
import type { EstablishedEntry } from "./established-entry.ts";
import type { NamedPicture } from "./established-pictures.ts";
import { importedSettings } from "./imported.ts";
import type { EntryHistory } from "./new-entry.ts";
import { plainName } from "./plain-name.ts";

/** An image that can be used, whether it is there or not. */
export type Usable = Exclude<NamedPicture, { kind: "skipped" }>;
/** State of a frame after an import. */
export type Imported = "pending" | "processed" | "failed";

const isWaiting = ({ status }: EstablishedEntry): boolean => status === "pending" || status === "processing";

/** Work that was in progress becomes pending again; a waiting frame without an image becomes failed. */
function stateOf(entry: EstablishedEntry, lost: boolean): { status: Imported; error: string | undefined } {
  const waiting = isWaiting(entry);
  if (waiting && lost) return { status: "failed", error: "the image file does not exist" };
  const kept = entry.status === "processed" || entry.status === "failed" ? entry.status : "pending";
  const withoutPicture = entry.collectionError === undefined ? "processed" : "failed";
  const status = entry.picture === undefined && waiting ? withoutPicture : kept;
  return { status, error: entry.error ?? (status === "failed" ? entry.collectionError : undefined) };
}

/** Returns the columns that say which file an image is, where it is, and what a copy of it has. */
export function fileOf(picture: Usable | undefined, copy: NewFile | undefined) {
  if (picture === undefined) return {};
  if (copy !== undefined) {
    const { name, bytes, sha256 } = copy;
    // It is in the manifest's own directory.
    return { filename: name, bytes, sha256, settings: importedSettings(picture.filename) };
  }
  const { filename, directory } = picture;
  return { filename, filepath: directory, ...(picture.kind === "found" ? { bytes: picture.bytes } : {}) };
}

/** The place of an image, compressed or not. */
export const placeOf = ({ directory, filename }: Usable): string => join(directory, plainName(filename));

/** Returns what an entry says of the past of its frame, and its temperatures. */
export function historyOf(entry: EstablishedEntry, picture: Usable | undefined) {
  const lost = picture?.kind === "missing";
  const { status, error } = stateOf(entry, lost);
  const history = {
    origin: "imported",
    status,
    processedAtUs: status === "pending" ? undefined : entry.processedAtUs,
    errorCode: status !== "failed" ? undefined : lost && isWaiting(entry) ? "frame.missing" : "analysis.failed",
    error,
    dataTransmitted: entry.dataTransmitted,
    imageSynced: entry.imageSynced,
    missing: lost,
  } as const satisfies EntryHistory;
  const readings = entry.temperatures.map(({ sensor, celsius }) => ({
    sensor,
    value: celsius,
    unit: "°C",
    takenAtUs: entry.temperaturesAtUs,
    error: celsius === undefined ? (entry.temperatureError ?? "no value") : undefined,
  }));
  return { history, readings };
}
