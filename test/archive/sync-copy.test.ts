import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { linkSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { copyVerified } from "../../src/archive/copy.ts";
import { partialPath, remotePathOf } from "../../src/archive/names.ts";
import { RateLimit } from "../../src/archive/rate.ts";
import { initRemote } from "../../src/archive/remote.ts";
import type { CopyContext } from "../../src/archive/remote-guard.ts";
import { digestFile } from "../../src/system/digest.ts";
import { numberedName } from "../../src/system/numbered-name.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { CAN_MOUNT, markedShare } from "./share.ts";

const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

async function place(options: Partial<CopyContext> = {}) {
  const root = temporaryDirectory();
  const local = temporaryDirectory();
  const { remoteId } = await initRemote(root, []);
  const rate = new RateLimit(0);
  const context: CopyContext = {
    root,
    remoteId,
    rate,
    signal: new AbortController().signal,
    progress: () => undefined,
    ...options,
  };
  const picture = (name: string, bytes: Uint8Array = randomBytes(3_000_001)) => {
    writeFileSync(join(local, name), bytes);
    return { source: join(local, name), remotePath: `data/${name}`, sha256: digest(bytes), bytes };
  };
  return { root, local, context, picture };
}

const names = (directory: string) => readdirSync(directory).sort();

test("a copy is byte-identical, under its own name, with nothing left beside it", async () => {
  const { root, context, picture } = await place();
  const task = picture("a.png");
  const copied = await copyVerified(task, context);
  expect(copied).toEqual({ remotePath: "data/a.png", bytes: 3_000_001, sha256: task.sha256, adopted: false });
  expect(readFileSync(join(root, "data/a.png")).equals(task.bytes)).toBe(true);
  expect(names(join(root, "data"))).toEqual(["a.png"]);
});

test("empty files and files of whole pieces are read past the cache as they are", async () => {
  const { local } = await place();
  for (const size of [0, 1, 4096, 1 << 20, (1 << 20) + 1, 3 << 20]) {
    const bytes = randomBytes(size);
    writeFileSync(join(local, "f"), bytes);
    for (const direct of [true, false]) {
      expect(await digestFile(join(local, "f"), { direct })).toEqual({ sha256: digest(bytes), bytes: size });
    }
  }
});

test("a picture is no copy of itself, though its bytes match: a root that leads back to the experiment is refused", async () => {
  const { root, context, picture } = await place();
  const linked = picture("a.png");
  mkdirSync(join(root, "data"));
  linkSync(linked.source, join(root, "data/a.png"));
  await expect(copyVerified(linked, context)).rejects.toMatchObject({ code: "remote.refused" });
  // The whole directory by another way: no link on the share is followed.
  const { root: other, context: round, picture: taken } = await place();
  const task = taken("b.png");
  symlinkSync(dirname(task.source), join(other, "data"));
  await expect(copyVerified(task, round)).rejects.toMatchObject({
    code: "remote.refused",
    message: expect.stringMatching(/data on the share is a link/),
  });
  expect(readFileSync(task.source).equals(task.bytes)).toBe(true);
});

test("a file of the same name but other content is never overwritten: the copy gets a number", async () => {
  const { root, context, picture } = await place();
  mkdirSync(join(root, "data"));
  writeFileSync(join(root, "data/a.png.gz"), "somebody's");
  writeFileSync(join(root, "data/a-1.png.gz"), "somebody else's");
  symlinkSync("/nowhere", join(root, "data/a-2.png.gz"));
  expect((await copyVerified(picture("a.png.gz"), context)).remotePath).toBe("data/a-3.png.gz");
  expect(readFileSync(join(root, "data/a.png.gz"), "utf8")).toBe("somebody's");
  expect(names(join(root, "data"))).toEqual(["a-1.png.gz", "a-2.png.gz", "a-3.png.gz", "a.png.gz"]);
});

test("a file of the same name and content is verified and taken for the copy", async () => {
  const { root, context, picture } = await place();
  const task = picture("a.png");
  await copyVerified(task, context);
  const before = statSync(join(root, "data/a.png"), { bigint: true });
  expect(await copyVerified(task, context)).toMatchObject({ adopted: true, remotePath: "data/a.png" });
  expect(statSync(join(root, "data/a.png"), { bigint: true }).ino).toBe(before.ino);
});

test("the same content under one name, of the same size but other bytes, is not taken for the copy", async () => {
  const { root, context, picture } = await place();
  const task = picture("a.png");
  const damaged = Buffer.from(task.bytes);
  damaged[2_000_000] = (damaged[2_000_000] ?? 0) ^ 1;
  mkdirSync(join(root, "data"));
  writeFileSync(join(root, "data/a.png"), damaged);
  expect((await copyVerified(task, context)).remotePath).toBe("data/a-1.png");
});

test("an interrupted copy is gone on with: only what is missing crosses, a damaged beginning is written again", async () => {
  for (const damage of [false, true]) {
    let sent = 0;
    class Counting extends RateLimit {
      override async take(bytes: number): Promise<void> {
        sent += bytes;
      }
    }
    const { root, context, picture } = await place({ rate: new Counting(0) });
    const task = picture("a.png");
    mkdirSync(join(root, "data"));
    const partial = Buffer.from(task.bytes.subarray(0, 2 << 20));
    if (damage) partial[1_500_000] = (partial[1_500_000] ?? 0) ^ 1;
    writeFileSync(partialPath(join(root, "data/a.png"), task.sha256), partial);
    await copyVerified(task, context);
    expect(sent).toBe(task.bytes.length - (damage ? 1 : 2) * (1 << 20));
    expect(digest(readFileSync(join(root, "data/a.png")))).toBe(task.sha256);
    expect(names(join(root, "data"))).toEqual(["a.png"]);
  }
});

test("cancelled in the middle, a copy has no name, keeps its beginning, and is finished by the next try", async () => {
  const stop = new AbortController();
  let pieces = 0;
  const { root, context, picture } = await place({
    signal: stop.signal,
    progress: () => {
      pieces += 1;
      if (pieces === 2) stop.abort();
    },
  });
  const task = picture("a.png");
  await expect(copyVerified(task, context)).rejects.toThrow("abort");
  expect(names(join(root, "data"))).toEqual([expect.stringMatching(/^\.[0-9a-f]+\.part$/)]);
  await copyVerified(task, { ...context, signal: new AbortController().signal });
  expect(names(join(root, "data"))).toEqual(["a.png"]);
});

test("a local file that is gone, or no longer has its recorded hash, is told from trouble with the remote", async () => {
  const { root, local, context, picture } = await place();
  const task = picture("a.png");
  writeFileSync(task.source, "changed");
  await expect(copyVerified(task, context)).rejects.toMatchObject({ name: "FileProblem", kind: "differs" });
  const gone = { ...task, source: join(local, "none.png") };
  await expect(copyVerified(gone, context)).rejects.toMatchObject({ name: "FileProblem", kind: "missing" });
  expect(names(join(root, "data")).filter((name) => !name.startsWith("."))).toEqual([]);
});

test("a marker that goes away or changes while a copy is made keeps it from counting", async () => {
  const { root, context, picture } = await place();
  const marker = join(root, "phorest-remote.json");
  const task = picture("a.png");
  const after = { ...context, progress: () => writeFileSync(marker, "{}") };
  await expect(copyVerified(task, after)).rejects.toMatchObject({ code: "remote.unavailable" });
});

test.skipIf(!CAN_MOUNT)("a copy on another file system than the marker's does not count", async () => {
  const { share, remoteId } = await markedShare();
  const { context, picture } = await place();
  const inner = join(share.point, "data");
  mkdirSync(inner);
  expect(spawnSync("mount", ["-t", "tmpfs", "-o", "size=32m", "tmpfs", inner]).status).toBe(0);
  onTestFinished(() => {
    spawnSync("umount", ["-l", inner]);
  });
  const attempt = copyVerified(picture("a.png"), { ...context, root: share.point, remoteId });
  await expect(attempt).rejects.toThrow("another file system");
});

test("the rate is bounded for all copies together, with a second's worth at once", () => {
  let nowMs = 0;
  const rate = new RateLimit(1000, () => nowMs);
  expect(rate.reserve(1000)).toBe(0);
  expect(rate.reserve(500)).toBe(500);
  expect(rate.reserve(500)).toBe(1000);
  nowMs = 1000;
  expect(rate.reserve(250)).toBe(250);
  nowMs = 60_000;
  expect(rate.reserve(1000)).toBe(0);
  expect(rate.reserve(1)).toBe(1);
  expect(new RateLimit(0).reserve(1e12)).toBe(0);
});

test("names keep the layout; numbers go before the first ending", () => {
  const layout = { rootDir: "/e", dataDir: "/fast/data" };
  expect(remotePathOf("/e/results/a.csv", layout)).toBe("results/a.csv");
  expect(remotePathOf("/fast/data/deep/x.png", layout)).toBe("data/deep/x.png");
  expect(remotePathOf("/old/y.png", layout)).toBe("elsewhere/old/y.png");
  expect(numberedName("i.png.gz", 2)).toBe("i-2.png.gz");
  expect(numberedName("README", 1)).toBe("README-1");
  const partial = partialPath("/r/data/i.png", "ab".repeat(32));
  expect(dirname(partial)).toBe("/r/data");
  expect(partialPath("/r/data/i.png", "ab".repeat(32))).toBe(partial);
  const others = [partialPath("/r/data/j.png", "ab".repeat(32)), partialPath("/r/data/i.png", "cd".repeat(32))];
  expect(new Set([partial, ...others]).size).toBe(3);
  // Shorter than the name of any picture that is captured.
  for (const name of ["i.png", "x".repeat(255), "ü".repeat(100)]) {
    expect(Buffer.byteLength(basename(partialPath(`/r/${name}`, "ab".repeat(32))))).toBeLessThan(25);
  }
});
