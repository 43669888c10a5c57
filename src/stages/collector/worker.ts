// The collector's thread: captures an image, makes the file durable and reports it. The supervisor adds the database row after
// that, because a row must never name an incomplete file.
import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { crc32 } from "node:zlib";
import { checkPlace } from "../../archive/directory-identity.ts";
import { createSource } from "../../cameras/camera.ts";
import { type CapturedFrame, PIXELS_CHECKSUM, type Source, type TakenFrom } from "../../cameras/frame.ts";
import { pageFilter } from "../../cameras/grown-file.ts";
import { storeBrightfield, storedPicture } from "../../cameras/picture-encoding.ts";
import { encodeFailure, Failure } from "../../failure/failure.ts";
import { captureFileName } from "../../image/capture-name.ts";
import { framesOfFile, framesOfPages } from "../../image/frames-of-file.ts";
import { checkPictureBytes } from "../../image/picture-name.ts";
import { Manifest } from "../../manifest/manifest.ts";
import { takenSeries } from "../../manifest/taken-series.ts";
import { createThermometers, type ReadingMemory, ThermometerWatch } from "../../sensors/thermometer.ts";
import { megabytes } from "../../system/byte-size.ts";
import { monotonicMs } from "../../system/clock.ts";
import { type ConfinedFile, digestOpened, removeConfined, withConfinedFile } from "../../system/confined-file.ts";
import { diskSpace } from "../../system/disk-space.ts";
import { fileFaultReason, isFileFault } from "../../system/fault-of.ts";

import { ensureDirectory, syncDirectory, writeDurably } from "../../system/files.ts";
import { copyInto, freeName } from "../../system/new-file.ts";
import { SetAsideNews } from "../../system/set-aside.ts";
import type { JobHandler, Log } from "../../threads/host-loop.ts";
import { LeftOutPages } from "./left-out-pages.ts";
import type { CollectedFrame, CollectorAnswer, CollectorJob, CollectorSettings } from "./messages.ts";
import { skippedList } from "./skipped-pictures.ts";
import { lastTaken, presentCopy, rowInPlace, takenBefore, takenInPlace } from "./taken-before.ts";

type Stored = Pick<CollectedFrame, "filename" | "directory" | "bytes" | "sha256" | "width" | "height" | "bitDepth">;

/** Refuses to capture if the disk may be too full: a pause with an alarm is better than an incomplete file. */
async function checkSpace(settings: CollectorSettings): Promise<void> {
  const freeBytes = diskSpace(settings.dataDir)?.freeBytes;
  if (freeBytes === undefined || freeBytes >= settings.minFreeBytes) return;
  throw new Failure("disk.full", `${settings.dataDir}: only ${megabytes(freeBytes, 0)} left; capture pauses`, {
    hint: `free some space; capture resumes above ${megabytes(settings.minFreeBytes, 0)} (${settings.minFreeKey})`,
    retry: "later",
  });
}

/** If the disk was unmounted while the image was written, deletes what was written into the directory below the mount point. */
async function checkStored({ directory, filename }: Stored, { place }: CollectorSettings): Promise<void> {
  try {
    checkPlace(place);
  } catch (error) {
    await rm(join(directory, filename), { force: true });
    throw error;
  }
}

interface StoreOptions {
  readonly progress: () => void;
  /** Whether a copy must not get this name although no file has it. */
  readonly isTaken?: ((name: string) => boolean) | undefined;
}

async function store(frame: CapturedFrame, settings: CollectorSettings, options: StoreOptions): Promise<Stored> {
  const { dataDir, camera } = settings;
  if (frame.file !== undefined) return storeFile(frame.file, dataDir, options);
  const { bytes, extension, picture } = await storedPicture(frame, camera);
  const filename = freeName(dataDir, captureFileName(frame.capturedAtUs, camera.id, extension));
  await writeDurably(join(dataDir, filename), bytes);
  const { width, height, bitDepth } = picture;
  return { filename, directory: dataDir, bytes: bytes.length, sha256: digest(bytes), width, height, bitDepth };
}

