// The files that a stage has set aside, in the form that is stored with its heartbeat and shown by `status` and the page.
import type { StoredSetAside } from "../manifest/heartbeats.ts";
import { type SetAsideFile, setAsideText } from "../system/set-aside.ts";

/** Largest number stored; a share may refuse the names of thousands. */
const STORED = 20;

/** Returns the form that is stored. Times are converted to wall-clock times. */
export function storedSetAside(files: readonly SetAsideFile[], nowUs: number): StoredSetAside {
  const first = [...files].sort((a, b) => a.nextTryInMs - b.nextTryInMs).slice(0, STORED);
  return {
    count: files.length,
    files: first.map(({ nextTryInMs, ...file }) => ({ ...file, nextTryAtUs: Math.round(nowUs + nextTryInMs * 1000) })),
  };
}

/** Returns one line for people. Without `nowUs`, for a run that has ended: the next run tries all files at once. */
export function storedSetAsideText({ count, files }: StoredSetAside, nowUs?: number): string {
  const shown = files.map(({ nextTryAtUs, ...file }) => ({
    ...file,
    nextTryInMs: Math.max(0, (nextTryAtUs - (nowUs ?? nextTryAtUs)) / 1000),
  }));
  return setAsideText(shown, { count, next: nowUs !== undefined });
}
