// Writes files that the user names for output (`--out`, `--csv`, `--jsonl`). A regular file is written completely or not at all.
// A device, a named pipe or a stream of this process (`/dev/stdout`) is written directly, because a rename would replace it. For
// a symbolic link, the target is written, and the link stays.
import { lstatSync, readlinkSync, type Stats, statSync } from "node:fs";
import { open, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Failure } from "../failure/failure.ts";
import { type FileContent, replaceWithoutFlush, writeDurably } from "./files.ts";

/** The destination of an output. */
export interface OutputPlace {
  /** A regular file, or a name that no file has yet; undefined: written directly. */
  readonly file: string | undefined;
  /** The path that is written directly. */
  readonly path: string;
  /** The stream of this process that `path` names, if this process has it open. */
  readonly stream: Writable | undefined;
}

/** As many links as the kernel follows. */
const MOST_LINKS = 40;
const DESCRIPTORS = /^\/(?:proc\/(?:self|thread-self|\d+)(?:\/task\/\d+)?|dev)\/fd$/;

/** Returns the destination of output to the name `given`. A name of a directory counts as a file: writing to it fails. */
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

/** If the file behind standard output were opened a second time, later output of this process would overwrite it. */
function ownStream(path: string): Writable | undefined {
  const owner = /^\/proc\/(\d+)\//.exec(path)?.[1];
  if (owner !== undefined && Number(owner) !== process.pid) return undefined;
  return path.endsWith("/fd/1") ? process.stdout : path.endsWith("/fd/2") ? process.stderr : undefined;
}

/**
 * Writes a complete output to the name that the user gave. A regular file is replaced atomically and is durable when the promise
 * resolves. Throws Failure `usage.invalid` for a directory, else as writeDurably does.
 */
export async function writeOutput(given: string, content: FileContent): Promise<void> {
  const place = outputPlace(given);
  if (statSync(place.path, { throwIfNoEntry: false })?.isDirectory() === true) {
    throw new Failure("usage.invalid", `${given}: it is a directory`, { hint: "name a file" });
  }
  if (place.file === undefined) await writeInto(place, content);
  else await writeDurably(place.file, content);
}

/** Does the same without flushing to the disk, for files that are rewritten often. */
export async function refreshOutput(given: string, bytes: Uint8Array): Promise<void> {
  const place = outputPlace(given);
  if (place.file === undefined) await writeInto(place, bytes);
  else await replaceWithoutFlush(place.file, bytes);
}

async function writeInto({ path, stream }: OutputPlace, content: FileContent): Promise<void> {
  if (stream !== undefined) {
    const pieces = typeof content === "string" || content instanceof Uint8Array ? [content] : content;
    await pipeline(Readable.from(pieces), stream, { end: false });
    return;
  }
  // Appends, because another program may write to the file behind the descriptor as well.
  const handle = await open(path, "a");
  try {
    await writeFile(handle, content);
  } finally {
    await handle.close();
  }
}
