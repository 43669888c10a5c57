import { randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  type KnownCopy,
  listAuxiliaryFiles,
  publishAuxiliaryFile,
  stageAuxiliaryFile,
} from "../../src/archive/auxiliary-files.ts";
import { trimBrightfield } from "../../src/archive/brightfield.ts";
import { RateLimit } from "../../src/archive/rate.ts";
import { initRemote } from "../../src/archive/remote.ts";
import type { CopyContext } from "../../src/archive/remote-guard.ts";
import { takeSnapshot } from "../../src/health/snapshot.ts";
import { formatSnapshot } from "../../src/health/snapshot-text.ts";
import { Retention } from "../../src/stages/retention/stage.ts";
import { SetAside } from "../../src/system/set-aside.ts";
import { memoryLog } from "../support/log-lines.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { digest, staged } from "./staged.ts";

class Counting extends RateLimit {
  sent = 0;
  override async take(bytes: number): Promise<void> {
    this.sent += bytes;
  }
}

async function place() {
  const rootDir = temporaryDirectory();
  const root = temporaryDirectory();
  mkdirSync(join(rootDir, "results"));
  const { remoteId } = await initRemote(root, []);
  const rate = new Counting(0);
  const context: CopyContext = {
    root,
    remoteId,
    rate,
    signal: new AbortController().signal,
    progress: () => undefined,
  };
  const local = (name: string) => join(rootDir, "results", name);
  const remote = (name: string) => join(root, "results", name);
  const layout = { rootDir, dataDir: join(rootDir, "data") };
  const file = async (name: string) => {
    const found = (await listAuxiliaryFiles([join(rootDir, "results")], layout)).files.find(
      ({ source }) => source === local(name),
    );
    if (found === undefined) throw new Error(`${name} was not found`);
    return found;
  };
  /** One copy as the stage makes it; returns what the manifest would note. */
  const copy = async (name: string, known?: KnownCopy): Promise<KnownCopy> => {
    const ready = await stageAuxiliaryFile({ ...(await file(name)), known }, context);
    const { bytes, sha256 } = ready;
    return { bytes, sha256, remotePath: await publishAuxiliaryFile(ready, context), stagedSha256: undefined };
  };
  return { rootDir, root, rate, context, local, remote, file, copy };
}

test("a CSV that has grown sends its new lines only, and the copy is the whole file", async () => {
  const { rate, local, remote, copy } = await place();
  writeFileSync(local("a.csv"), randomBytes(5_000_000));
  const known = await copy("a.csv");
  rate.sent = 0;
  appendFileSync(local("a.csv"), "the next line\n");
  const next = await copy("a.csv", known);
  expect(rate.sent).toBe("the next line\n".length);
  expect(readFileSync(remote("a.csv")).equals(readFileSync(local("a.csv")))).toBe(true);
  expect(next.sha256).toBe(digest(readFileSync(local("a.csv"))));
});

test("an append whose record was lost is gone on with, however much of it had arrived", async () => {
  for (const arrived of [3, 14, 20]) {
    const { local, remote, copy } = await place();
    writeFileSync(local("a.csv"), "line 1\n");
    const known = await copy("a.csv");
    appendFileSync(local("a.csv"), "line 2\nline 3\n");
    writeFileSync(remote("a.csv"), readFileSync(local("a.csv")).subarray(0, 7 + Math.min(arrived, 14)));
    await copy("a.csv", known);
    expect(readFileSync(remote("a.csv"), "utf8")).toBe("line 1\nline 2\nline 3\n");
    expect(readdirSync(join(remote("a.csv"), ".."))).toEqual(["a.csv"]);
  }
});

test("a CSV written anew replaces our own copy in one step", async () => {
  const { local, remote, copy } = await place();
  writeFileSync(local("a.csv"), "old header\n1\n");
  const known = await copy("a.csv");
  writeFileSync(local("a.csv"), "new header, wider\n1\n2\n");
  expect((await copy("a.csv", known)).remotePath).toBe("results/a.csv");
  expect(readFileSync(remote("a.csv"), "utf8")).toBe("new header, wider\n1\n2\n");
});

test("a copy that somebody changed on the share is left to them; ours gets a number and stays there", async () => {
  const { local, remote, copy } = await place();
  for (const [name, numbered] of [
    ["a.csv", "a-1.csv"],
    ["plot.png", "plot-1.png"],
  ] as const) {
    writeFileSync(local(name), "ours 1\n");
    const known = await copy(name);
    writeFileSync(remote(name), "their notes");
    appendFileSync(local(name), "ours 2\n");
    const second = await copy(name, known);
    expect(second.remotePath).toBe(`results/${numbered}`);
    appendFileSync(local(name), "ours 3\n");
    const third = await copy(name, second);
    expect(third.remotePath).toBe(second.remotePath);
    expect(readFileSync(remote(name), "utf8")).toBe("their notes");
    expect(readFileSync(join(remote(name), "../..", third.remotePath), "utf8")).toBe("ours 1\nours 2\nours 3\n");
  }
});

test("a death between a new name and its record leaves a copy that is known to be ours, whatever came after", async () => {
  const { local, remote, file, context, copy } = await place();
  writeFileSync(local("plot.png"), "first");
  const known = await copy("plot.png");
  writeFileSync(local("plot.png"), "second, longer");
  const ready = await stageAuxiliaryFile({ ...(await file("plot.png")), known }, context);
  const noted: KnownCopy = { ...known, stagedSha256: ready.sha256 };
  await publishAuxiliaryFile(ready, context);
  writeFileSync(local("plot.png"), "third, longer still");
  expect((await copy("plot.png", noted)).remotePath).toBe("results/plot.png");
  expect(readFileSync(remote("plot.png"), "utf8")).toBe("third, longer still");
  expect(readdirSync(join(remote("plot.png"), ".."))).toEqual(["plot.png"]);
});

