// The kernel's answers of a network share and of a machine whose watches are used up, neither of which can be had here;
// the directory and its files are real.
import type { FSWatcher } from "node:fs";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Folder } from "../../src/cameras/folder.ts";

const NFS = 0x6969;
const kernel = vi.hoisted(() => ({
  type: undefined as number | undefined,
  watchFails: false,
  watches: [] as FSWatcher[],
}));

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const statfs = async (path: string) => {
    const found = await real.statfs(path);
    return kernel.type === undefined ? found : { ...found, type: kernel.type };
  };
  return { ...real, statfs };
});
vi.mock("node:fs", async (original) => {
  const real = await original<typeof import("node:fs")>();
  const watch = (...args: Parameters<typeof real.watch>) => {
    if (kernel.watchFails)
      throw Object.assign(new Error("System limit for number of file watchers"), { code: "ENOSPC" });
    const watcher = real.watch(...args);
    kernel.watches.push(watcher);
    return watcher;
  };
  return { ...real, watch };
});

let directory: string;
let source: Folder;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "phorest-changes-"));
  Object.assign(kernel, { type: undefined, watchFails: false, watches: [] });
  source = new Folder({ watchDir: directory, stableSeconds: 0.02, takenBefore: () => undefined });
});
afterEach(async () => {
  await source.close();
  rmSync(directory, { recursive: true });
});

const signal = new AbortController().signal;
const put = (name: string) => writeFileSync(join(directory, name), name);
const next = async () => (await source.capture(signal))?.file?.name;

test("on a network share, where nobody tells of new files, each look lists the directory", async () => {
  kernel.type = NFS;
  await source.open();
  expect(await next()).toBeUndefined();
  put("a.png");
  await expect.poll(next).toBe("a.png");
  put("b.png");
  await expect.poll(next).toBe("b.png");
  expect(kernel.watches).toEqual([]);
});

test("where the system has no watch left, the directory is listed", async () => {
  kernel.watchFails = true;
  await source.open();
  expect(await next()).toBeUndefined();
  put("a.png");
  await expect.poll(next).toBe("a.png");
});

test("a watch that breaks is followed by listing", async () => {
  await source.open();
  expect(await next()).toBeUndefined();
  expect(kernel.watches).toHaveLength(1);
  kernel.watches[0]?.emit("error", new Error("the watch is gone"));
  put("a.png");
  await expect.poll(next).toBe("a.png");
});
