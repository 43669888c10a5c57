// Unpacks what the parent packed, and prints where. With a third word it stays in the middle, when all but one file are
// written, and prints that.
import { readFileSync, writeSync } from "node:fs";
import { cachePlaces, unpack } from "../../../src/installation/unpack.ts";

const [file = "", place = "", stay] = process.argv.slice(2);
const { packing, contents } = JSON.parse(readFileSync(file, "utf8"));
const places = cachePlaces({ PHOREST_CACHE_DIR: place }, "/nonexistent", "/nonexistent", process.getuid?.() ?? 0);
const last = packing.files.at(-1).path;

function bytesOf(path: string): Uint8Array {
  if (stay !== undefined && path === last) {
    writeSync(1, "in the middle");
    // For ever: the parent ends this process.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }
  return Buffer.from(contents[path], "base64");
}

process.stdout.write(unpack(packing, bytesOf, places, () => undefined));
