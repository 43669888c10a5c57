// The one executable carries the program as packed files. Native libraries cannot be loaded out of it, so all of them are
// unpacked once, into a directory that is named by the hash of its contents: another version is another directory, and
// two programs that unpack at the same moment make the same one.
import { createHash, randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { Failure } from "../failure.ts";
import { makeDirectory, syncDirectory } from "../files.ts";

/** One file as it will lie in the unpacked directory. */
export interface PackedFile {
  /** Relative to the directory, with forward slashes. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** The table of contents of an executable. */
export interface Packing {
  readonly version: string;
  /** SHA-256 over the files' paths and hashes, hex. */
  readonly digest: string;
  readonly files: readonly PackedFile[];
}

/** Something of a start that died while unpacking is nobody's after this time. */
const STALE_MS = 3_600_000;
const DIGEST_LETTERS = 12;
const WRITABLE_BY_OTHERS = 0o002;
const WRITABLE_BY_ANY = 0o022;
const STICKY = 0o1000;
const OPEN = 0o755;
const READ_ONLY = 0o555;

/**
 * Where the files may be unpacked, best first. With PHOREST_CACHE_DIR that directory alone: who names one means it. A home
 * is one only with an absolute path: HOME may be set to nothing, and a user who has no account none at all.
 */
export function cachePlaces(
  env: NodeJS.ProcessEnv,
  home: string | undefined,
  temporary: string,
  uid: number,
): string[] {
  if (env.PHOREST_CACHE_DIR) return [resolve(env.PHOREST_CACHE_DIR)];
  return [
    ...(env.XDG_CACHE_HOME ? [join(resolve(env.XDG_CACHE_HOME), "phorest")] : []),
    ...(home !== undefined && isAbsolute(home) ? [join(home, ".cache", "phorest")] : []),
    join(resolve(temporary), `phorest-${uid}`),
  ];
}

/** The user's home, or undefined for a user that the system does not know. */
export function homeOf(ask: () => string = homedir): string | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}

/** The name of the directory a packing is unpacked to. */
export function unpackedName({ version, digest }: Packing): string {
  return `phorest-${version}-${digest.slice(0, DIGEST_LETTERS)}`;
}

/**
 * The directory that holds the files of `packing`, unpacked now where no earlier start has done it. Tries each place in
 * turn; `contents` gives a file's bytes, `usable` may throw where the files cannot be used (a file system mounted noexec).
 * `notice` hears, in the start that unpacks, why it was not done at the first place. Throws a Failure that names every
 * place and what is wrong with it.
 */
export function unpack(
  packing: Packing,
  contents: (path: string) => Uint8Array,
  places: readonly string[],
  usable: (directory: string) => void,
  notice: (line: string) => void = () => undefined,
): string {
  const refusals: string[] = [];
  for (const place of places) {
    try {
      const directory = join(place, unpackedName(packing));
      const wasThere = isWhole(directory, packing);
      if (!wasThere) unpackAt(place, packing, contents);
      checkOwner(place, WRITABLE_BY_OTHERS);
      checkOwner(directory, WRITABLE_BY_ANY);
      try {
        usable(directory);
      } catch (error) {
        // Either the place is at fault, or a file has changed since it was unpacked.
        if (!wasThere || isSound(directory, packing)) throw error;
        unpackAt(place, packing, contents);
        usable(directory);
      }
      if (!wasThere && refusals.length > 0) {
        notice(`unpacked to ${directory}, because of ${refusals.join("; ")} (PHOREST_CACHE_DIR names another place)`);
      }
      return directory;
    } catch (error) {
      if (error instanceof DamagedError) throw error.failure;
      refusals.push(`${place}: ${reasonOf(error)}`);
    }
  }
  const megabytes = Math.ceil(packing.files.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6);
  throw new Failure("disk.failed", `the program cannot be unpacked (${megabytes} MB): ${refusals.join("; ")}`, {
    hint: "set PHOREST_CACHE_DIR to a directory that can be written and executed from",
  });
}

/** Whether an earlier start has unpacked everything: a power cut may have cut files short, hence the sizes. */
function isWhole(directory: string, { files }: Packing): boolean {
  if (statSync(directory, { throwIfNoEntry: false }) === undefined) return false;
  return files.every(({ path, bytes }) => statSync(join(directory, path), { throwIfNoEntry: false })?.size === bytes);
}

/** Whether every file still has the hash it was unpacked with: too slow for every start. */
function isSound(directory: string, { files }: Packing): boolean {
  return files.every(({ path, sha256 }) => hashOf(readFileSync(join(directory, path))) === sha256);
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function unpackAt(place: string, packing: Packing, contents: (path: string) => Uint8Array): void {
  // What a careful umask would close: one copy may be for all users, and holds no secret.
  const isNew = statSync(place, { throwIfNoEntry: false }) === undefined;
  makeDirectory(place);
  if (isNew) chmodSync(place, OPEN);
  sweep(place);
  const name = unpackedName(packing);
  const temporary = mkdtempSync(join(place, `.${name}.`));
  try {
    for (const file of packing.files) write(join(temporary, file.path), checked(file, contents));
    for (const directory of directoriesOf(packing)) chmodSync(join(temporary, directory), OPEN);
    giveName(temporary, join(place, name), packing);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  syncDirectory(place);
}

/** A file's bytes as they were packed; a damaged executable gives others, or none. */
function checked({ path, sha256 }: PackedFile, contents: (path: string) => Uint8Array): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = contents(path);
  } catch {
    throw new DamagedError(path);
  }
  if (hashOf(bytes) !== sha256) throw new DamagedError(path);
  return bytes;
}

function write(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  const descriptor = openSync(path, "wx", READ_ONLY);
  try {
    fchmodSync(descriptor, READ_ONLY);
    for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Every directory that the files lie in, relative, the first of them "". */
function directoriesOf({ files }: Packing): Set<string> {
  const found = new Set([""]);
  for (const { path } of files) {
    for (let directory = dirname(path); directory !== "."; directory = dirname(directory)) found.add(directory);
  }
  return found;
}

/** A directory takes its name whole or not at all. Another start may have been quicker: then its files are as good. */
function giveName(temporary: string, directory: string, packing: Packing): void {
  try {
    renameSync(temporary, directory);
  } catch (error) {
    const code = codeOf(error);
    if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
    if (isWhole(directory, packing) && isSound(directory, packing)) return;
    const aside = `${temporary}.${randomBytes(4).toString("hex")}`;
    renameSync(directory, aside);
    renameSync(temporary, directory);
    rmSync(aside, { recursive: true, force: true });
  }
}

/** Code is run from there: whoever else could put files there could run theirs in our name. */
function checkOwner(directory: string, forbidden: number): void {
  const found = lstatSync(directory);
  const self = process.getuid?.() ?? 0;
  if (!found.isDirectory()) throw new Error(`${directory} is not a directory`);
  if (found.uid !== self && found.uid !== 0) throw new Error(`${directory} belongs to another user (${found.uid})`);
  if ((found.mode & forbidden) !== 0 && (found.mode & STICKY) === 0) {
    throw new Error(`${directory} can be written by other users`);
  }
}

function sweep(place: string): void {
  for (const name of readdirSync(place).filter((entry) => entry.startsWith(".phorest-"))) {
    const left = statSync(join(place, name), { throwIfNoEntry: false });
    if (left !== undefined && Date.now() - left.mtimeMs > STALE_MS) {
      rmSync(join(place, name), { recursive: true, force: true });
    }
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

function reasonOf(error: unknown): string {
  if (codeOf(error) === "ERR_DLOPEN_FAILED") return "libraries cannot be loaded from there (mounted noexec?)";
  return error instanceof Error ? error.message.replace(/^\w+: |, \w+ '.*$/g, "") : String(error);
}

/** The packed bytes are not those that were packed: no other place would help. */
class DamagedError extends Error {
  readonly failure: Failure;

  constructor(path: string) {
    super(`${path} differs from its hash`);
    this.failure = new Failure("internal", `this executable is damaged: ${this.message}`, {
      hint: "compare it with its .sha256 file and copy it anew",
    });
  }
}