/**
 * Stores an image of another program: in place, or copied into the data directory. Copies in pieces, because it may be a large
 * stack.
 */
async function storeFile(
  { directory, name, followLinks, keep, sha256 }: TakenFrom,
  dataDir: string,
  { progress, isTaken }: StoreOptions,
): Promise<Stored> {
  const unknown = { width: undefined, height: undefined, bitDepth: undefined };
  if (directory === dataDir) {
    const digest = (file: ConfinedFile) => {
      checkPictureBytes(file.path, file.bytes);
      return digestOpened(file, { progress });
    };
    const found = await withConfinedFile(directory, name, digest, { followLinks });
    return { filename: name, directory: dataDir, ...found, ...unknown };
  }
  const copied = await withConfinedFile(
    directory,
    name,
    (file) => copyInto(file, dataDir, name, { recorded: { sha256 }, progress, isTaken }),
    { followLinks },
  );
  const { name: filename, ...stored } = copied;
  if (!keep) {
    await removeConfined(directory, name, stored);
    syncDirectory(directory);
  }
  return { filename, directory: dataDir, ...stored, ...unknown };
}

type Frames = Pick<CollectedFrame, "page" | "furtherPages" | "cutOff" | "refused"> &
  Partial<Pick<CollectedFrame, "capturedAtUs" | "timeSource">>;

/** Returns the frames in a file of another program, and warnings about them. */
async function framesIn(
  stored: Stored,
  { file, timesOf }: CapturedFrame,
  { pages: choice }: CollectorSettings,
): Promise<{ frames: Frames; notes: readonly string[]; leftOut: readonly string[] }> {
  if (file === undefined) return { frames: {}, notes: [], leftOut: [] };
  const { followLinks } = file;
  const named = { directory: stored.directory, path: stored.filename, followLinks };
  const { pages = [], count, leftOut, damage, refused } = await framesOfFile(named, file.choice ?? choice);
  if (pages.length === 0 || timesOf === undefined) return { frames: { cutOff: damage, refused }, notes: [], leftOut };
  const times = await timesOf(pages, count);
  const isWanted = pageFilter(file);
  const [first, ...furtherPages] = framesOfPages(pages, times).filter(({ page }) => isWanted(page));
  return { frames: { ...first, furtherPages, cutOff: damage }, notes: times.notes, leftOut };
}

/**
 * Returns the copy in the data directory to take further pages from, if a file of another directory is what was copied before;
 * undefined if it must be copied.
 */
async function copyOf(
  { file }: CapturedFrame,
  { dataDir }: CollectorSettings,
  manifest: () => Manifest,
): Promise<TakenFrom | undefined> {
  if (file?.without === undefined || file.directory === dataDir) return undefined;
  const copy = presentCopy(manifest(), dataDir, file);
  if (copy === undefined) return undefined;
  // A copy that was damaged or cannot be read is left as it is, for `phorest verify`.
  const found = await withConfinedFile(dataDir, copy.name, (opened) => digestOpened(opened)).catch(() => undefined);
  return found?.sha256 === copy.sha256 ? { ...file, ...copy, directory: dataDir, followLinks: false } : undefined;
}

/**
 * Returns the file with the pages that have rows, if others of a file are taken now; the file itself, or its other form, if it is
 * used in place.
 */
function grownFrom(
  { file }: CapturedFrame,
  { dataDir }: CollectorSettings,
  manifest: () => Manifest,
): string | undefined {
  if (file === undefined || isFirst(file)) return undefined;
  return file.directory === dataDir ? rowInPlace(manifest(), file.name) : lastTaken(manifest(), file.name);
}

/** Whether no page of a file was taken before. */
const isFirst = (file: TakenFrom | undefined): boolean => (file?.from ?? 0) === 0 && file?.without === undefined;

