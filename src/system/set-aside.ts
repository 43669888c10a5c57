// Files that a stage cannot handle. One such file must not stop the others: it is set aside, and retried at growing intervals.
// Kept in memory only, so that a new run tries every file again at once.

import { backOff } from "./back-off.ts";
import { counted } from "./counted.ts";
import { durationText } from "./duration-text.ts";

/** How long a file is set aside after its first failure, ms. Each further failure doubles it. */
const FIRST_REST_MS = 10_000;
const LONGEST_REST_MS = 3_600_000;

export interface SetAsideOptions {
  readonly firstRestMs?: number;
  readonly longestRestMs?: number;
  /** Monotonic clock, ms. */
  readonly now?: () => number;
}

/** A file that is set aside, as shown to people and other programs. */
export interface SetAsideFile {
  readonly name: string;
  /** The reason; completes the sentence "NAME: ...". */
  readonly reason: string;
  /** Number of failures so far. */
  readonly failures: number;
  /** Time until it may be retried, ms; 0 if it may be now. */
  readonly nextTryInMs: number;
}

interface Held {
  readonly name: string;
  readonly reason: string;
  readonly failures: number;
  readonly untilMs: number;
}

/** The files that one stage has set aside, by a key of the stage's choice (an entry's id, a name). */
export class SetAside<Key extends string | number = string> {
  readonly #held = new Map<Key, Held>();
  readonly #firstRestMs: number;
  readonly #longestRestMs: number;
  readonly #now: () => number;

  constructor({ firstRestMs = FIRST_REST_MS, longestRestMs = LONGEST_REST_MS, now }: SetAsideOptions = {}) {
    this.#firstRestMs = firstRestMs;
    this.#longestRestMs = longestRestMs;
    this.#now = now ?? (() => performance.now());
  }

  /** Sets a file aside, or doubles its wait. Returns true if the reason is new and should be logged. */
  add(key: Key, name: string, reason: string): boolean {
    const before = this.#held.get(key);
    const failures = (before?.failures ?? 0) + 1;
    const restMs = backOff(this.#firstRestMs, this.#longestRestMs, failures);
    this.#held.set(key, { name, reason, failures, untilMs: this.#now() + restMs });
    return before?.reason !== reason;
  }

  /** Called when the file was handled, or no longer exists. Returns true if it had been set aside. */
  remove(key: Key): boolean {
    return this.#held.delete(key);
  }

  /** Forgets every file for which `stays` is false. */
  keepOnly(stays: (key: Key) => boolean): void {
    for (const key of this.#held.keys()) if (!stays(key)) this.#held.delete(key);
  }

  clear(): void {
    this.#held.clear();
  }

  /** Whether a file must not be tried now. */
  isResting(key: Key): boolean {
    const held = this.#held.get(key);
    return held !== undefined && held.untilMs > this.#now();
  }

  /** Returns the keys of all files that must not be tried now. */
  resting(): Key[] {
    const nowMs = this.#now();
    return [...this.#held].filter(([, { untilMs }]) => untilMs > nowMs).map(([key]) => key);
  }

  has(key: Key): boolean {
    return this.#held.has(key);
  }

  /** Number of files that are set aside, including those that may be retried now. */
  get size(): number {
    return this.#held.size;
  }

  /** Time until the first of them may be retried, ms; undefined if there is none. */
  get nextTryInMs(): number | undefined {
    if (this.#held.size === 0) return undefined;
    const first = Math.min(...[...this.#held.values()].map(({ untilMs }) => untilMs));
    return Math.max(0, first - this.#now());
  }

  /** Returns the files, the next one to retry first; at most `limit`. */
  files(limit = Number.POSITIVE_INFINITY): SetAsideFile[] {
    const nowMs = this.#now();
    return [...this.#held.values()]
      .sort((a, b) => a.untilMs - b.untilMs)
      .slice(0, limit)
      .map(({ untilMs, ...file }) => ({ ...file, nextTryInMs: Math.max(0, untilMs - nowMs) }));
  }
}

/** Finds what is new among files that are set aside, for the log. */
export class SetAsideNews {
  #said: ReadonlyMap<string, string> = new Map();

  /** Returns a line for each file that was not among the last ones, or has another reason now. */
  news(files: readonly SetAsideFile[]): string[] {
    const fresh = files.filter(({ name, reason }) => this.#said.get(name) !== reason);
    this.#said = new Map(files.map(({ name, reason }) => [name, reason]));
    return fresh.map(({ name, reason }) => `set aside ${name}: ${reason}`);
  }
}

/** Number of files that are named in one line. */
const NAMED = 3;

export interface SetAsideWords {
  /** Total number, if `files` contains only the first of them. */
  readonly count?: number;
  /** Whether to say when the first one is retried. */
  readonly next?: boolean;
}

/** Returns `set aside: 2 files: NAME: reason; NAME: reason; next try in 4 min`. Empty without files. */
export function setAsideText(files: readonly SetAsideFile[], words: SetAsideWords = {}): string {
  const { count = files.length, next = true } = words;
  if (count === 0) return "";
  const named = files.slice(0, NAMED).map(({ name, reason }) => `${name}: ${reason}`);
  const more = count > named.length ? [`and ${count - named.length} more`] : [];
  const nextMs = Math.min(...files.map(({ nextTryInMs }) => nextTryInMs));
  const when = next ? [nextMs <= 0 ? "next try now" : `next try in ${durationText(nextMs / 1000)}`] : [];
  return `set aside: ${counted(count, "file")}: ${[...named, ...more, ...when].join("; ")}`;
}
