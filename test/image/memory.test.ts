// What a picture may cost, decided from its header: sizes, memory shared by threads, files that claim too much.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { deflateSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { Failure } from "../../src/failure/failure.ts";
import { decodeBytes } from "../../src/image/decode.ts";
import {
  checkSize,
  decodingBytes,
  memoryLedger,
  releaseMemory,
  reserveMemory,
  shareMemory,
} from "../../src/image/memory.ts";
import { pngChunk } from "./picture-writers.ts";

const GB = 1e9;
const ENOUGH = () => Number.POSITIVE_INFINITY;
const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** A PNG that claims a size and holds next to nothing. */
function claiming(width: number, height: number, depth: number, colour: number, interlaced = false): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colour, 0, 0, interlaced ? 1 : 0], 8);
  const data = pngChunk("IDAT", deflateSync(Buffer.alloc(1000)));
  return Buffer.concat([SIGNATURE, pngChunk("IHDR", header), data, pngChunk("IEND", new Uint8Array(0))]);
}

async function refusalOf(work: () => unknown): Promise<Failure> {
  const thrown = await Promise.resolve()
    .then(work)
    .catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(Failure);
  return thrown as Failure;
}

describe("size", () => {
  it("is bounded in pixels and in bytes, whichever comes first", () => {
    const size = { width: 9152, height: 6944, channels: 4, bytesPerSample: 2, buffered: false };
    expect(() => checkSize(size, "camera.png")).not.toThrow();
    expect(() => checkSize({ ...size, width: 19000, height: 19000 }, "bomb.png")).toThrow(
      /bomb\.png: too large: 19000 × 19000 pixels of 4 × 16 bits/,
    );
    expect(() => checkSize({ ...size, width: 19000, height: 19000, channels: 1 }, "gray.png")).not.toThrow();
    expect(() => checkSize({ ...size, width: 65535, height: 65535, channels: 1, bytesPerSample: 1 }, "x")).toThrow();
  });

  it("counts all that decoding holds at once", () => {
    const gray = { width: 1000, height: 1000, channels: 1, bytesPerSample: 2, buffered: false };
    expect(decodingBytes(gray, 0)).toBe(4e6);
    expect(decodingBytes({ ...gray, channels: 4 }, 5e6)).toBe(13e6);
    expect(decodingBytes({ ...gray, channels: 4, buffered: true }, 0)).toBe(16e6);
  });

  it.each([
    ["a 16-bit RGBA PNG of 361 megapixels", () => claiming(19000, 19000, 16, 6)],
    ["the same interlaced", () => claiming(19000, 19000, 16, 6, true)],
    ["a gray PNG of 4295 megapixels", () => claiming(65535, 65535, 8, 0)],
    ["a PNG wider than any", () => claiming(2 ** 31 - 1, 1, 16, 0)],
    ["the same packed", () => gzipSync(claiming(19000, 19000, 16, 6))],
  ])("%s is refused by its header, before anything is unpacked", async (name, bytes) => {
    const failure = await refusalOf(() => decodeBytes(bytes(), name));
    expect(failure).toMatchObject({ code: "frame.unreadable", retry: "never" });
    expect(failure.line).toMatch(/too large: .* pixels of/);
  });

  it("a gzip file that unpacks to more than it says is unpacked no further than a picture may be", async () => {
    const packed = gzipSync(Buffer.alloc(40e6));
    packed.writeUInt32LE(1000, packed.length - 4);
    const failure = await refusalOf(() => decodeBytes(packed, "bomb.gz"));
    expect(failure.line).toMatch(/bomb\.gz: the gzip file is damaged/);
    // Several files in one are legal, and their end speaks of the last one alone.
    const picture = claiming(100, 100, 8, 0);
    const parts = Buffer.concat([gzipSync(picture.subarray(0, 40)), gzipSync(picture.subarray(40))]);
    await expect(decodeBytes(parts, "parts.gz")).rejects.toThrow(/PNG image is damaged/);
  });
});

describe("memory", () => {
  afterEach(() => {
    releaseMemory();
    shareMemory(memoryLedger());
  });

  it("a picture that the machine cannot hold fails for good; one that only lacks memory now, later", async () => {
    const never = await refusalOf(() => reserveMemory(5 * GB, "a.png", 4 * GB, ENOUGH));
    expect(never).toMatchObject({ code: "frame.unreadable", retry: "never" });
    expect(never.line).toMatch(/a\.png: too large for this computer: .* 5\.0 GB .*4\.0 GB/);
    const later = await refusalOf(() => reserveMemory(3 * GB, "b.png", 4 * GB, () => 2 * GB));
    expect(later).toMatchObject({ code: "frame.unreadable", retry: "later" });
    expect(later.line).toMatch(/b\.png: not enough free memory: .*3\.0 GB .*2\.0 GB/);
  });

  it("what one thread holds, another waits for; the first to find it free gets it", async () => {
    const ledger = memoryLedger();
    shareMemory(ledger);
    reserveMemory(3 * GB, "mine", 4 * GB, ENOUGH);
    const memory = JSON.stringify(new URL("../../src/image/memory.ts", import.meta.url).href);
    const loader = JSON.stringify(import.meta.resolve("tsx/esm/api"));
    const source = `
      import { parentPort, workerData } from "node:worker_threads";
      import { register } from ${loader}; register();
      const { reserveMemory, releaseMemory, shareMemory } = await import(${memory});
      shareMemory(workerData);
      parentPort.postMessage("asking");
      reserveMemory(2e9, "theirs", 4e9, () => Infinity);
      parentPort.postMessage("got it");
      releaseMemory();`;
    const other = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), { workerData: ledger });
    const said: unknown[] = [];
    other.on("message", (message) => said.push(message));
    await once(other, "message");
    // A small one has room beside mine; the other's has not.
    const before = Atomics.load(new Int32Array(ledger), 0);
    expect(said).toEqual(["asking"]);
    releaseMemory();
    await once(other, "exit");
    expect(said).toEqual(["asking", "got it"]);
    expect(before).toBe(Math.ceil((3 * GB) / 2 ** 20));
    expect(Atomics.load(new Int32Array(ledger), 0)).toBe(0);
  });
});
