// Captures whose rows could not be written to the database. The image is on the disk, and its data wait in this file, one line of
// JSON each, until the database can be written again. Without the file, the images would still be found, but their temperatures
// and camera settings would be lost.
import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { pictureNameProblem } from "../image/picture-name.ts";
import { syncDirectory } from "../system/files.ts";
import type { NewEntry } from "./entries.ts";
import type { Manifest } from "./manifest.ts";

/** Name of the file, in data_dir. */
const UNRECORDED_FILENAME = "phorest.unrecorded.jsonl";

const READING = z.object({
  sensor: z.string(),
  unit: z.string(),
  takenAtUs: z.number(),
  value: z.number().optional(),
  error: z.string().optional(),
});

const ENTRY = z.object({
  capturedAtUs: z.number(),
  filename: z.string().optional(),
  bytes: z.number().optional(),
  sha256: z.string().optional(),
  width: z.number().optional(),
  height: z.number().optional(),
  bitDepth: z.number().optional(),
  cameraType: z.string().optional(),
  cameraIndex: z.number().optional(),
  settings: z.string().optional(),
  warnings: z.string().optional(),
  collectionError: z.string().optional(),
  readings: z.array(READING).optional(),
});

export class Unrecorded {
  readonly #directory: string;
  readonly #path: string;
  #waiting: boolean;

  constructor(dataDir: string) {
    this.#directory = dataDir;
    this.#path = join(dataDir, UNRECORDED_FILENAME);
    this.#waiting = existsSync(this.#path);
  }

  /** Whether captures are waiting for their rows. */
  get waiting(): boolean {
    return this.#waiting;
  }

  /** Appends a capture durably. Its image must be in data_dir. */
  keep(entry: NewEntry): void {
    const isNew = !existsSync(this.#path);
    // A line that a power cut left half-written must not spoil this one.
    const handle = openSync(this.#path, "a");
    try {
      appendFileSync(handle, `\n${JSON.stringify(entry)}`);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    if (isNew) syncDirectory(this.#directory);
    this.#waiting = true;
  }

  /**
   * Adds the rows of the waiting captures, in order, and empties the file; returns how many there were. Skips those that have a
   * row already or whose image is gone. Throws errors of the database, and then keeps the file.
   */
  record(manifest: Manifest, runId?: number): number {
    if (!this.#waiting) return 0;
    const lines = readFileSync(this.#path, "utf8").split("\n");
    let recorded = 0;
    manifest.together(() => {
      for (const line of lines) {
        const entry = parse(line);
        if (entry === undefined || !this.#isWanted(manifest, entry)) continue;
        manifest.entries.add({ ...entry, filepath: this.#directory, ...(runId === undefined ? {} : { runId }) });
        recorded += 1;
      }
    });
    rmSync(this.#path);
    this.#waiting = false;
    return recorded;
  }

  #isWanted(manifest: Manifest, { filename, capturedAtUs }: NewEntry): boolean {
    if (filename === undefined) return !manifest.entries.knowsMoment(capturedAtUs);
    if (pictureNameProblem(filename) !== undefined) return false;
    return existsSync(join(this.#directory, filename)) && !manifest.entries.knowsFile(filename);
  }
}

/** Returns undefined if the line is truncated. */
function parse(line: string): NewEntry | undefined {
  if (line.trim() === "") return undefined;
  try {
    const { readings, ...entry } = ENTRY.parse(JSON.parse(line));
    return { ...entry, readings: readings?.map((reading) => ({ value: undefined, error: undefined, ...reading })) };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return undefined;
    throw error;
  }
}
