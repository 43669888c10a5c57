// Files in a backup: compressed, flushed, read back and compared before they count. Also the list of their hashes, in the format
// that `sha256sum -c` reads.
import { createHash, type Hash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync, readdirSync } from "node:fs";
import { type FileHandle, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { errorCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";
import { digestOpened, withConfinedFile } from "../system/confined-file.ts";
import { checkedFaultReason } from "../system/fault-of.ts";
import { printable } from "../system/file-name.ts";
import { writeDurably } from "../system/files.ts";

/** Name of the list of hashes in each backup and archive. */
export const SUMS = "SHA256SUMS";

/** Size and hash of a file. */
export interface Content {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** Returns the size and SHA-256 of a file, in one pass. Throws errors of the file system. */
export async function contentOf(path: string, signal?: AbortSignal): Promise<Content> {
  const seen = new Tap();
  await pipeline(createReadStream(path), seen.pass, sink, { signal });
  return seen.content();
}

/**
 * Compresses `source` to the new file `target`, flushes it, reads it back and compares. Returns size and hash of the compressed
 * file. Throws Failure `backup.failed` if the disk returned something else.
 */
export async function pack(
  source: Readable | Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
  target: string,
  signal?: AbortSignal,
): Promise<Content> {
  const plain = new Tap();
  const packed = new Tap();
  const input = source instanceof Readable ? source : Readable.from(source);
  const file = createWriteStream(target, { flags: "wx", flush: true });
  await pipeline(input, plain.pass, createGzip(), packed.pass, file, { signal });
  const back = new Tap();
  await pipeline(createReadStream(target), createGunzip(), back.pass, sink, { signal });
  if (back.content().sha256 !== plain.content().sha256) {
    throw new Failure("backup.failed", `${target}: the content read back differs from what was written`, {
      hint: "check the disk; phorest skips this backup and tries the next one",
      retry: "later",
    });
  }
  return packed.content();
}

/**
 * Decompresses the file `name` in `directory` to the new file `target`, and flushes it. Throws Failure `backup.damaged` if the
 * file is not valid.
 */
export async function unpack(directory: string, name: string, target: string): Promise<void> {
  const source = join(directory, name);
  try {
    await withConfinedFile(directory, name, ({ handle }) => unpackOpened(handle, target));
  } catch (error) {
    if (!(error instanceof Error) || errorCode(error)?.startsWith("Z_") !== true) throw error;
    throw new Failure("backup.damaged", `${source}: ${error.message}`, { hint: "use another backup", cause: error });
  }
}

async function unpackOpened(handle: FileHandle, target: string): Promise<void> {
  const source = handle.createReadStream({ start: 0, autoClose: false });
  await pipeline(source, createGunzip(), createWriteStream(target, { flags: "wx", flush: true }));
}

/** Writes the list of hashes of all files in `directory`, except the list itself. */
export async function writeSums(directory: string, known: ReadonlyMap<string, string>): Promise<void> {
  const lines: string[] = [];
  for (const name of filesUnder(directory)) {
    const sha256 = known.get(name) ?? (await contentOf(join(directory, name))).sha256;
    lines.push(`${sha256}  ${name}\n`);
  }
  await writeDurably(join(directory, SUMS), lines.join(""));
}

/** Returns the problems with the files of a backup, one line each; empty if all match the list. */
export async function sumsProblems(directory: string): Promise<string[]> {
  const list = join(directory, SUMS);
  if (!existsSync(list)) return [`${list} is missing, so this backup is incomplete`];
  const problems: string[] = [];
  const named = new Set<string>();
  const text = await readFile(list, "utf8").catch((error: unknown) => {
    const reason = checkedFaultReason(error);
    if (reason === undefined) throw error;
    problems.push(`${list} cannot be read: ${reason}`);
  });
  if (text === undefined) return problems;
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const [, sha256, name] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
    if (sha256 === undefined || name === undefined) {
      problems.push(`${list}: "${line.slice(0, 80)}" is not a valid line of it`);
      continue;
    }
    named.add(name);
    const problem = await sumProblem(directory, name, sha256);
    if (problem !== undefined) problems.push(problem);
  }
  for (const { name, isFile } of entriesUnder(directory)) {
    const path = join(directory, name);
    if (!isFile) problems.push(`${path} is not a regular file`);
    else if (!named.has(name)) problems.push(`${path} is not in ${SUMS}`);
  }
  return problems;
}

/** Returns the problem with one file of a list. The name in the list is untrusted, and must lead to a file of the backup. */
async function sumProblem(directory: string, name: string, sha256: string): Promise<string | undefined> {
  const path = join(directory, printable(name).slice(1, -1));
  try {
    const content = await withConfinedFile(directory, name, (file) => digestOpened(file));
    return content.sha256 === sha256 ? undefined : `${path} differs from its checksum in ${SUMS}`;
  } catch (error) {
    if (error instanceof Failure && error.code === "file.missing") return `${path} is missing`;
    const reason = checkedFaultReason(error);
    if (reason === undefined) throw error;
    return error instanceof Failure ? reason : `${path} cannot be read: ${reason}`;
  }
}

/** Returns the files below a directory, relative to it, sorted; without the list of hashes. */
function filesUnder(directory: string): string[] {
  return entriesUnder(directory)
    .filter(({ isFile }) => isFile)
    .map(({ name }) => name);
}

/** Returns everything below a directory except directories, sorted; without the list of hashes. */
function entriesUnder(directory: string): { readonly name: string; readonly isFile: boolean }[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => ({ name: relative(directory, join(entry.parentPath, entry.name)), isFile: entry.isFile() }))
    .filter(({ name }) => name !== SUMS)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Hashes and counts the bytes that pass through. */
class Tap {
  readonly #hash: Hash = createHash("sha256");
  #bytes = 0;

  readonly pass = async function* (this: Tap, chunks: AsyncIterable<string | Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
      this.#hash.update(bytes);
      this.#bytes += bytes.length;
      yield bytes;
    }
  }.bind(this);

  content(): Content {
    return { bytes: this.#bytes, sha256: this.#hash.copy().digest("hex") };
  }
}

async function sink(chunks: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of chunks);
}
