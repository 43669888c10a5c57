// The files that a stage has set aside, as they are stored next to its heartbeat and shown by `status` and the page.
import type { StoredSetAside } from "../manifest/heartbeats.ts";
import { type SetAsideFile, setAsideText } from "../system/set-aside.ts";

/** Stored at most; there may be thousands whose names a share does not take. */
const STORED = 20;

/** The form that is stored. Times become those of the wall clock. */
export function storedSetAside(files: readonly SetAsideFile[], nowUs: number): StoredSetAside {
  const first = [...files].sort((a, b) => a.nextTryInMs - b.nextTryInMs).slice(0, STORED);
  return {
    count: files.length,
    files: first.map(({ nextTryInMs, ...file }) => ({ ...file, nextTryAtUs: Math.round(nowUs + nextTryInMs * 1000) })),
  };
}

/** One line for a person. Without `nowUs`, of a run that has ended: its successor tries all of them at once. */
export function storedSetAsideText({ count, files }: StoredSetAside, nowUs?: number): string {
  const shown = files.map(({ nextTryAtUs, ...file }) => ({
    ...file,
    nextTryInMs: Math.max(0, (nextTryAtUs - (nowUs ?? nextTryAtUs)) / 1000),
  }));
  return setAsideText(shown, { count, next: nowUs !== undefined });
}
