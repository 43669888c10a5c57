// Temporary names for files that are being unpacked. Each contains the id of the process that writes it, so that the next start
// can distinguish the remains of a killed process from what another start is writing now.
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, lstatSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ownUser } from "./trusted.ts";

/** Remains of a process of another machine or container, or without a process id in the name, are removed after this time. */
const STALE_MS = 3_600_000;
const WRITER = /\.(\d+)-(\d+)-([0-9a-f]{8})\.[0-9a-f]{8}$/;

/** Returns an unused name for a temporary file or directory next to `name`. */
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

/** Removes a file or directory of this user. If it cannot be removed, it stays: the next start tries again. */
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

/** Gives this user the permission to remove the content of closed directories. */
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

/** Returns no names if this user has no access: a directory of root may still be closed. */
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

/** Returns when a process started, in kernel ticks. A process id is reused, the pair of both is not. */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The 22nd field; the second is the program's name in parentheses, which may contain blanks.
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

let known: string | undefined;

/** Identifies this boot of the system and this container: elsewhere, the same process id is another process. */
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
