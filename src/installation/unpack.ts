// Unpacks the program that the single executable contains as packed files. Native libraries cannot be loaded from it, so all
// files are unpacked once, into a directory named by the hash of its contents: another version gets another directory, and two
// programs that unpack at the same time create the same one.
//
// Code is run from that directory. So it is used only if no one else can change it or a parent directory (trusted.ts), and if its
// files are those that were packed (unpacked.ts). Both are checked before any of its files is loaded or written.
import { chmodSync, existsSync, mkdirSync, renameSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { Failure } from "../failure/failure.ts";
import { isNoexec, loadingFault } from "../native/native-part.ts";
import { wholeMegabytes } from "../system/byte-size.ts";
import { syncDirectory } from "../system/files.ts";
import { remove, sweep, temporaryName } from "./leftovers.ts";
import { trustedPlace } from "./trusted.ts";
import {
  type Condition,
  directoriesOf,
  hashOf,
  inspect,
  type PackedFile,
  type Packing,
  recordFiles,
  writeFile,
} from "./unpacked.ts";

const DIGEST_LETTERS = 12;
/** Attempts to rename a directory while other starts do the same. */
const MOST_TRIES = 5;
/** Errors if the directory cannot be renamed because another directory or a file has its name. */
const IN_THE_WAY: ReadonlySet<string | undefined> = new Set(["ENOTEMPTY", "EEXIST", "ENOTDIR"]);
const PRIVATE = 0o700;
const OPEN = 0o755;

/**
 * Returns where the files may be unpacked, best first. If PHOREST_CACHE_DIR is set, only that directory: the user chose it. A
 * home directory counts only if its path is absolute: HOME may be empty, and a user without an account may have none.
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

/** Returns the user's home directory, or undefined for a user that the system does not know. */
export function homeOf(ask: () => string = homedir): string | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}

/** Returns the name of the directory that a packing is unpacked to. */
export function unpackedName({ version, digest }: Packing): string {
  return `phorest-${version}-${digest.slice(0, DIGEST_LETTERS)}`;
}

/** How to get the executable's files, and how to test whether they can be used in a place. */
interface Unpacking {
  readonly packing: Packing;
  readonly contents: (path: string) => Uint8Array;
  readonly usable: (directory: string) => void;
}

/**
 * Returns the directory with the files of `packing`: the first place with a complete copy, otherwise the first place where they
 * can be unpacked now. `contents` returns a file's bytes, `usable` throws if the files cannot be used. `notice` is called by the
 * start that unpacks, with the reason why the first place was not used, or with what was damaged. Throws a Failure that names
 * every place and its problem, or a problem that no other place would solve: a damaged executable, a system that is too old.
 */
export function unpack(
  packing: Packing,
  contents: (path: string) => Uint8Array,
  places: readonly string[],
  usable: (directory: string) => void,
  notice: (line: string) => void = () => undefined,
): string {
  const unpacking = { packing, contents, usable };
  const refusals = new Map<string, string>();
  const damages = new Map<string, string>();
  const attempt = <T>(place: string, work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      // Another place would not help.
      if (error instanceof Failure) throw error;
      const [reason, damage] = [reasonOf(error), damages.get(place)];
      const where = reason.startsWith(place) ? reason : `${place}: ${reason}`;
      refusals.set(place, damage === undefined ? where : `${damage} and cannot be unpacked again: ${reason}`);
      return undefined;
    }
  };
  for (const place of places) {
    const found = attempt(place, () => lookAt(place, unpacking));
    if (found?.is === "whole") return found.directory;
    if (found?.is === "damaged") damages.set(place, found.why);
  }
  for (const place of places.filter((one) => !refusals.has(one))) {
    const directory = attempt(place, () => unpackAt(place, unpacking));
    if (directory === undefined) continue;
    const damage = damages.get(place);
    if (damage !== undefined) notice(`${damage}; unpacked it again`);
    else if (refusals.size > 0)
      notice(
        `unpacked to ${directory}, because of ${[...refusals.values()].join("; ")} (set PHOREST_CACHE_DIR to use another directory)`,
      );
    return directory;
  }
  const size = wholeMegabytes(packing.files.reduce((sum, { bytes }) => sum + bytes, 0));
  const reasons = [...refusals.values()].join("; ");
  throw new Failure("disk.failed", `cannot unpack the program (${size}): ${reasons}`, {
    hint: "set PHOREST_CACHE_DIR to a directory of yours that others cannot write to and programs can run from",
  });
}

type Found = Exclude<Condition, { is: "whole" }> | { readonly is: "whole"; readonly directory: string };