/**
 * Computes a checksum of the pixels as the camera gave them. It reveals a frozen camera even if each file has another time stamp.
 */
function checksum({ picture, encoded }: CapturedFrame): Record<string, number> {
  const pixels = (picture ?? encoded?.picture)?.pixels;
  if (pixels === undefined) return {};
  return { [PIXELS_CHECKSUM]: crc32(Buffer.from(pixels.buffer, pixels.byteOffset, pixels.byteLength)) };
}

const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Longest wait for the first readings, while the camera opens for the first time. */
const FIRST_READINGS_MS = 3000;
/** The last readings, used when everything is reopened after a failure, so that no capture waits for a conversion. */
const lastReadings: ReadingMemory = new Map();

export async function open(settings: CollectorSettings, log: Log): Promise<JobHandler<CollectorJob, CollectorAnswer>> {
  checkPlace(settings.place);
  // Opened only for sources that read files: a camera takes images even if the database cannot be read.
  let opened: Manifest | undefined;
  const manifest = () => {
    opened ??= Manifest.open({ file: settings.manifestFile, readonly: true });
    return opened;
  };
  /** Reports progress of the current job: a large file takes longer than a capture may take without a sign. */
  let progress: () => void = () => undefined;
  const source = createSource(settings.source, {
    isKnown: (filename) => manifest().entries.knowsFile(filename),
    takenBefore: (filename) => takenBefore(manifest(), filename),
    takenInPlace: (filename) => takenInPlace(manifest(), filename),
    seriesBefore: () => takenSeries(settings.manifestFile),
    progress: () => progress(),
  });
  const { thermometers } = settings;
  const watch =
    thermometers === undefined
      ? undefined
      : new ThermometerWatch(createThermometers(thermometers), thermometers.intervalMs, lastReadings);
  const close = async (): Promise<void> => {
    await source.close();
    await watch?.close();
    opened?.close();
  };
  try {
    await Promise.all([source.open(), watch?.start(lastReadings.size === 0 ? FIRST_READINGS_MS : 0)]);
  } catch (error) {
    await close();
    throw error;
  }

  const saidAside = new SetAsideNews();
  const leftOutPages = new LeftOutPages();
  /** Returns undefined if the image itself cannot be stored; it is set aside. */
  const storeOrSetAside = async (captured: CapturedFrame, copy?: TakenFrom): Promise<Stored | undefined> => {
    try {
      const file = copy ?? captured.file;
      // A row that has the pages taken before keeps its name, also if its own file was removed.
      const isTaken = isFirst(file) ? undefined : (name: string) => manifest().entries.knowsFile(name);
      return await store({ ...captured, file }, settings, { progress: () => progress(), isTaken });
    } catch (error) {
      if (captured.file === undefined || !(await isFileFault(error, settings.dataDir))) {
        source.giveBack?.(captured);
        throw error;
      }
      source.setAside?.(captured, fileFaultReason(error));
      return undefined;
    }
  };

  const capture = async (dueMs: number, signal: AbortSignal): Promise<CollectorAnswer> => {
    checkPlace(settings.place);
    await checkSpace(settings);
    await untilDue(dueMs, signal);
    if (signal.aborted) return { frame: null, more: false };
    const startedMs = performance.now();
    const captured = await source.capture(inTime(signal, settings));
    if (captured === null) return { frame: null, more: source.isWaiting?.() ?? false };
    const copy = await copyOf(captured, settings, manifest);
    const continues = copy?.name ?? grownFrom(captured, settings, manifest);
    const stored = await storeOrSetAside(captured, copy);
    // The next image may work.
    if (stored === undefined) return { frame: null, more: true };
    await checkStored(stored, settings).catch((error: unknown) => {
      source.giveBack?.(captured);
      throw error;
    });
    const { frames, notes, leftOut } = await framesIn(stored, captured, settings);
    const warnings = [...captured.warnings, ...notes, ...leftOut];
    // The pages that are left out are reported for all files together.
    const said = [...captured.warnings, ...notes, ...leftOutPages.note(stored.filename, leftOut)];
    // Warnings about times name their file themselves.
    const named = `${captured.file?.name ?? stored.filename}: `;
    for (const warning of said) log("warn", warning.startsWith(named) ? warning : `${stored.filename}: ${warning}`);
    const { exposedAtMs, sensorBits } = captured;
    const { capturedAtUs, timeSource } = { ...captured, ...frames };
    const frame = {
      ...stored,
      ...frames,
      capturedAtUs,
      timeSource,
      warnings,
      continues,
      settings: {
        ...captured.settings,
        ...(sensorBits === undefined ? {} : { sensor_bits: sensorBits }),
        ...checksum(captured),
        ...(exposedAtMs === undefined ? {} : { monotonic_ms: exposedAtMs, late_ms: round(exposedAtMs - dueMs) }),
        took_ms: round(performance.now() - startedMs),
      },
      readings: watch?.nearest(capturedAtUs) ?? [],
      ...(watch === undefined || frames.furtherPages === undefined
        ? {}
        : {
            furtherPages: frames.furtherPages.map((page) => ({ ...page, readings: watch.nearest(page.capturedAtUs) })),
          }),
      tookMs: performance.now() - startedMs,
    };
    return { frame, more: captured.file !== undefined };
  };
  const run = async (job: CollectorJob, signal: AbortSignal, heard: () => void): Promise<CollectorAnswer> => {
    progress = heard;
    if (job.type === "capture") {
      const answer = await capture(job.dueMs, signal);
      const skipped = {
        ...(source.skipped === undefined ? {} : { skipped: skippedList(source.skipped()) }),
        ...(source.leftOut === undefined ? {} : { leftOut: [...leftOutPages.lines(), ...source.leftOut()] }),
      };
      if (source.filesSetAside === undefined) return { ...answer, ...skipped };
      const setAside = source.filesSetAside();
      for (const line of saidAside.news(setAside)) log("warn", line);
      return { ...answer, ...skipped, setAside };
    }
    // The job was only to open the source, which is done by now.
    if (job.type === "open") return { frame: null, more: false };
    return { frame: null, more: false, brightfield: await brightfield(settings, signal, log).catch(encodeFailure) };
  };
  return { run, close };
}

