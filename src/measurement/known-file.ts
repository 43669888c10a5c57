// Recognises files that are easily confused: configuration, feature files, ROI manifests, chip maps, results. If a reader gets
// the wrong one, the error says what the file is and where it belongs, instead of what is wrong with its format.
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { errorCode } from "../failure/error-code.ts";
import { Failure, type FailureCode } from "../failure/failure.ts";

export type KnownFile =
  | "configuration"
  | "features"
  | "old features"
  | "calculated features"
  | "rois"
  | "chip map"
  | "chip"
  | "metadata"
  | "results"
  | "database"
  | "image";

interface Kind {
  /** Completes "this is ...". */
  readonly what: string;
  /** What to do with it. */
  readonly use: string;
}

const KINDS: Readonly<Record<KnownFile, Kind>> = {
  configuration: { what: "a configuration", use: "name it with --config" },
  features: {
    what: "a feature file (rough places of labels)",
    use: "use it with `phorest calibrate IMAGE --features FILE`",
  },
  "old features": {
    what: "a feature file in the older JSON form (rough places of labels)",
    use: "write it as Feature_locations.toml, with chip_type and [[features]] tables, for `phorest calibrate IMAGE --features FILE`",
  },
  "calculated features": {
    what: "a file of calculated image features, a result of the established calibration",
    use: "phorest does not need it; `phorest calibrate IMAGE` finds the chip again",
  },
  rois: {
    what: "an ROI manifest",
    use: "set Assets.generated_files_dir and Paths.roi_manifest_filename to it, or name it with --rois",
  },
  "chip map": { what: "a chip map", use: "use it with `phorest calibrate IMAGE --chip-map FILE`" },
  chip: { what: "a chip file", use: "use it with `phorest calibrate IMAGE --chip FILE`" },
  metadata: {
    what: "the metadata manifest of an established experiment",
    use: "use `phorest import DIRECTORY` with the directory that contains it",
  },
  results: {
    what: "a file of processing results",
    use: "`phorest import DIRECTORY` reads it together with metadata_manifest.json",
  },
  database: { what: "the database of an experiment", use: "name the configuration of the experiment with --config" },
  image: { what: "an image", use: "measure it with `phorest analyse`" },
};

/** Bytes that are enough to find the first entries of each kind. */
const HEAD_BYTES = 64 * 1024;

const JSON_START = /^\s*(?:\{|\[\s*[{\]])/;
/** In the order in which they are tried. */
const JSON_MARKS: readonly (readonly [RegExp, KnownFile])[] = [
  [/"(?:entry_timestamp_iso|camera_data)"\s*:/, "metadata"],
  [/"(?:image_analysis|manifest_entry_timestamp)"\s*:/, "results"],
  [/"(?:grating_origin|label_origin|auto_locate_grating)"\s*:/, "chip map"],
  [/"(?:refined_location|user_location|match_quality)"\s*:/, "calculated features"],
  [/"feature_location"\s*:/, "old features"],
  [/"coords"\s*:|"image_angle"\s*:/, "rois"],
];
const TOML_MARKS: readonly (readonly [RegExp, KnownFile])[] = [
  [/^\s*\[\[\s*features\s*\]\]/m, "features"],
  [/^\s*\[lattice\]/m, "chip"],
  [/^\s*\[(?:Data_Analysis|Paths|Services|Timing|Retries|Communication|Camera|Assets)\]/m, "configuration"],
];
const MAGIC: readonly (readonly [string, KnownFile])[] = [
  ["SQLite format 3\0", "database"],
  ["\x89PNG", "image"],
  ["\xff\xd8\xff", "image"],
  ["II*\0", "image"],
  ["MM\0*", "image"],
  ["II+\0", "image"],
  ["MM\0+", "image"],
];

/** Returns the kind of file that begins like this; undefined if it is not a known one. */
function recognise(head: Buffer): KnownFile | undefined {
  const bytes = head.toString("latin1", 0, 16);
  const magic = MAGIC.find(([mark]) => bytes.startsWith(mark));
  if (magic !== undefined) return magic[1];
  const text = head.toString("utf8").replace(/^\uFEFF/, "");
  const marks = JSON_START.test(text) ? JSON_MARKS : TOML_MARKS;
  return marks.find(([mark]) => mark.test(text))?.[1];
}

/**
 * Throws if a file is of another kind than `expected`; `what` is its name in the message. Failure of `code`. A file of unknown
 * kind, or one that cannot be read, is left to its reader.
 */
export function refuseOtherKind(
  path: string,
  expected: KnownFile,
  what: string,
  code: FailureCode,
  shown = path,
): void {
  const kind = kindOf(path);
  if (kind === undefined || kind === expected) return;
  throw new Failure(code, `${shown}: this is ${KINDS[kind].what}, not ${what}`, { hint: KINDS[kind].use });
}

function kindOf(path: string): KnownFile | undefined {
  try {
    // A pipe could not be read a second time.
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
    const descriptor = openSync(path, "r");
    try {
      const head = Buffer.alloc(HEAD_BYTES);
      return recognise(head.subarray(0, readSync(descriptor, head)));
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    // The file's reader reports why it cannot be read.
    if (errorCode(error) !== undefined) return undefined;
    throw error;
  }
}
