// Temporary names for what is being unpacked. Each carries the process that writes it, so that the next start can tell what
// a killed process left from what another start is writing at this moment.
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, lstatSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ownUser } from "./trusted.ts";

/** What was left by a process of another machine or container, or has no process in its name, is removed after this time. */
const STALE_MS = 3_600_000;
const WRITER = /\.(\d+)-(\d+)-([0-9a-f]{8})\.[0-9a-f]{8}$/;

/** A name, not used before, for a temporary file or directory next to `name`. */
export function temporaryName(name: string): string {
  const { pid } = process;
  return `.${name}.${pid}-${startOf(pid) ?? 0}-${system()}.${randomBytes(4).toString("hex")}`;
}

/** Removes what ended processes of this user left in `place`, whose path must be safe. */
export function sweep(place: string): void {
  for (const name of namesIn(place).filter((entry) => entry.startsWith(".phorest-"))) {
    const path = join(place, name);
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined || found.uid !== ownUser() || isInUse(name, found.mtimeMs)) continue;
    remove(path);
  }
}

/** Removes a file or directory of this user's. What cannot be removed stays: the next start tries again. */
export function remove(path: string): boolean {
  return isRemoved(path) || (openUp(path) && isRemoved(path));
}

function isRemoved(path: string): boolean {
  try {
    rmSync(path, { recursive: true, force: true });
    return true;
  } catch {
    return false;
  }
}

/** Allows this user to remove what is in closed directories. */
function openUp(path: string): boolean {
  try {
    if (lstatSync(path).isDirectory()) {
      chmodSync(path, 0o700);
      return readdirSync(path).every((name) => openUp(join(path, name)));
    }
    return true;
  } catch {
    return false;
  }
}

/** None where this user may not look: a place of root's may be closed so far. */
function namesIn(place: string): string[] {
  try {
    return readdirSync(place);
  } catch {
    return [];
  }
}

function isInUse(name: string, changedMs: number): boolean {
  const [, pid, start, where] = WRITER.exec(name) ?? [];
  if (where === system()) return startOf(Number(pid)) === start;
  return Date.now() - changedMs <= STALE_MS;
}

/** When a process began, in the kernel's ticks: a process id is used again, the pair of both is not. */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The 22nd field; the second is the program's name in parentheses, which may hold blanks.
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

let known: string | undefined;

/** A mark of this start of the system and of this container: elsewhere, the same process id is another process. */
function system(): string {
  known ??= createHash("sha256").update(`${bootId()} ${processSpace()}`).digest("hex").slice(0, 8);
  return known;
}

function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  } catch {
    return randomBytes(8).toString("hex");
  }
}

function processSpace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return randomBytes(8).toString("hex");
  }
}
