// Limits the memory for decoding, from the header of a picture. A failed allocation inside a native library ends the whole
// process, so a picture that does not fit is not decoded.
import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { Failure } from "../failure/failure.ts";
import { gigabytes } from "../system/byte-size.ts";

/** What the header of a picture says about its pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
  /** Samples per pixel as stored, alpha included. */
  readonly channels: number;
  readonly bytesPerSample: number;
  /** The decoder must hold all samples before it can return rows: interlaced, progressive, one large strip. */
  readonly buffered: boolean;
}

/** More than six times the largest camera we know (64 megapixels). */
const MAX_PIXELS = 400_000_000;
/**
 * Four times the size of 64 megapixels of 16-bit RGBA. A limit on the number of pixels is not enough, because a pixel can have
 * eight bytes.
 */
const MAX_SAMPLE_BYTES = 2 ** 31;
/**
 * Share of the machine's memory that all pictures being decoded may use together. The rest is for measuring and other programs.
 */
const SHARE = 0.5;
const MIB = 2 ** 20;

/**
 * Returns the peak memory of decoding, bytes: the file, the decoder's own copy, the samples without alpha and the gray plane.
 * `fileBytes`: bytes of the file in memory, packed and unpacked.
 */
export function decodingBytes(size: PictureSize, fileBytes: number): number {
  const plane = size.width * size.height * size.bytesPerSample;
  const colours = size.channels >= 3 ? 3 : 1;
  // Decoders of progressive JPEG hold 16 bits per sample.
  const buffered = size.buffered ? size.width * size.height * size.channels * 2 : 0;
  return fileBytes + buffered + plane * colours + plane;
}

/** Throws Failure `frame.unreadable` for a picture that exceeds the limit of pixels or of sample bytes. */
export function checkSize({ width, height, channels, bytesPerSample }: PictureSize, where: string): void {
  if (width * height <= MAX_PIXELS && width * height * channels * bytesPerSample <= MAX_SAMPLE_BYTES) return;
  const kind = `${width} × ${height} pixels of ${channels} × ${8 * bytesPerSample} bits`;
  throw new Failure("frame.unreadable", `${where}: too large: ${kind}`, {
    hint: `at most ${MAX_PIXELS / 1e6} megapixels and ${gigabytes(MAX_SAMPLE_BYTES)} can be read; save a smaller part, or save it as gray`,
  });
}

/** Returns the memory that this process may use, bytes: the machine's, or less if a container or service limits it. */
export function machineBytes(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(totalmem(), constrained) : totalmem();
}

/** Returns the free memory, bytes. Page cache and swap count as free. */
export function availableBytes(): number {
  const free = meminfo("MemAvailable") + meminfo("SwapFree");
  return Math.min(free, machineBytes() - process.memoryUsage.rss());
}

function meminfo(name: string): number {
  const found = new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(readFileSync("/proc/meminfo", "utf8"))?.[1];
  return Number(found ?? 0) * 1024;
}

/** MiB reserved by all threads that share the ledger; undefined if this thread decodes alone. */
let ledger: Int32Array | undefined;
let held = 0;

/** Creates a ledger for `shareMemory`, used by all threads of a pool. */
export function memoryLedger(): SharedArrayBuffer {
  return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
}

/** Counts this thread's reservations together with those of the other threads that share the ledger. */
export function shareMemory(shared: SharedArrayBuffer): void {
  ledger = new Int32Array(shared);
}

/**
 * Reserves memory for decoding one picture. Replaces this thread's previous reservation. Blocks the thread while the pictures
 * of other threads leave too little memory. Throws Failure `frame.unreadable`: permanently if the machine can never hold the
 * picture, with retry if memory is short only now. `limit` and `available` are the machine's, in bytes.
 */
export function reserveMemory(
  bytes: number,
  where: string,
  limit = machineBytes() * SHARE,
  available = availableBytes,
): void {
  releaseMemory();
  const needs = `decoding needs ${gigabytes(bytes)} of memory`;
  if (bytes > limit) {
    throw new Failure("frame.unreadable", `${where}: too large for this computer: ${needs}`, {
      hint: `the limit here is ${gigabytes(limit)}; save a smaller part, or save it as gray`,
    });
  }
  const mib = Math.ceil(bytes / MIB);
  hold(mib, Math.floor(limit / MIB));
  const free = available();
  if (bytes <= free) return;
  releaseMemory();
  throw new Failure("frame.unreadable", `${where}: not enough free memory: ${needs}, ${gigabytes(free)} are free`, {
    hint: "close other programs, or use fewer threads (Data_Analysis.workers)",
    retry: "later",
  });
}

function hold(mib: number, limitMib: number): void {
  if (ledger === undefined) return;
  for (;;) {
    const taken = Atomics.load(ledger, 0);
    // A thread that finds the ledger empty always gets its share, so one of them always makes progress.
    const fits = taken === 0 || taken + mib <= limitMib;
    if (!fits) Atomics.wait(ledger, 0, taken);
    else if (Atomics.compareExchange(ledger, 0, taken, taken + mib) === taken) break;
  }
  held = mib;
}

/** Releases this thread's reservation. Call it once the picture is no longer needed. */
export function releaseMemory(): void {
  if (ledger === undefined || held === 0) return;
  Atomics.sub(ledger, 0, held);
  Atomics.notify(ledger, 0);
  held = 0;
}
