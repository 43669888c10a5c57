// Decides whether a directory is safe to run code from: only this user and root may change or replace it. Everything is checked
// without following links, and before anything is written.
//
// A path is followed from "/" down. Once a directory and all its parents are safe, no one else can rename what is inside, so what
// was checked cannot change afterwards.

import {
  type BigIntStats,
  closeSync,
  constants,
  fchmodSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  type Stats,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { shellWord } from "../failure/quote.ts";

const WRITABLE_BY_OTHERS = 0o002;
const WRITABLE_BY_GROUP = 0o020;
/** In a directory with this bit, only the owner of an entry or of the directory can rename the entry. */
const STICKY = 0o1000;
const OPEN = 0o755;
/** As many as Linux follows in one path. */
const MOST_LINKS = 40;

/** A path that another user could change. The message says which path, why, and what to do. */
export class UntrustedError extends Error {
  constructor(path: string, why: string) {
    super(`${path} ${why}`);
    this.name = "UntrustedError";
  }
}

/** The user whose rights count when this process opens files. */
export function ownUser(): number {
  return process.geteuid?.() ?? 0;
}

/**
 * Returns the real path of the directory `place` if it is safe, or undefined if it does not exist. With `make`, creates it with
 * its parents, readable by everybody. Links in the middle of the path are followed if only this user or root can set them;
 * `place` itself must not be a link. Throws an UntrustedError if another user could change the path.
 */
export function trustedPlace(place: string, make: boolean): string | undefined {
  const parent = walk(dirname(resolve(place)), make);
  if (parent === undefined) return undefined;
  const path = join(parent, basename(resolve(place)));
  let found = statOf(path);
  if (found === undefined) {
    if (!make) return undefined;
    found = makeOpen(path);
  }
  checkDirectory(path, found, { sticky: true });
  return path;
}

/**
 * Throws an UntrustedError unless `path` is a directory of this user or root that no one else can write to, and an Error unless
 * it is a directory. `whole`: the directory that the user should close to others, with everything in it.
 */
export function checkDirectory(
  path: string,
  found: Stats,
  { sticky = false, whole }: { sticky?: boolean; whole?: string } = {},
): void {
  if (found.isSymbolicLink()) throw linkError(path);
  checkOwner(path, found);
  if (!found.isDirectory()) throw notADirectory(path);
  if (!(sticky && isSticky(found))) checkWriters(path, found, whole);
}

/**
 * Throws an UntrustedError unless `path` belongs to this user or root and no one else can write to it, and an Error unless it is
 * a regular file. `whole`: as for `checkDirectory`.
 */
export function checkFile(path: string, found: BigIntStats, whole: string): void {
  if (found.isSymbolicLink()) throw linkError(path);
  checkOwner(path, found);
  if (!found.isFile()) throw Object.assign(new Error("not a regular file"), { path });
  checkWriters(path, found, whole);
}

/** Follows `directory` from "/" down; returns undefined if it does not exist and must not be created. */
function walk(directory: string, make: boolean): string | undefined {
  const names = directory.split("/");
  let real = "/";
  let isShared = checkAncestor(real, lstatSync(real));
  for (let links = 0; names.length > 0; ) {
    const name = names.shift() ?? "";
    if (name === "" || name === ".") continue;
    const path = name === ".." ? dirname(real) : join(real, name);
    let found = statOf(path);
    if (found === undefined) {
      if (!make) return undefined;
      makeIfAbsent(path);
      found = lstatSync(path);
    }
    if (found.isSymbolicLink()) {
      if (isShared || !isOwnOrRoots(found.uid)) throw linkError(path);
      links += 1;
      if (links > MOST_LINKS) throw new UntrustedError(path, "contains too many symbolic links");
      const target = readlinkSync(path);
      names.unshift(...target.split("/"));
      if (target.startsWith("/")) real = "/";
    } else {
      if (!found.isDirectory()) throw notADirectory(path);
      isShared = checkAncestor(path, found);
      real = path;
    }
  }
  return real;
}

/** Checks a parent directory; returns whether other users may create their own entries in it, as in /tmp. */
function checkAncestor(path: string, found: Stats): boolean {
  if (!isOwnOrRoots(found.uid) && !isUnmapped(found.uid)) throw ownerError(path, found.uid);
  const isGroups = (found.mode & WRITABLE_BY_GROUP) !== 0 && !isOwnGroup(found.gid);
  const isWritable = isGroups || (found.mode & WRITABLE_BY_OTHERS) !== 0;
  if (isWritable && !isSticky(found)) throw writersError(path);
  return isWritable;
}

function checkOwner(path: string, { uid }: Stats | BigIntStats): void {
  if (!isOwnOrRoots(Number(uid))) throw ownerError(path, Number(uid));
}

function checkWriters(path: string, { mode }: Stats | BigIntStats, whole: string | undefined): void {
  if ((Number(mode) & (WRITABLE_BY_GROUP | WRITABLE_BY_OTHERS)) !== 0) throw writersError(path, whole);
}

function isOwnOrRoots(uid: number): boolean {
  return uid === 0 || uid === ownUser();
}

function isSticky({ mode }: Stats): boolean {
  return (mode & STICKY) !== 0;
}

/**
 * Whether it is root's group, or the private group that many systems give each user: its number is the user's, and it has no
 * other member.
 */
function isOwnGroup(gid: number): boolean {
  if (gid === 0) return true;
  if (gid !== process.getegid?.() || gid !== ownUser()) return false;
  return isPrivateGroup(gid, textOf("/etc/group"), textOf("/etc/passwd"));
}

/**
 * Whether the group `gid` has no member except the user of the same number.
 * @param groups the text of /etc/group, which names members.
 * @param users the text of /etc/passwd, because /etc/group does not list users by their main group.
 */
export function isPrivateGroup(gid: number, groups: string, users: string): boolean {
  const entries = (text: string) => text.split("\n").map((line) => line.split(":"));
  const own = entries(users).filter(([, , uid]) => uid === String(gid));
  const names = own.map(([name = ""]) => name);
  const [group, , , members = ""] = entries(groups).find(([, , number]) => number === String(gid)) ?? [];
  const isOwn = (member: string) => member === "" || member === group || names.includes(member);
  const isOthers = entries(users).some(([, , uid, main]) => main === String(gid) && uid !== String(gid));
  return members.split(",").every(isOwn) && !isOthers;
}

/** Whether a container (a user namespace) hides the owner: "/" looks like this inside Apptainer and rootless containers. */
function isUnmapped(uid: number): boolean {
  const ranges = textOf("/proc/self/uid_map").trim().split("\n");
  if (String(uid) !== textOf("/proc/sys/kernel/overflowuid").trim()) return false;
  return !ranges.some((range) => {
    const [inside = Number.NaN, , count = Number.NaN] = range.trim().split(/\s+/).map(Number);
    // If the range cannot be read, no user is hidden.
    return !(uid < inside || uid >= inside + count);
  });
}

/** Returns the status of `path` itself, even if it is a link; undefined if nothing is there. */
export function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function makeIfAbsent(path: string): void {
  try {
    mkdirSync(path, OPEN);
  } catch (error) {
    // Another start, or another user, was quicker: the directory is checked like any other.
    if (statOf(path) === undefined) throw error;
  }
}

/**
 * Makes a directory readable by all although a strict umask would close it: one copy may serve all users, and contains no secret.
 */
function makeOpen(path: string): Stats {
  try {
    mkdirSync(path, OPEN);
  } catch (error) {
    const found = statOf(path);
    if (found === undefined) throw error;
    return found;
  }
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    fchmodSync(descriptor, OPEN);
  } finally {
    closeSync(descriptor);
  }
  return lstatSync(path);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function linkError(path: string): UntrustedError {
  return new UntrustedError(path, "is a symbolic link, which is not followed");
}

function ownerError(path: string, uid: number): UntrustedError {
  return new UntrustedError(path, `belongs to another user (${uid})`);
}

/** Suggests one command, even if everything in the directory `whole` is open to others. */
function writersError(path: string, whole?: string): UntrustedError {
  const cure = whole === undefined ? `chmod go-w ${shellWord(path)}` : `chmod -R go-w ${shellWord(whole)}`;
  return new UntrustedError(path, `can be written by other users (${cure})`);
}

function notADirectory(path: string): Error {
  return Object.assign(new Error(`not a directory (${path})`), { code: "ENOTDIR" });
}
