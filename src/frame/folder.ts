// The folder source: takes the pictures another program writes into a directory. A picture is complete when its size
// and time of modification have stood still for a while as seen from here, because the other side's clock may be wrong
// and copying tools set times back. A name written anew with other content is a new picture; the same content is not.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "../failure.ts";
import type { CapturedFrame, Source } from "./frame.ts";
import { listPictures, type PictureFile } from "./picture-files.ts";

export interface FolderOptions {
  readonly watchDir: string;
  /** A file untouched for so long is complete. */
  readonly stableSeconds: number;
  /** Whether a picture of this name was taken by an earlier run. */
  isKnown(filename: string): boolean;
  /** Monotonic clock, for tests. */
  readonly nowMs?: () => number;
}

/** What is known about a name: the version taken, and the one that is being watched. */
interface Watched {
  taken: string | undefined;
  /** Hash of what was taken; undefined where an earlier run took it. */
  takenSha256: string | undefined;
  version: string;
  sinceMs: number;
}

/** Longest wait inside one capture for a file to prove complete; after it the collector hears "nothing new". */
const LONGEST_WAIT_MS = 5000;
const POLL_MS = 200;

export class Folder implements Source {
  private readonly options: FolderOptions;
  private readonly nowMs: () => number;
  private readonly watched = new Map<string, Watched>();

  constructor(options: FolderOptions) {
    this.options = options;
    this.nowMs = options.nowMs ?? (() => performance.now());
  }

  async open(): Promise<void> {
    await this.scan();
  }

  async capture(signal: AbortSignal): Promise<CapturedFrame | null> {
    const startedMs = this.nowMs();
    for (;;) {
      if (signal.aborted) throw new Failure("camera.failed", "watching the folder was stopped", { retry: "later" });
      const { complete, growing } = await this.scan();
      for (const file of complete) {
        const frame = await this.take(file);
        if (frame !== undefined) return frame;
      }
      if (growing === 0 || this.nowMs() - startedMs >= LONGEST_WAIT_MS) return null;
      await sleep(Math.min(POLL_MS, this.options.stableSeconds * 1000));
    }
  }

  giveBack(frame: CapturedFrame): void {
    const watched = this.watched.get(basename(frame.file?.path ?? ""));
    if (watched === undefined) return;
    watched.taken = undefined;
    watched.takenSha256 = undefined;
  }

  async close(): Promise<void> {
    // Nothing is held open; what was taken stays known, should the source be opened again.
  }

  /** Looks at the directory once: the complete pictures not yet taken, oldest first, and how many may still grow. */
  private async scan(): Promise<{ complete: PictureFile[]; growing: number }> {
    const files = await listPictures(this.options.watchDir);
    const nowMs = this.nowMs();
    const fresh = files.filter((file) => this.watch(file, nowMs));
    const complete = fresh.filter((file) => {
      const sinceMs = this.watched.get(file.name)?.sinceMs ?? nowMs;
      return file.bytes > 0 && nowMs - sinceMs >= this.options.stableSeconds * 1000;
    });
    // An empty file is the beginning of one: worth watching, not worth waiting for.
    const growing = fresh.filter((file) => file.bytes > 0).length - complete.length;
    return { complete, growing };
  }

  /** Notes a file's version; true while that version has not been taken. */
  private watch(file: PictureFile, nowMs: number): boolean {
    const known = this.watched.get(file.name);
    if (known === undefined) {
      const taken = this.options.isKnown(file.name) ? file.version : undefined;
      this.watched.set(file.name, { taken, takenSha256: undefined, version: file.version, sinceMs: nowMs });
      return taken === undefined;
    }
    if (known.version !== file.version) {
      known.version = file.version;
      known.sinceMs = nowMs;
    }
    return known.taken !== file.version;
  }

  /** The frame of a complete file; undefined when it holds what was taken under its name before. */
  private async take(file: PictureFile): Promise<CapturedFrame | undefined> {
    const watched = this.watched.get(file.name);
    if (watched === undefined) return undefined;
    const sha256 = createHash("sha256")
      .update(await readFile(file.path))
      .digest("hex");
    const repeated = watched.takenSha256 === sha256;
    watched.taken = file.version;
    watched.takenSha256 = sha256;
    if (repeated) return undefined;
    const settings = { source: file.name };
    return { file: { path: file.path, keep: true }, capturedAtUs: file.takenAtUs, settings, warnings: [] };
  }
}
