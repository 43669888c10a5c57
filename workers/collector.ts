// The collector's thread: takes a picture, makes it durable, says what it took. It never sees the manifest's writer;
// the row follows in the supervisor, after the file (a row must never name a file that is not whole).
import { createHash } from "node:crypto";
import { readFile, rm, statfs } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { checkPlace } from "../src/archive/place.ts";
import { Failure } from "../src/failure.ts";
import { fileSize, syncDirectory, writeDurably } from "../src/files.ts";
import { createSource } from "../src/frame/camera.ts";
import { captureFileName, encodePicture } from "../src/frame/encode.ts";
import type { CapturedFrame } from "../src/frame/frame.ts";
import { readThermometers } from "../src/frame/thermometer.ts";
import { transformPicture } from "../src/frame/transform.ts";
import { Manifest } from "../src/manifest/manifest.ts";
import type { CollectedFrame, CollectorAnswer, CollectorJob, CollectorSettings } from "../src/supervisor/messages.ts";
import { type Log, type Station, serve } from "./host.ts";

type Stored = Pick<CollectedFrame, "filename" | "directory" | "bytes" | "sha256" | "width" | "height" | "bitDepth">;

/** Refuses to start a picture that the disk may not hold: a pause with an alarm beats a half-written file. */
async function checkSpace(settings: CollectorSettings): Promise<void> {
  const disk = await statfs(settings.dataDir);
  const freeBytes = disk.bavail * disk.bsize;
  if (freeBytes >= settings.minFreeBytes) return;
  const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
  throw new Failure("disk.full", `${settings.dataDir}: only ${megabytes(freeBytes)} left, capture pauses`, {
    hint: `it resumes by itself above ${megabytes(settings.minFreeBytes)} (Storage.min_free_bytes)`,
    retry: "later",
  });
}

/** A disk unmounted while the picture was being written: what went into the directory below it is taken back. */
async function checkStored({ directory, filename }: Stored, { place }: CollectorSettings): Promise<void> {
  try {
    checkPlace(place);
  } catch (error) {
    await rm(join(directory, filename), { force: true });
    throw error;
  }
}

/** A name in `directory` that no file bears yet: a picture is never overwritten. */
function freeName(directory: string, filename: string): string {
  const extension = extname(filename);
  const stem = basename(filename, extension);
  for (let n = 0; ; n++) {
    const name = n === 0 ? filename : `${stem}-${n}${extension}`;
    if (fileSize(join(directory, name)) === undefined) return name;
  }
}

async function store(frame: CapturedFrame, settings: CollectorSettings): Promise<Stored> {
  const { dataDir, camera } = settings;
  if (frame.file !== undefined) return storeFile(frame.file, dataDir);
  if (frame.picture === undefined) throw new Failure("camera.failed", `the ${camera.type} source gave no picture`);
  const picture = transformPicture(frame.picture, camera.transform);
  const bytes = await encodePicture(picture, camera.format);
  const filename = freeName(dataDir, captureFileName(frame.capturedAtUs, camera.id, camera.format));
  await writeDurably(join(dataDir, filename), bytes);
  const { width, height, bitDepth } = picture;
  return { filename, directory: dataDir, bytes: bytes.length, sha256: digest(bytes), width, height, bitDepth };
}

/** A picture another program wrote: adopted where it lies, or brought into the data directory. */
async function storeFile(file: { path: string; keep: boolean }, dataDir: string): Promise<Stored> {
  const bytes = await readFile(file.path);
  const unknown = { width: undefined, height: undefined, bitDepth: undefined };
  const stored = { bytes: bytes.length, sha256: digest(bytes), ...unknown };
  if (dirname(file.path) === dataDir) return { filename: basename(file.path), directory: dataDir, ...stored };
  const filename = freeName(dataDir, basename(file.path));
  await writeDurably(join(dataDir, filename), bytes);
  if (!file.keep) {
    await rm(file.path, { force: true });
    syncDirectory(dirname(file.path));
  }
  return { filename, directory: dataDir, ...stored };
}

const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

async function open(settings: CollectorSettings, log: Log): Promise<Station<CollectorJob, CollectorAnswer>> {
  checkPlace(settings.place);
  const manifest = Manifest.open({ file: settings.manifestFile, readonly: true });
  const source = createSource({ ...settings.source, isKnown: (filename: string) => manifest.knowsFile(filename) });
  const close = async (): Promise<void> => {
    await source.close();
    manifest.close();
  };
  try {
    await source.open();
  } catch (error) {
    await close();
    throw error;
  }

  const run = async (_job: CollectorJob, signal: AbortSignal): Promise<CollectorAnswer> => {
    const startedMs = performance.now();
    checkPlace(settings.place);
    await checkSpace(settings);
    // Thermometers take most of a second each: they are read while the camera exposes, never before it.
    const thermometers = readThermometers(settings.thermometers, settings.camera.type);
    const captured = await source.capture(signal);
    if (captured === null) return { frame: null, more: false };
    const stored = await store(captured, settings).catch((error: unknown) => {
      source.giveBack?.(captured);
      throw error;
    });
    await checkStored(stored, settings).catch((error: unknown) => {
      source.giveBack?.(captured);
      throw error;
    });
    for (const warning of captured.warnings) log("warn", `${stored.filename}: ${warning}`);
    const { capturedAtUs, settings: cameraSettings, warnings } = captured;
    const readings = await thermometers;
    const tookMs = performance.now() - startedMs;
    const frame = { ...stored, capturedAtUs, settings: cameraSettings, warnings, readings, tookMs };
    return { frame, more: captured.file !== undefined };
  };
  return { run, close };
}

serve<CollectorSettings, CollectorJob, CollectorAnswer>(open);
