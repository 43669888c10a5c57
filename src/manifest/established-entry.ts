// metadata_manifest.json as other programs wrote it: read whole and checked whole before anything is taken from it.
import * as z from "zod";
import { Failure } from "../failure/failure.ts";
import { readable } from "../failure/quote.ts";
import { isKeptLabel } from "../measurement/label-rules.ts";
import { type GivenKind, parseGivenJson, readGivenFile } from "../system/given-file.ts";
import { STATUSES, type Status } from "./schema.ts";
import { usFromIso } from "./timestamps.ts";

const time = z.string().refine((text) => usFromIso(text) !== undefined, "expected an ISO 8601 time");
/** Messages are cut: they are stored with each entry, and shown. */
const text = z
  .string()
  .transform((given) => readable(given))
  .nullish();
const filename = z.string().max(1024).nullish();
const directory = z.string().max(4096).nullish();
const sensor = z.string().refine(isKeptLabel, "expected a name of at most 100 characters on one line");
const flag = z.boolean().nullish();

const ENTRIES = z.array(
  z.object({
    entry_timestamp_iso: time,
    collection_error: flag,
    collection_error_msg: text,
    camera_data: z
      .object({
        filename,
        filepath: directory,
        timestamp_iso: time.nullish(),
        camera_index: z.number().int().nullish(),
        error_flag: flag,
        error_message: text,
      })
      .nullish(),
    temperature_data: z
      .object({
        timestamp_iso: time.nullish(),
        data: z.record(sensor, z.number().nullable()).nullish(),
        error_flag: flag,
        error_message: text,
      })
      .nullish(),
    processing_status: z.enum(STATUSES).nullish(),
    processing_timestamp_iso: time.nullish(),
    processing_error: flag,
    processing_error_msg: text,
    compression_attempted: flag,
    image_synced: flag,
    data_transmitted: flag,
  }),
);

/** A string of JavaScript holds half a gigabyte: at an interval of 10 s, a month of captures. */
const KIND: GivenKind = {
  what: "a metadata manifest",
  code: "usage.invalid",
  mostBytes: 500e6,
  hint: "nothing was imported; fix the file or use a backup of it",
};

type Given = z.infer<typeof ENTRIES>[number];

/** One capture of an established experiment. Times in microseconds, UTC. */
export interface EstablishedEntry {
  readonly capturedAtUs: number;
  readonly picture:
    | { readonly filename: string; readonly directory: string; readonly cameraIndex: number | undefined }
    | undefined;
  readonly temperatures: readonly { readonly sensor: string; readonly celsius: number | undefined }[];
  readonly temperaturesAtUs: number;
  readonly temperatureError: string | undefined;
  readonly collectionError: string | undefined;
  readonly status: Status;
  readonly processedAtUs: number | undefined;
  readonly error: string | undefined;
  readonly compressionAttempted: boolean;
  readonly imageSynced: boolean;
  readonly dataTransmitted: boolean;
}

/** Reads a metadata_manifest.json. Failure `usage.invalid`, in one line, when it is not one. */
export function readMetadataManifest(path: string): EstablishedEntry[] {
  const content = parseGivenJson(readGivenFile(path, KIND).toString("utf8"), path, KIND);
  const parsed = ENTRIES.safeParse(content);
  if (!parsed.success) {
    const [first] = parsed.error.issues;
    const [index, ...keys] = first?.path ?? [];
    const where =
      index === undefined ? "" : `entry ${Number(index) + 1}${keys.length > 0 ? `, ${keys.join(".")}` : ""}: `;
    throw new Failure("usage.invalid", `${path}: ${where}${first?.message ?? "not a metadata manifest"}`, {
      hint: "nothing was imported",
    });
  }
  return parsed.data.map(establishedEntry);
}

function establishedEntry(given: Given): EstablishedEntry {
  const { camera_data: camera, temperature_data: temperature } = given;
  const entryUs = usFromIso(given.entry_timestamp_iso) ?? 0;
  const filename = camera?.filename ?? "";
  const cameraError = camera?.error_flag === true ? (camera.error_message ?? "the camera failed") : undefined;
  const collectionError =
    given.collection_error === true ? (given.collection_error_msg ?? "not collected") : cameraError;
  return {
    capturedAtUs: optionalTime(camera?.timestamp_iso) ?? entryUs,
    picture:
      filename === ""
        ? undefined
        : { filename, directory: camera?.filepath ?? "", cameraIndex: camera?.camera_index ?? undefined },
    temperatures: Object.entries(temperature?.data ?? {}).map(([sensor, value]) => ({
      sensor,
      celsius: value ?? undefined,
    })),
    temperaturesAtUs: optionalTime(temperature?.timestamp_iso) ?? entryUs,
    temperatureError: temperature?.error_flag === true ? (temperature.error_message ?? "the sensor failed") : undefined,
    collectionError,
    status: given.processing_status ?? "pending",
    processedAtUs: optionalTime(given.processing_timestamp_iso),
    error: given.processing_error === true ? (given.processing_error_msg ?? "failed") : undefined,
    compressionAttempted: given.compression_attempted ?? false,
    imageSynced: given.image_synced ?? false,
    dataTransmitted: given.data_transmitted ?? false,
  };
}

function optionalTime(given: string | null | undefined): number | undefined {
  return given === null || given === undefined ? undefined : usFromIso(given);
}
