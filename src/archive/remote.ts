// The remote root: a directory on a mounted share (SMB, NFS, a USB disk) that carries a marker file. An unmounted share
// looks like an empty directory, and another share mounted in its place looks good; the marker and its id distinguish
// them. Nothing is ever written to a root that is not `ready`.
import { randomUUID } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
} from "node:fs";
import { join, relative, resolve } from "node:path";
import * as z from "zod";
import { errorCode } from "../failure/error-code.ts";
import { Failure, type FailureCode } from "../failure/failure.ts";
import { diskSpace } from "../system/disk-space.ts";
import { writeDurably } from "../system/files.ts";
import { type Mount, mountOf } from "../system/mounts.ts";
import { isAway, shareWords } from "./refusal.ts";

export const MARKER_FILENAME = "phorest-remote.json";

const MARKER = z.object({ phorest_remote: z.literal(1), remote_id: z.uuid(), created_at: z.string() });

const REMOTE_STATES = [
  "ready",
  "absent",
  "not_a_directory",
  "unmarked",
  "damaged",
  "other",
  "read_only",
  "denied",
  "full",
  "failing",
  "gone",
] as const;
export type RemoteState = (typeof REMOTE_STATES)[number];

/** The result of inspecting a remote root. */
export interface RemoteInspection {
  readonly state: RemoteState;
  /** The problem in words; if `ready`, what and where the remote is. */
  readonly words: string;
  /** What to do about it; empty for `ready`. */
  readonly remedy: string;
  /** Id in the marker, if there is one. */
  readonly remoteId: string | undefined;
  readonly mount: Mount | undefined;
  /** Device number of the marker file: every copy must be on the same one. */
  readonly device: number | undefined;
  readonly freeBytes: number | undefined;
}

/** Less free space than this counts as full, bytes. */
const FULL_BELOW_BYTES = 1_000_000;

/**
 * Inspects a remote root without changing anything. `expectedId` is the id that the experiment was copied to before. Every call
 * accesses the file system, and a share that does not respond can block it without limit: call it only where that does no harm.
 */
export function inspectRemote(directory: string, expectedId?: string): RemoteInspection {
  const facts: { mount?: Mount; remoteId?: string; device?: number; freeBytes?: number | undefined } = {};
  const found = (state: RemoteState, words: string, remedy: string): RemoteInspection => ({
    state,
    words,
    remedy,
    remoteId: facts.remoteId,
    mount: facts.mount,
    device: facts.device,
    freeBytes: facts.freeBytes,
  });
  try {
    const stats = statSync(directory, { throwIfNoEntry: false });
    if (stats === undefined) {
      return found(
        "absent",
        `the share directory ${directory} does not exist`,
        "mount the share, or correct Paths.remote_root_dir",
      );
    }
    if (!stats.isDirectory()) {
      return found("not_a_directory", `the share directory ${directory} is a file`, "correct Paths.remote_root_dir");
    }
    facts.mount = mountOf(directory);
    const marker = readMarker(directory);
    if (marker === undefined) {
      const empty = readdirSync(directory).length === 0;
      const mountPoint = facts.mount?.point === realpathSync(directory);
      // A new share is empty as well, but something is mounted there.
      const unmounted = empty && !mountPoint;
      const why = unmounted ? "it is an empty directory, so the share is not mounted" : "it has no marker file";
      const remedy = `mount the share; for a new share, run \`phorest init-remote ${directory}\` once`;
      return found("unmarked", `${directory} is not a destination for copies: ${why}`, remedy);
    }
    if (marker === "damaged") {
      const words = `cannot read the marker file ${join(directory, MARKER_FILENAME)}`;
      return found(
        "damaged",
        words,
        "check that the right share is mounted; then remove the file and run `phorest init-remote`",
      );
    }
    facts.remoteId = marker.remoteId;
    facts.device = marker.device;
    if (expectedId !== undefined && marker.remoteId !== expectedId) {
      const words = `another share is mounted at ${directory} (id ${marker.remoteId}, not ${expectedId})`;
      return found("other", words, "mount the right one, or use this one with `phorest sync --accept-remote`");
    }
    facts.freeBytes = diskSpace(directory)?.freeBytes;
    accessSync(directory, constants.W_OK | constants.X_OK);
    if (facts.freeBytes !== undefined && facts.freeBytes < FULL_BELOW_BYTES) {
      return found("full", `the share ${directory} is full`, "free some space there; copying then continues");
    }
    return found("ready", `${directory} on ${facts.mount?.type ?? "an unknown file system"}`, "");
  } catch (error) {
    const [state, words, remedy] = explain(error, directory);
    return found(state, words, remedy);
  }
}

