// Compares the cost of a page of a stack with that of a separate file: processor time per picture, and memory. A stack of a
// gigabyte and the same pictures as separate files, read in turn in one process; also a stack whose pages are beyond 4 GB.
// Run: npx tsx bench/pages.ts [--pages N] [--dir DIR]
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { decodePicture } from "../src/image/decode.ts";
import { encodePicture } from "../src/image/encode.ts";
import { listPages } from "../src/image/pages.ts";

const [WIDTH, HEIGHT] = [1920, 1460];
const PLANE_BYTES = 2 * WIDTH * HEIGHT;
const DIRECTORY_BYTES = 8 + 20 * 9 + 8;
const MIB = 2 ** 20;
/** Number of pages of the stack beyond 4 GB; a hole in the file precedes them. */
const FAR_PAGES = 20;
const FAR_AT = 5 * 2 ** 30;

const { values } = parseArgs({ options: { pages: { type: "string", default: "192" }, dir: { type: "string" } } });
const pages = Number(values.pages);
const directory = values.dir ?? mkdtempSync(join(tmpdir(), "phorest-pages-"));

/** Returns the pixels of a page; those of all pages differ. */
function plane(page: number): Buffer {
  const pixels = new Uint16Array(WIDTH * HEIGHT);
  for (let at = 0; at < pixels.length; at++) pixels[at] = (at * 37 + page * 101) & 4095;
  return Buffer.from(pixels.buffer);
}

/** Returns a BigTIFF directory of one strip at `strip`, followed by a directory at `next`. */
function directoryOf(strip: number, next: number): Buffer {
  const fields = [
    [256, 4, WIDTH],
    [257, 4, HEIGHT],
    [258, 3, 16],
    [259, 3, 1],
    [262, 3, 1],
    [273, 16, strip],
    [277, 3, 1],
    [278, 4, HEIGHT],
    [279, 16, PLANE_BYTES],
  ] as const;
  const bytes = Buffer.alloc(DIRECTORY_BYTES);
  bytes.writeBigUInt64LE(BigInt(fields.length), 0);
  fields.forEach(([tag, type, value], index) => {
    const at = 8 + 20 * index;
    bytes.writeUInt16LE(tag, at);
    bytes.writeUInt16LE(type, at + 2);
    bytes.writeBigUInt64LE(1n, at + 4);
    bytes.writeBigUInt64LE(BigInt(value), at + 12);
  });
  bytes.writeBigUInt64LE(BigInt(next), DIRECTORY_BYTES - 8);
  return bytes;
}

/** Writes a stack whose pages begin at `start`, each after its directory. */
function writeStack(path: string, count: number, start = 16): void {
  const file = openSync(path, "w");
  const header = Buffer.alloc(16);
  header.write("II");
  [43, 8, 0].forEach((value, at) => {
    header.writeUInt16LE(value, 2 + 2 * at);
  });
  header.writeBigUInt64LE(BigInt(start), 8);
  writeSync(file, header, 0, 16, 0);
  for (let page = 0, at = start; page < count; page++) {
    const next = at + DIRECTORY_BYTES + PLANE_BYTES;
    writeSync(file, directoryOf(at + DIRECTORY_BYTES, page + 1 < count ? next : 0), 0, DIRECTORY_BYTES, at);
    writeSync(file, plane(page), 0, PLANE_BYTES, at + DIRECTORY_BYTES);
    at = next;
  }
  closeSync(file);
}

/** Processor times of one kind of reading, ms: these are least affected by other programs. */
type Times = number[];

async function timed(times: Times, work: () => Promise<unknown>): Promise<void> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  times.push((user + system) / 1000);
}

const median = (times: Times): number => [...times].sort((a, b) => a - b)[times.length >> 1] ?? Number.NaN;

try {
  mkdirSync(directory, { recursive: true });
  writeStack(join(directory, "stack.tif"), pages);
  writeStack(join(directory, "far.tif"), FAR_PAGES, FAR_AT);
  const single = (page: number) => `single-${page}.tif`;
  for (let page = 0; page < pages; page++) {
    const path = join(directory, single(page));
    // A classic TIFF, as cameras write single pictures.
    const pixels = new Uint16Array(plane(page).buffer);
    const file = openSync(path, "w");
    writeSync(file, await encodePicture({ pixels, width: WIDTH, height: HEIGHT, bitDepth: 16 }, "tiff"));
    closeSync(file);
  }
  const [listing, ofStack, ofFiles, ofFar]: [Times, Times, Times, Times] = [[], [], [], []];
  await timed(listing, () => listPages({ directory, path: "stack.tif" }));
  const before = process.memoryUsage.rss();
  let most = before;
  for (let page = 0; page < pages; page++) {
    const readPage = () => timed(ofStack, () => decodePicture({ directory, path: "stack.tif", page }));
    const readFile = () => timed(ofFiles, () => decodePicture({ directory, path: single(page) }));
    // In alternating order, because the second one is affected by what the first one left behind.
    for (const read of page % 2 === 0 ? [readPage, readFile] : [readFile, readPage]) await read();
    most = Math.max(most, process.memoryUsage.rss());
  }
  for (let page = 0; page < FAR_PAGES; page++) {
    await timed(ofFar, () => decodePicture({ directory, path: "far.tif", page }));
  }
  const figures = {
    pages,
    megabytes: Math.round((pages * PLANE_BYTES) / MIB),
    listMs: median(listing),
    pageMs: median(ofStack),
    fileMs: median(ofFiles),
    speed: median(ofFiles) / median(ofStack),
    farPageMs: median(ofFar),
    residentMib: Math.round(most / MIB),
  };
  process.stdout.write(
    `${pages} pages, ${figures.megabytes} MiB: listed in ${figures.listMs.toFixed(0)} ms; ${figures.pageMs.toFixed(2)} ms a page, ` +
      `${figures.fileMs.toFixed(2)} ms a file: ${figures.speed.toFixed(2)} of the speed; beyond 4 GB ` +
      `${figures.farPageMs.toFixed(2)} ms; at most ${figures.residentMib} MiB resident\n${JSON.stringify(figures)}\n`,
  );
} finally {
  if (values.dir === undefined) rmSync(directory, { recursive: true, force: true });
}