/** Waits until the capture is due. Jobs arrive early, so that only this thread's own timer decides the moment of the exposure. */
async function untilDue(dueMs: number, signal: AbortSignal): Promise<void> {
  for (let leftMs = dueMs - monotonicMs(); leftMs > 0; leftMs = dueMs - monotonicMs()) {
    await sleep(Math.ceil(leftMs), undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    if (signal.aborted) return;
  }
}

/**
 * Returns a signal that is aborted by the job, or when the time limit of a capture is over. Sources end their programs with it.
 */
function inTime(signal: AbortSignal, { source }: CollectorSettings): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(source.camera.timeout_seconds * 1000)]);
}

const round = (ms: number): number => Math.round(ms * 1000) / 1000;

/**
 * Takes a brightfield image: with its own settings, in its own directory, without a row. The source is open only for this
 * exposure.
 */
async function brightfield(settings: CollectorSettings, signal: AbortSignal, log: Log): Promise<string> {
  const { directory } = settings.brightfield;
  await ensureDirectory(directory);
  await checkSpace({ ...settings, dataDir: directory });
  const source: Source = createSource(settings.brightfield.source);
  try {
    await source.open();
    const captured = await source.capture(inTime(signal, settings));
    const storing = { ...settings.camera, id: settings.brightfield.source.camera.camera_id };
    const path = await storeBrightfield(captured, storing, directory);
    for (const warning of captured?.warnings ?? []) log("warn", `${path}: ${warning}`);
    log("info", `saved the brightfield image ${path}`);
    return path;
  } finally {
    await source.close();
  }
}