test("hidden and half-written files are not copied, directories below are", async () => {
  const { rootDir, local } = await place();
  mkdirSync(local("2026"));
  for (const name of ["a.csv", ".hidden", "b.png.part", "2026/c.json"]) writeFileSync(local(name), "x");
  const layout = { rootDir, dataDir: join(rootDir, "data") };
  const found = await listAuxiliaryFiles([join(rootDir, "results"), join(rootDir, "none")], layout);
  expect(found.files.map(({ path }) => path).sort()).toEqual(["results/2026/c.json", "results/a.csv"]);
});

test("brightfield pictures are copied, and go beyond Brightfield.keep, oldest first, only once they are", async () => {
  const remote = temporaryDirectory();
  await initRemote(remote, []);
  const { work, manifest, config, open } = staged(remote, {
    pictures: 1,
    sync: "[Services]\nenable_remote_sync = true\n[Brightfield]\nkeep = 2",
  });
  const bright = config.Paths.brightfield_dir;
  mkdirSync(bright);
  const name = (n: number) => `brightfield_20260304_0506${String(n).padStart(2, "0")}_000000_cam0.png`;
  const taken = Array.from({ length: 20 }, (_, n) => name(n));
  for (const file of [...taken, "brightfield_notes.txt"]) writeFileSync(join(bright, file), file);
  const { log, lines } = memoryLog();
  const trim = () => {
    const common = { filesInUse: new Set<number>(), nowUs: () => 7, checkPlace: () => undefined };
    return new Retention({ config, manifest, log, ...common }).run();
  };
  await trim();
  expect(readdirSync(bright)).toHaveLength(21);
  await work();
  expect(readdirSync(join(remote, "bright")).sort()).toEqual(taken);
  // A copy that is only on its way counts for nothing.
  writeFileSync(join(bright, name(1)), "another size than was copied");
  await trim();
  expect(readdirSync(bright).sort()).toEqual([...taken.slice(1, 2), ...taken.slice(18), "brightfield_notes.txt"]);
  expect(lines.at(-1)?.message).toContain("17 oldest brightfield images");
  expect(formatSnapshot(takeSnapshot(config, 0))).toContain("brightfield   3 images here");
  await work(open());
  expect(readdirSync(join(remote, "bright"))).toHaveLength(20);
});

test("without a share the oldest brightfield pictures go all the same, and 0 keeps all", async () => {
  const directory = temporaryDirectory();
  const names = [1, 2, 3].map((n) => `brightfield_2026030${n}_050607_000000_cam0.png`);
  for (const file of names) writeFileSync(join(directory, file), "x");
  const aside = new SetAside<string>();
  const lastCheck = () => undefined;
  expect(await trimBrightfield({ aside, lastCheck, directory, keep: 0 })).toEqual([]);
  expect(await trimBrightfield({ aside, lastCheck, directory, keep: 3 })).toEqual([]);
  expect(await trimBrightfield({ aside, lastCheck, directory, keep: 1 })).toEqual(names.slice(0, 2));
  expect(readdirSync(directory)).toEqual(names.slice(2));
  expect(await trimBrightfield({ aside, lastCheck, directory: join(directory, "none"), keep: 1 })).toEqual([]);
});

test("a brightfield picture that cannot be removed is set aside, and the others are removed", async () => {
  const directory = temporaryDirectory();
  const names = [1, 2, 3, 4].map((n) => `brightfield_2026030${n}_050607_000000_cam0.png`);
  const [first = "", ...others] = names;
  mkdirSync(join(directory, first));
  for (const file of others) writeFileSync(join(directory, file), "x");
  const aside = new SetAside<string>();
  const lastCheck = () => undefined;
  expect(await trimBrightfield({ aside, lastCheck, directory, keep: 1 })).toEqual(others.slice(0, 2));
  expect(aside.files()).toMatchObject([{ name: first, reason: expect.stringContaining("it is a directory") }]);
});

test("the stage copies what changed and nothing else, and the manifest's snapshot is a readable manifest", async () => {
  const remote = temporaryDirectory();
  await initRemote(remote, []);
  const { results, work, manifest, sql } = staged(remote, { pictures: 1, sync: "manifest_interval_seconds = 0.001" });
  writeFileSync(join(results, "plot.svg"), "<svg/>");
  await work();
  const known = () =>
    new Map(
      manifest.checks
        .syncedFiles()
        .map(({ remoteId, path }) => [path, manifest.syncing.syncedFile(remoteId, path)] as const),
    );
  const first = known();
  writeFileSync(join(results, "b.csv"), "b\n");
  await work();
  const second = known();
  expect(second.get("results/plot.svg")).toEqual(first.get("results/plot.svg"));
  expect([...second.keys()].sort()).toEqual(["data/phorest.sqlite", "results/b.csv", "results/plot.svg"]);
  expect(second.get("data/phorest.sqlite")?.syncedAtUs).toBeGreaterThan(
    first.get("data/phorest.sqlite")?.syncedAtUs ?? 0,
  );
  const snapshot = readFileSync(join(remote, "data/phorest.sqlite"));
  expect(digest(snapshot)).toBe(second.get("data/phorest.sqlite")?.sha256);
  expect(snapshot.subarray(0, 15).toString()).toBe("SQLite format 3");
  expect(sql<{ n: number }>("SELECT count(*) AS n FROM synced_file WHERE staged_sha256 IS NOT NULL")).toEqual([
    { n: 0 },
  ]);
});
