// Parses one entry of a metadata_manifest.json written by another program. Values that only describe the capture may be wrong or
// absent. An entry without a time or a valid file name cannot be used.
import * as z from "zod";
import { readable } from "../failure/quote.ts";
import { isKeptLabel } from "../measurement/label-rules.ts";
import { STATUSES, type Status } from "./schema.ts";
import { usFromIso } from "./timestamps.ts";

const time = z
  .string()
  .refine((text) => usFromIso(text) !== undefined)
  .nullish()
  .catch(undefined);
/** Longer messages are cut, because they are stored with each entry and shown. */
const text = z
  .string()
  .transform((given) => readable(given))
  .nullish()
  .catch(undefined);
const filename = z.string().max(1024).nullish();
const directory = z.string().max(4096).nullish();
const flag = z.boolean().nullish().catch(undefined);
/** Not every value is a number: a sensor may have failed. */
const values = z.record(z.string(), z.unknown()).nullish().catch(undefined);

const ENTRY = z.object({
  entry_timestamp_iso: time,
  collection_error: flag,
  collection_error_msg: text,
  camera_data: z
    .object({
      filename,
      // phorest writes it for files with several images. Taken for granted, a wrong one would give a frame the place of another.
      page: z
        .number("not a page number")
        .int("not a page number")
        .min(1, "not a page number, which count from 1")
        .optional(),
      filepath: directory,
      timestamp_iso: time,
      // The importer of the established system writes a name here.
      camera_index: z.number().int().nullish().catch(undefined),
      error_flag: flag,
      error_message: text,
    })
    .nullish(),
  temperature_data: z
    .object({ timestamp_iso: time, data: values, error_flag: flag, error_message: text })
    .nullish()
    .catch(undefined),
  processing_status: z.string().nullish().catch(undefined),
  processing_timestamp_iso: time,
  processing_error: flag,
  processing_error_msg: text,
  compression_attempted: flag,
  image_synced: flag,
  data_transmitted: flag,
});

type Given = z.infer<typeof ENTRY>;

/** One capture of an experiment of the established system. Times in microseconds, UTC. */
export interface EstablishedEntry {
  readonly capturedAtUs: number;
  readonly picture:
    | {
        readonly filename: string;
        readonly directory: string;
        readonly cameraIndex: number | undefined;
        /** Which page of the file, from 0, if the entry says so. */
        readonly page?: number;
      }
    | undefined;
  /** Whether other entries of the same image, which were left out, have other times. */
  readonly isContradicted?: boolean;
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

/** The result of parsing an entry; without `entry`, `problem` or `note` says why. */
export interface ParsedEntry {
  readonly entry?: EstablishedEntry;
  /** Why it cannot be used. */
  readonly problem?: string;
  /** What is unusual about it, as a kind of finding. */
  readonly note?: string;
}

/** Status that the established users' notebook gives to entries that should not be measured. */
const SKIPPED = "skip";

/** Parses an entry of the list. */
export function parseEntry(value: unknown): ParsedEntry {
  const parsed = ENTRY.safeParse(value);
  if (!parsed.success) {
    const [first] = parsed.error.issues;
    const keys = first?.path.join(".") ?? "";
    return { problem: `${keys === "" ? "" : `${keys}: `}${first?.message ?? "not an entry"}` };
  }
  const { processing_status: status, entry_timestamp_iso: entryTime, camera_data: camera } = parsed.data;
  const entryUs = optionalTime(entryTime) ?? optionalTime(camera?.timestamp_iso);
  if (entryUs === undefined) return { problem: "entry_timestamp_iso: it has no time" };
  if (status === SKIPPED) return { note: 'entries marked "skip", left out' };
  const known = STATUSES.find((one) => one === (status ?? "pending"));
  return {
    entry: establishedEntry(parsed.data, entryUs, known ?? "pending"),
    ...(known === undefined ? { note: "entries with an unknown status, taken as pending" } : {}),
  };
}

function establishedEntry(given: Given, entryUs: number, status: Status): EstablishedEntry {
  const { camera_data: camera, temperature_data: temperature } = given;
  const filename = camera?.filename ?? "";
  const cameraError = camera?.error_flag === true ? (camera.error_message ?? "the camera failed") : undefined;
  const collectionError =
    given.collection_error === true ? (given.collection_error_msg ?? "not collected") : cameraError;
  return {
    capturedAtUs: optionalTime(camera?.timestamp_iso) ?? entryUs,
    picture:
      filename === ""
        ? undefined
        : {
            ...{ filename, directory: camera?.filepath ?? "", cameraIndex: camera?.camera_index ?? undefined },
            ...(typeof camera?.page === "number" ? { page: camera.page - 1 } : {}),
          },
    temperatures: Object.entries(temperature?.data ?? {})
      .filter(([sensor]) => isKeptLabel(sensor))
      .map(([sensor, value]) => ({ sensor, celsius: isNumber(value) ? value : undefined })),
    temperaturesAtUs: optionalTime(temperature?.timestamp_iso) ?? entryUs,
    temperatureError: temperature?.error_flag === true ? (temperature.error_message ?? "the sensor failed") : undefined,
    collectionError,
    status,
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

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