/** Returns the Failure for a root that is not ready. */
export function unready({ state, words, remedy }: RemoteInspection): Failure {
  return new Failure(CODES[state], `${words}: ${remedy}`, { retry: "later" });
}

/** Returns the Failure for an error on a remote that is ready. */
export function remoteFailure(error: unknown, directory: string): Failure {
  const [state, words, remedy] = explain(error, directory);
  return new Failure(CODES[state], `${words}: ${remedy}`, { retry: "later", cause: error });
}

const CODES: Readonly<Record<RemoteState, FailureCode>> = {
  ready: "remote.failed",
  absent: "remote.unavailable",
  not_a_directory: "remote.unavailable",
  unmarked: "remote.unavailable",
  damaged: "remote.unavailable",
  other: "remote.unavailable",
  gone: "remote.unavailable",
  read_only: "remote.refused",
  denied: "remote.refused",
  failing: "remote.failed",
  full: "remote.full",
};

function explain(error: unknown, directory: string): [RemoteState, string, string] {
  const code = errorCode(error) ?? "";
  const message = error instanceof Error ? error.message : String(error);
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return ["full", `the share ${directory} is full`, "free some space there; copying then continues"];
    case "EROFS":
      return [
        "read_only",
        `the share ${directory} is mounted read-only`,
        "mount it for writing; if it became read-only during the run, check the disk",
      ];
    case "EACCES":
    case "EPERM":
      return [
        "denied",
        `no permission to write to the share ${directory} (${message})`,
        "give this user write permission there",
      ];
    default:
      return [isAway(code) ? "gone" : "failing", ...shareWords(code, message, directory)];
  }
}

export interface Marker {
  readonly remoteId: string;
  /** Device number of the file system that contains it. */
  readonly device: number;
}

/** Reads the marker of a root; undefined if there is none. */
export function readMarker(directory: string): Marker | "damaged" | undefined {
  const path = join(directory, MARKER_FILENAME);
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  try {
    const parsed = MARKER.safeParse(JSON.parse(readFileSync(path, "utf8")));
    return parsed.success ? { remoteId: parsed.data.remote_id, device: stats.dev } : "damaged";
  } catch (error) {
    if (error instanceof SyntaxError) return "damaged";
    throw error;
  }
}

export interface InitResult {
  readonly remoteId: string;
  /** False if it was a remote root already. */
  readonly made: boolean;
  readonly marker: string;
  /** Warnings for people. */
  readonly warnings: readonly string[];
}

/**
 * Makes `directory` a remote root by writing its marker; an existing marker stays. `local`: the experiment's own directories,
 * which cannot be a remote. Failures: `usage.invalid`; `remote.*` if it cannot be written.
 */
export async function initRemote(directory: string, local: readonly string[]): Promise<InitResult> {
  const root = resolve(directory);
  const stats = statSync(root, { throwIfNoEntry: false });
  if (stats === undefined)
    throw refuse(`${root} does not exist`, "mount the share first, and create the directory on it");
  if (!stats.isDirectory()) throw refuse(`${root} is not a directory`, "name a directory on the share");
  for (const own of local) {
    const hint = "name a directory on another disk or share";
    // Real paths: a link that leads back here is not a share.
    const [realOwn, realRoot] = [realOf(own), realpathSync(root)];
    if (within(realOwn, realRoot)) throw refuse(`${root} contains ${own} of the experiment`, hint);
    if (within(realRoot, realOwn)) throw refuse(`${root} is inside ${own} of the experiment`, hint);
  }
  const path = join(root, MARKER_FILENAME);
  const known = readMarker(root);
  if (known === "damaged") {
    throw refuse(`cannot read the existing marker file ${path}`, "check what it is, remove it and try again");
  }
  const warnings = local.some((own) => existsSync(own) && statSync(own).dev === stats.dev)
    ? [
        `${root} is on the same disk as the experiment: mount the share first, because a copy on the same disk does not protect against its failure`,
      ]
    : [];
  if (known !== undefined) return { remoteId: known.remoteId, made: false, marker: path, warnings };
  const remoteId = randomUUID();
  const marker = { phorest_remote: 1, remote_id: remoteId, created_at: new Date().toISOString() };
  try {
    await writeDurably(path, `${JSON.stringify(marker)}\n`);
  } catch (error) {
    const { code, message } = remoteFailure(error, root);
    throw new Failure(code, message, { cause: error });
  }
  return { remoteId, made: true, marker: path, warnings };
}

function refuse(message: string, hint: string): Failure {
  return new Failure("usage.invalid", message, { hint });
}

function realOf(path: string): string {
  return existsSync(path) ? realpathSync(path) : resolve(path);
}

function within(inner: string, outer: string): boolean {
  const path = relative(outer, inner);
  return path === "" || !(path === ".." || path.startsWith("../"));
}
