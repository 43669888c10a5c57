// Finds images of an established experiment that no entry names: the service stopped between image and entry, or a manifest was
// lost. Their names give the capture time in the local time of the computer that took them.
import { captureTimeOf } from "../image/capture-name.ts";
import { isPictureName } from "../image/picture-name.ts";
import type { EstablishedEntry } from "./established-entry.ts";
import type { Findings } from "./import-findings.ts";
import { plainName } from "./plain-name.ts";
import { lowerBound } from "./timestamps.ts";

/** An image of an entry, in the form in which the manifest looks it up. */
interface Picture {
  readonly capturedAtUs: number;
  readonly directory: string;
  readonly filename: string;
}

/** A directory with the names of its files. */
interface Listing {
  readonly directory: string;
  readonly names: ReadonlySet<string>;
}

/**
 * Returns pending entries for the images in a directory that none of `entries` names and that no earlier import added. Images
 * whose names contain no time are left out and counted.
 */
export function orphans(
  { directory, names }: Listing,
  entries: readonly EstablishedEntry[],
  findings: Findings,
  isKnown: (picture: Picture) => boolean,
): EstablishedEntry[] {
  const named = new Set(entries.flatMap(({ picture }) => (picture === undefined ? [] : plainName(picture.filename))));
  const shift = clockShift(entries);
  return [...names]
    .filter(isPictureName)
    .sort()
    .flatMap((name): EstablishedEntry[] => {
      // If an image exists both plain and compressed, the plain one counts.
      if (named.has(plainName(name)) || (name !== plainName(name) && names.has(plainName(name)))) return [];
      const nameUs = captureTimeOf(name);
      if (nameUs === undefined) {
        findings.add("images without an entry and without a time in their names, left out", name);
        return [];
      }
      const capturedAtUs = nameUs + shift(nameUs);
      if (isKnown({ capturedAtUs, directory, filename: name })) return [];
      findings.add("images without an entry, added as pending and dated by their names", name);
      return [entryOf(name, directory, capturedAtUs)];
    });
}

function entryOf(filename: string, directory: string, capturedAtUs: number): EstablishedEntry {
  return {
    capturedAtUs,
    picture: { filename, directory, cameraIndex: undefined },
    temperatures: [],
    temperaturesAtUs: capturedAtUs,
    temperatureError: undefined,
    collectionError: undefined,
    status: "pending",
    processedAtUs: undefined,
    error: undefined,
    compressionAttempted: false,
    imageSynced: false,
    dataTransmitted: false,
  };
}

/** A name and its entry are written at the same moment, up to a few seconds. Time zones differ by multiples of 15 minutes. */
const QUARTER_HOUR_US = 900e6;

/**
 * Returns the offset from the time in a name to UTC, taken from the nearest entry that has such a name. Without one, names are
 * assumed to be in the local time of this computer.
 */
function clockShift(entries: readonly EstablishedEntry[]): (nameUs: number) => number {
  const known = entries
    .flatMap(({ picture, capturedAtUs }): (readonly [number, number])[] => {
      const nameUs = picture === undefined ? undefined : captureTimeOf(picture.filename);
      if (nameUs === undefined) return [];
      return [[nameUs, Math.round((capturedAtUs - nameUs) / QUARTER_HOUR_US) * QUARTER_HOUR_US]];
    })
    .sort(([a], [b]) => a - b);
  const times = Float64Array.from(known, ([nameUs]) => nameUs);
  return (nameUs) => {
    const at = lowerBound(times, nameUs);
    const [before, after] = [known[at - 1], known[at]];
    if (before === undefined && after === undefined) return localShift(nameUs);
    const nearer =
      after === undefined || (before !== undefined && nameUs - before[0] < after[0] - nameUs) ? before : after;
    return nearer?.[1] ?? 0;
  };
}

/** Converts a local time that was read as if it were UTC to UTC. */
function localShift(nameUs: number): number {
  const date = new Date(nameUs / 1000);
  const local = new Date(
    date.getUTCFullYear(),
    date.getUTCMonth(),
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
  );
  return (local.getTime() - Math.floor(date.getTime() / 1000) * 1000) * 1000;
}
