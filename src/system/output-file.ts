// Files that a person names for output (`--out`, `--csv`, `--jsonl`). A regular file is there whole or not at all. A device, a named
// pipe or a stream of this process (`/dev/stdout`) is written into as it is: a rename would replace it. Of a symbolic link the
// target is written, and the link stays.
import { lstatSync, readlinkSync, type Stats, statSync } from "node:fs";
import { open, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type FileContent, replaceAtOnce, writeDurably } from "./files.ts";

/** Where output goes. */
export interface OutputPlace {
  /** A regular file, or a name that no file has yet; undefined: written into directly. */
  readonly file: string | undefined;
  /** What is written into directly. */
  readonly path: string;
  /** The stream of this process that `path` names, if it is one that this process has open itself. */
  readonly stream: Writable | undefined;
}

/** As many links as the kernel follows. */
const MOST_LINKS = 40;
const DESCRIPTORS = /^\/(?:proc\/(?:self|thread-self|\d+)(?:\/task\/\d+)?|dev)\/fd$/;

/** Where output to the name `given` goes. A name that leads to a directory counts as a file: writing to it fails. */
export function outputPlace(given: string): OutputPlace {
  let path = resolve(given);
  for (let links = 0; links < MOST_LINKS; links++) {
    if (DESCRIPTORS.test(dirname(path))) return { file: undefined, path, stream: ownStream(path) };
    const here = lstatSync(path, { throwIfNoEntry: false });
    if (here?.isSymbolicLink() !== true) break;
    path = resolve(dirname(path), readlinkSync(path));
  }
  return isWrittenInto(statSync(path, { throwIfNoEntry: false }))
    ? { file: undefined, path, stream: undefined }
    : { file: path, path, stream: undefined };
}

const isWrittenInto = (stats: Stats | undefined): boolean =>
  stats !== undefined && !stats.isFile() && !stats.isDirectory();

/** Opened a second time, a file behind standard output would be overwritten by what this process prints later. */
function ownStream(path: string): Writable | undefined {
  const owner = /^\/proc\/(\d+)\//.exec(path)?.[1];
  if (owner !== undefined && Number(owner) !== process.pid) return undefined;
  return path.endsWith("/fd/1") ? process.stdout : path.endsWith("/fd/2") ? process.stderr : undefined;
}

/**
 * Writes a whole output to the name that a person gave. A regular file is replaced at once and is durable when the promise
 * resolves. Throws as writeDurably.
 */
export async function writeOutput(given: string, content: FileContent): Promise<void> {
  const place = outputPlace(given);
  if (place.file === undefined) await writeInto(place, content);
  else await writeDurably(place.file, content);
}

/** The same without flushing to the disk, for what is rewritten many times a second. */
export async function refreshOutput(given: string, bytes: Uint8Array): Promise<void> {
  const place = outputPlace(given);
  if (place.file === undefined) await writeInto(place, bytes);
  else await replaceAtOnce(place.file, bytes);
}

async function writeInto({ path, stream }: OutputPlace, content: FileContent): Promise<void> {
  if (stream !== undefined) {
    const pieces = typeof content === "string" || content instanceof Uint8Array ? [content] : content;
    await pipeline(Readable.from(pieces), stream, { end: false });
    return;
  }
  // Appending, because a descriptor may be of a file that another program writes to as well.
  const handle = await open(path, "a");
  try {
    await writeFile(handle, content);
  } finally {
    await handle.close();
  }
}
