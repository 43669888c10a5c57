// The first code of the single executable: unpacks the program if necessary, and starts it from there. From then on, threads,
// native libraries and files behave as in any installation.
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { isAbsolute, join, relative } from "node:path";
import { getAsset, getRawAsset } from "node:sea";
import { pathToFileURL } from "node:url";
import { brotliDecompressSync } from "node:zlib";
import { Failure, failureLine } from "../failure/failure.ts";
import { holdStopSignals } from "../system/stop-signals.ts";
import { cachePlaces, damagedExecutable, homeOf, unpack } from "./unpack.ts";
import { forgetRecord, inspect, type Packing } from "./unpacked.ts";

const WRONG_USAGE = 2;

/** Returns what to start: the command line, or one of phorest's workers, which `fork` names as it would for Node. */
function entryOf(directory: string, word: string | undefined): string {
  if (word !== undefined && isAbsolute(word) && process.channel !== undefined) {
    const inside = relative(join(directory, "dist", "workers"), word);
    if (/^[\w-]+\.js$/.test(inside)) return word;
  }
  return join(directory, "dist", "src", "cli.js");
}

/** Throws if the system does not run code from there: a one-line error now is better than one in the middle of the work. */
function checkLoadable(directory: string): void {
  process.dlopen({ exports: {} }, join(directory, "build", "Release", "phorest_kernel.node"));
}

function contents(path: string): Uint8Array {
  const packed = getRawAsset(path);
  if (typeof packed === "string") throw new Error(`${path} was packed as text`);
  return brotliDecompressSync(packed);
}

/** Returns the table of packed files. */
function readPacking(): Packing {
  try {
    return JSON.parse(getAsset("packing.json", "utf8"));
  } catch (error) {
    throw damagedExecutable("packing.json", error);
  }
}

/** Ends the start with the one-line error. */
function refuse(error: unknown): void {
  process.stderr.write(`phorest: ${failureLine(error)}\n`);
  if (process.env.PHOREST_DEBUG !== undefined && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exitCode = WRONG_USAGE;
}

/** Returns why a program that could not be loaded is damaged: a failing disk may change a file without changing its times. */
function damageOf(directory: string, packing: Packing): Failure | undefined {
  const found = inspect(directory, packing, { readAll: true });
  if (found.is !== "damaged") return undefined;
  forgetRecord(directory);
  return new Failure("installation.broken", `cannot load the program: ${found.why}`, {
    hint: "start phorest again, which unpacks the program again, and check the disk",
  });
}

/** Loads the program from where it was unpacked. */
async function run(directory: string): Promise<void> {
  const load: (url: string) => Promise<unknown> = createRequire(join(directory, "import.cjs"))("./import.cjs");
  await load(pathToFileURL(entryOf(directory, process.argv[2])).href);
}

function start(): void {
  // Unpacking and loading take seconds.
  holdStopSignals(process.argv.slice(2));
  try {
    const packing = readPacking();
    const places = cachePlaces(process.env, homeOf(), tmpdir(), process.getuid?.() ?? 0);
    const notice = (line: string) => process.stderr.write(`phorest: ${line}\n`);
    const directory = unpack(packing, contents, places, checkLoadable, notice);
    run(directory)
      .catch((error: unknown) => {
        throw damageOf(directory, packing) ?? error;
      })
      .catch(refuse);
  } catch (error) {
    refuse(error);
  }
}

start();
