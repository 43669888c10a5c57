// The results file of `phorest analyse`. All its records are measured with the same settings, which are recorded next to it in
// `<file>.measure.json`, so that an interrupted file can only be continued with the same settings.
import { createWriteStream, existsSync, type WriteStream } from "node:fs";
import { readFile, truncate } from "node:fs/promises";
import { resolve } from "node:path";
import { type FileFrame, shownFrame } from "../analysis/frames.ts";
import { hasCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";
import { measureFile } from "../manifest/records.ts";
import { writeDurably } from "../system/files.ts";
import { givenLines } from "../system/given-file.ts";
import { type OutputPlace, outputPlace } from "../system/output-file.ts";

export interface Sink {
  write(line: string): Promise<void>;
  close(): Promise<void>;
}

/** An open results file. */
export interface ResultsFile {
  readonly sink: Sink;
  /** How often each frame (by frameKey) is in the file already. */
  readonly done: ReadonlyMap<string, number>;
  /** Number of records in the file whose image could not be measured. */
  readonly failed: number;
}

/**
 * Opens a results file. A device or a named pipe only receives the records. A new file must not exist. With `resume` it may, if
 * its records were made with `measure` (everything that affects the values, as JSON): complete records are kept, a torn last line
 * is removed. Throws Failure `usage.invalid`, with the file unchanged, if it may not be written to.
 */
export async function openResultsFile(given: string, measure: string, resume: boolean): Promise<ResultsFile> {
  const place = outputPlace(given);
  const { file: path } = place;
  if (path === undefined) {
    if (resume) throw new Failure("usage.invalid", `--resume needs a file; ${given} is none`, { hint: "name one" });
    return { sink: await openStream(place), done: new Map(), failed: 0 };
  }
  if (resume && existsSync(path)) return await continueFile(path, measure);
  if (existsSync(path)) throw alreadyThere(path);
  // Write the settings first: a results file without them is not ours.
  await writeDurably(measureFile(path), `${measure}\n`);
  return { sink: await openSink(path, "wx"), done: new Map(), failed: 0 };
}

async function continueFile(path: string, measure: string): Promise<ResultsFile> {
  const note = await readNote(path);
  if (note !== measure) {
    throw new Failure("usage.invalid", `${path}: its records were measured with other settings`, {
      hint:
        note === undefined
          ? `${measureFile(path)} is missing`
          : `see ${measureFile(path)}: ${difference(note, measure)}`,
    });
  }
  const done = new Map<string, number>();
  let failed = 0;
  let whole = 0;
  let doubtful: number | undefined;
  let number = 0;
  for await (const { line, terminated } of givenLines(path, MOST_LINE_BYTES)) {
    number++;
    if (doubtful !== undefined) {
      throw new Failure("usage.invalid", `${path}: line ${doubtful} is not a record of analyse`, {
        hint: "the file was changed by another program; nothing was written to it",
      });
    }
    const record = terminated && line !== undefined ? recordIn(line) : undefined;
    if (line === undefined || record === undefined) {
      doubtful = number;
      continue;
    }
    const key = frameKey(record);
    done.set(key, (done.get(key) ?? 0) + 1);
    if (!record.measured) failed++;
    whole += line.length + 1;
  }
  await truncate(path, whole);
  return { sink: await openSink(path, "a"), done, failed };
}

async function readNote(path: string): Promise<string | undefined> {
  try {
    return (await readFile(measureFile(path), "utf8")).trimEnd();
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** The first setting that differs, as text. */
function difference(before: string, now: string): string {
  const [old, wanted] = [before, now].map((text) => new Map(Object.entries(parsed(text))));
  for (const [key, value] of wanted ?? []) {
    const was = old?.get(key);
    if (JSON.stringify(was) !== JSON.stringify(value))
      return `${key} ${JSON.stringify(was)}, now ${JSON.stringify(value)}`;
  }
  return "it cannot be read";
}

function parsed(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch (error) {
    // Settings that are not valid JSON count as different.
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/** Identifies a frame: the absolute path of its file, and its page. */
const frameKey = ({ path, page }: { readonly path: string; readonly page?: number | undefined }): string =>
  shownFrame({ path: resolve(path), ...(page === undefined ? {} : { page }) });

/** Returns the frames that are not in `done` yet; an image that is given twice is measured twice. */
export function remaining(frames: readonly FileFrame[], done: ReadonlyMap<string, number>): FileFrame[] {
  if (done.size === 0) return [...frames];
  const left = new Map(done);
  return frames.filter((frame) => {
    const key = frameKey(frame);
    const times = left.get(key) ?? 0;
    if (times === 0) return true;
    left.set(key, times - 1);
    return false;
  });
}

/** A record with the values of every row of a large chip takes several megabytes. */
const MOST_LINE_BYTES = 256e6;
/** How much of the beginning or end of a record is searched, bytes; a record of a large chip takes megabytes. */
const LOOKED_AT_BYTES = 65_536;
/** Inside a JSON string, a quote has a backslash before it, so this matches only a key. */
const MEASURED = /,"processing_successful":(true|false),/;
const PATH = /^.*,"image_path":("(?:[^"\\]|\\.)*")(?:,"page":(\d+))?(?:,"warnings":\[.*\])?\}$/s;

function recordIn(line: Buffer): { path: string; page: number | undefined; measured: boolean } | undefined {
  const measured = MEASURED.exec(line.toString("utf8", 0, LOOKED_AT_BYTES))?.[1];
  const [, path, page] = PATH.exec(line.toString("utf8", Math.max(0, line.length - LOOKED_AT_BYTES))) ?? [];
  if (measured === undefined || path === undefined || line[0] !== "{".charCodeAt(0)) return undefined;
  return {
    path: String(JSON.parse(path)),
    page: page === undefined ? undefined : Number(page) - 1,
    measured: measured === "true",
  };
}

async function openSink(path: string, flags: "wx" | "a"): Promise<Sink> {
  try {
    return await opened(createWriteStream(path, { flags, flush: true }));
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
    throw alreadyThere(path, error);
  }
}

/** A device cannot be flushed. */
async function openStream({ path, stream }: OutputPlace): Promise<Sink> {
  return stream === undefined ? await opened(createWriteStream(path, { flags: "a" })) : sinkOf(stream, false);
}

async function opened(stream: WriteStream): Promise<Sink> {
  await new Promise((done, refused) => stream.once("open", done).once("error", refused));
  return sinkOf(stream, true);
}

function alreadyThere(path: string, cause?: unknown): Failure {
  return new Failure("usage.invalid", `${path} exists already`, {
    hint: "continue it with --resume, or choose another name",
    cause,
  });
}

/** Writes lines to a stream, one after the other; closes the stream too if it is `owned`. */
export function sinkOf(stream: NodeJS.WritableStream, owned: boolean): Sink {
  return {
    write: (line) =>
      new Promise((written, refused) => {
        stream.write(line, (error) => (error ? refused(error) : written()));
      }),
    close: () =>
      new Promise((closed) => {
        if (owned) stream.end(closed);
        else closed();
      }),
  };
}
