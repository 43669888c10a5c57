// How much memory decoding a picture may take, decided from its header. An allocation that fails inside a native
// library ends the whole process, so nothing is decoded that does not fit.
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
  /** The decoder has to hold all samples before it can give out rows: interlaced, progressive, one large strip. */
  readonly buffered: boolean;
}

/** More than six times the largest camera we know (64 megapixels). */
const MAX_PIXELS = 400_000_000;
/** Four times what 64 megapixels of 16-bit RGBA take. A limit on pixels alone is not enough, because one can have eight bytes. */
const MAX_SAMPLE_BYTES = 2 ** 31;
/** Share of the machine's memory that all pictures being decoded may take together: the rest is for measuring and others. */
const SHARE = 0.5;
const MIB = 2 ** 20;

/**
 * Bytes that decoding takes at its peak: the file, the decoder's own copy, samples without alpha and the gray plane.
 * `fileBytes`: what is held of the file, unpacked and packed.
 */
export function decodingBytes(size: PictureSize, fileBytes: number): number {
  const plane = size.width * size.height * size.bytesPerSample;
  const colours = size.channels >= 3 ? 3 : 1;
  // Decoders of progressive JPEG hold 16 bits per sample.
  const buffered = size.buffered ? size.width * size.height * size.channels * 2 : 0;
  return fileBytes + buffered + plane * colours + plane;
}

/** Throws Failure `frame.unreadable` for a picture with more pixels or sample bytes than any picture may have. */
export function checkSize({ width, height, channels, bytesPerSample }: PictureSize, where: string): void {
  if (width * height <= MAX_PIXELS && width * height * channels * bytesPerSample <= MAX_SAMPLE_BYTES) return;
  const kind = `${width} × ${height} pixels of ${channels} × ${8 * bytesPerSample} bits`;
  throw new Failure("frame.unreadable", `${where}: too large: ${kind}`, {
    hint: `at most ${MAX_PIXELS / 1e6} megapixels and ${gigabytes(MAX_SAMPLE_BYTES)} can be read; save a smaller part, or save it as gray`,
  });
}

/** Memory this process may use, bytes: the machine's, or less where a container or service limits it. */
export function machineBytes(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(totalmem(), constrained) : totalmem();
}

/** Memory that is free now, bytes. Page cache and swap count as free. */
export function availableBytes(): number {
  const free = meminfo("MemAvailable") + meminfo("SwapFree");
  return Math.min(free, machineBytes() - process.memoryUsage.rss());
}

function meminfo(name: string): number {
  const found = new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(readFileSync("/proc/meminfo", "utf8"))?.[1];
  return Number(found ?? 0) * 1024;
}

/** MiB reserved by all threads that share it; undefined where this thread decodes alone. */
let ledger: Int32Array | undefined;
let held = 0;

/** A ledger for `shareMemory`, for all threads of a pool. */
export function memoryLedger(): SharedArrayBuffer {
  return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
}

/** Makes this thread's reservations count together with those of the other threads that have the same ledger. */
export function shareMemory(shared: SharedArrayBuffer): void {
  ledger = new Int32Array(shared);
}

/**
 * Reserves memory for decoding one picture, in place of what this thread had reserved. Waits (blocking the thread) while the
 * other threads' pictures leave too little. Throws Failure `frame.unreadable`: for good where the machine cannot hold the
 * picture, to retry later where it lacks the memory only now. `limit` and `available` are the machine's, in bytes.
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

/** Gives back what this thread has reserved, once the picture is no longer needed. */
export function releaseMemory(): void {
  if (ledger === undefined || held === 0) return;
  Atomics.sub(ledger, 0, held);
  Atomics.notify(ledger, 0);
  held = 0;
}
