// The first code of the one executable: unpacks the program where that was not done yet, and starts it from there. From
// then on threads, native libraries and files behave as in any installation.
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { isAbsolute, join, relative } from "node:path";
import { getAsset, getRawAsset } from "node:sea";
import { pathToFileURL } from "node:url";
import { brotliDecompressSync } from "node:zlib";
import { failureLine } from "../failure.ts";
import { holdStopSignals } from "../system/stop-signals.ts";
import { cachePlaces, homeOf, type Packing, unpack } from "./unpack.ts";

const WRONG_USAGE = 2;

/** What is to be started: the command line, or a worker of ours that `fork` names as Node would be given it. */
function entryOf(directory: string, word: string | undefined): string {
  if (word !== undefined && isAbsolute(word) && process.channel !== undefined) {
    const inside = relative(join(directory, "dist", "workers"), word);
    if (/^[\w-]+\.js$/.test(inside)) return word;
  }
  return join(directory, "dist", "src", "cli.js");
}

/** Throws where the system does not run code from: better here, in one line, than in the middle of something. */
function checkLoadable(directory: string): void {
  process.dlopen({ exports: {} }, join(directory, "build", "Release", "phorest_kernel.node"));
}

function contents(path: string): Uint8Array {
  const packed = getRawAsset(path);
  if (typeof packed === "string") throw new Error(`${path} was packed as text`);
  return brotliDecompressSync(packed);
}

function start(): void {
  // Unpacking and loading take seconds.
  holdStopSignals(process.argv.slice(2));
  try {
    const packing: Packing = JSON.parse(getAsset("packing.json", "utf8"));
    const places = cachePlaces(process.env, homeOf(), tmpdir(), process.getuid?.() ?? 0);
    const notice = (line: string) => process.stderr.write(`phorest: ${line}\n`);
    const directory = unpack(packing, contents, places, checkLoadable, notice);
    const load: (url: string) => Promise<unknown> = createRequire(join(directory, "import.cjs"))("./import.cjs");
    void load(pathToFileURL(entryOf(directory, process.argv[2])).href);
  } catch (error) {
    process.stderr.write(`phorest: ${failureLine(error)}\n`);
    process.exitCode = WRONG_USAGE;
  }
}

start();