/** Returns what an earlier start has left at `place`. Throws if code must not, or cannot, be run from there. */
function lookAt(place: string, { packing, usable }: Unpacking): Found {
  const real = trustedPlace(place, false);
  if (real === undefined) return { is: "absent" };
  checkName(real);
  sweep(real);
  if (isNoexec(real)) throw new PlaceRefusal(NOEXEC);
  const directory = join(real, unpackedName(packing));
  const found = inspect(directory, packing);
  if (found.is !== "whole") return found;
  try {
    tryOut(directory, usable);
  } catch (error) {
    // The files are not at fault, and reading all of them at every start would take long.
    if (error instanceof PlaceRefusal) throw error;
    // A failing disk may have changed a file without changing its times.
    const reread = inspect(directory, packing, { readAll: true });
    if (reread.is === "damaged") return reread;
    throw error;
  }
  return { is: "whole", directory };
}

function unpackAt(place: string, { packing, contents, usable }: Unpacking): string {
  checkName(place);
  if (isNoexec(nearestThere(place))) throw new PlaceRefusal(NOEXEC);
  const real = trustedPlace(place, true) ?? place;
  const name = unpackedName(packing);
  const directory = join(real, name);
  const temporary = join(real, temporaryName(name));
  mkdirSync(temporary, PRIVATE);
  try {
    for (const inside of directoriesOf(packing)) if (inside !== "") mkdirSync(join(temporary, inside), PRIVATE);
    for (const file of packing.files) writeFile(join(temporary, file.path), checked(file, contents));
    recordFiles(temporary, packing);
    // Open to all, even with a strict umask: one copy may serve all users, and contains no secret.
    for (const inside of directoriesOf(packing)) chmodSync(join(temporary, inside), OPEN);
    giveName(temporary, directory, packing);
  } finally {
    remove(temporary);
  }
  syncDirectory(real);
  try {
    tryOut(directory, usable);
  } catch (error) {
    // Useless here, and large.
    remove(directory);
    throw error;
  }
  return directory;
}

/** A place that programs cannot run from, even with intact files. */
class PlaceRefusal extends Error {}

const NOEXEC = "the disk is mounted noexec, so libraries cannot be loaded";

/** Refuses paths from which Node.js does not load modules. */
function checkName(place: string): void {
  if (place.includes("\\")) throw new PlaceRefusal("programs do not run from a directory with a backslash in its path");
}

/** Returns the directory itself, or its nearest existing parent. */
function nearestThere(directory: string): string {
  return existsSync(directory) || directory === "/" ? directory : nearestThere(dirname(directory));
}

/** Returns a file's bytes if they are those that were packed; a damaged executable gives others, or none. */
function checked({ path, sha256 }: PackedFile, contents: (path: string) => Uint8Array): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = contents(path);
  } catch (error) {
    throw damagedExecutable(path, error);
  }
  if (hashOf(bytes) !== sha256) throw damagedExecutable(path);
  return bytes;
}

/** Returns the failure for bytes that differ from those that were packed. */
export function damagedExecutable(path: string, cause?: unknown): Failure {
  return new Failure("installation.broken", `this executable is damaged: ${path} in it has changed`, {
    hint: "compare it with its .sha256 file and copy it again",
    cause,
  });
}

/**
 * Renames a directory to its final name. Another start may have been quicker: its files are just as good. A damaged directory is
 * moved away first, and in that moment another start may have put its own there.
 */
function giveName(temporary: string, directory: string, packing: Packing): void {
  for (let left = MOST_TRIES; ; left -= 1) {
    try {
      renameSync(temporary, directory);
      return;
    } catch (error) {
      const code = codeOf(error);
      if (left === 0 || !IN_THE_WAY.has(code)) throw error;
    }
    if (inspect(directory, packing, { readAll: true }).is === "whole") return;
    moveAway(directory, packing);
  }
}

function moveAway(directory: string, packing: Packing): void {
  const aside = join(dirname(directory), temporaryName(unpackedName(packing)));
  try {
    renameSync(directory, aside);
  } catch (error) {
    // Another start has moved it away.
    if (codeOf(error) !== "ENOENT") throw error;
  }
  remove(aside);
}

/** Loads what `usable` loads. Its Errors concern the place; its Failures concern the system, wherever the files are. */
function tryOut(directory: string, usable: (directory: string) => void): void {
  try {
    usable(directory);
  } catch (error) {
    if (codeOf(error) !== "ERR_DLOPEN_FAILED") throw error;
    const { why, remedy, ofPlace } = loadingFault(error);
    if (ofPlace) throw new PlaceRefusal(`libraries cannot be loaded from there: ${why}`, { cause: error });
    throw new Failure("installation.broken", `this executable does not work on this system: ${why}`, {
      hint: remedy ?? "use the executable for this type of computer",
      cause: error,
    });
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/^E[A-Z]+: |, \w+ '.*$/g, "") : String(error);
}
