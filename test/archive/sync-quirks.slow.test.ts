// Shares as they are: whatever habits a share has, every picture that it can hold is copied and verified, the others are set
// aside with the right reason, nothing is lost and nothing is there twice.
import { randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { initRemote } from "../../src/archive/remote.ts";
import { encodeFailure } from "../../src/failure/failure.ts";
import { setAsideText } from "../../src/system/set-aside.ts";
import { fakeClock } from "../support/clock.ts";
import { CAN_FUSE, type QuirkShare, quirkShare } from "./quirk-share.ts";
import { staged } from "./staged.ts";

const names = (directory: string) => readdirSync(directory).sort();

/** Pictures on the share, without its habits. */
const copies = ({ backing }: QuirkShare) => names(join(backing, "exp/data")).filter((name) => /\.png($|\.)/.test(name));

/** A share with these habits, marked as a remote root, and an experiment that is copied to it. */
async function place(habits: readonly string[], options: Parameters<typeof staged>[1] = {}) {
  const share = await quirkShare(...habits);
  const root = join(share.point, "exp");
  mkdirSync(join(share.backing, "exp"));
  await initRemote(root, []);
  return { share, remote: root, ...staged(root, options) };
}

/** Every picture is noted as copied, is what was captured, and is there once. */
function expectAllCopied({ share, rows, falselySynced, contents }: Awaited<ReturnType<typeof place>>): void {
  expect(rows().filter(({ image_synced }) => image_synced === 0)).toEqual([]);
  expect(falselySynced(join(share.backing, "exp"))).toEqual([]);
  expect(copies(share)).toHaveLength(contents.size);
}

describe.skipIf(!CAN_FUSE)("every picture is copied and verified to a share", () => {
  test.each([
    [["link=EPERM"]],
    [["link=EACCES"]],
    [["link=EINVAL"]],
    [["link=EIO"]],
    [["dirsync=EINVAL"]],
    [["dirsync=ENOTSUP"]],
    [["dirsync=EACCES", "link=ENOTSUP"]],
    [["nostat"]],
    [["inodes"]],
    [["inodes", "link=EPERM"]],
    [["times=2"]],
    [["nodirect"]],
    [["nochmod", "link=EACCES"]],
    [["ignorecase", "trailing", "characters=:*?", "nochmod", "dirsync=EINVAL", "link=EINVAL", "times=2"]],
  ])("with %j", async (habits) => {
    const at = await place(habits);
    writeFileSync(join(at.results, "communicating_results.csv"), "a,b\n");
    expect(await at.work()).toBeUndefined();
    expectAllCopied(at);
    expect(readFileSync(join(at.remote, "results/communicating_results.csv"), "utf8")).toBe("a,b\n");
    appendFileSync(join(at.results, "communicating_results.csv"), "1,2\n");
    // A new run finds what is there and doubles nothing.
    expect(await at.work(at.open())).toBeUndefined();
    expect(names(join(at.share.backing, "exp/results"))).toEqual(["communicating_results.csv"]);
    expect(readFileSync(join(at.remote, "results/communicating_results.csv"), "utf8")).toBe("a,b\n1,2\n");
    expectAllCopied(at);
    expect(at.syncing.filesSetAside()).toEqual([]);
  });

  test.each(["once=write:EIO:3", "once=fsync:EIO:2", "once=link:EIO:2", "once=create:EACCES:3", "every=write:EIO:7"])(
    "that fails now and then (%s): what failed is tried again",
    async (habit) => {
      const at = await place([habit]);
      for (let tries = 0; tries < 10 && at.rows().some(({ image_synced }) => image_synced === 0); tries += 1) {
        const failure = await at.work(at.open());
        if (failure !== undefined) expect(failure.code).toMatch(/^remote\./);
        expect(at.falselySynced(join(at.share.backing, "exp"))).toEqual([]);
      }
      expectAllCopied(at);
    },
  );

  test("on which a write is reported to have failed only at close: it is made again", async () => {
    // The first one is the marker's.
    const at = await place(["closing=3"]);
    expect(await at.work()).toBeUndefined();
    expect(at.syncing.filesSetAside()).toMatchObject([{ name: expect.stringMatching(/^image_\d\.png$/) }]);
    expect(at.syncing.filesSetAside()[0]?.reason).toContain("input/output error for this file");
    for (let tries = 0; tries < 5; tries += 1) await at.work(at.open());
    expectAllCopied(at);
  });
});

describe.skipIf(!CAN_FUSE)("the temporary name of a copy is never what a share refuses", () => {
  test.each([
    ["namemax=60", "image_20260101_000000_000000_cam0.png"],
    ["namemax=60", `${"n".repeat(56)}.png`],
    ["namemax=37", "image_20260101_000000_000000_cam0.png"],
    ["namemax=143", `${"ü".repeat(69)}.png`],
  ])("%s, a picture called %s", async (habit, name) => {
    const at = await place([habit], { pictures: 0 });
    at.capture(name, randomBytes(20_000));
    writeFileSync(join(at.results, "communicating_results.csv"), "a,b\n");
    expect(await at.work()).toBeUndefined();
    expectAllCopied(at);
    expect(names(join(at.share.backing, "exp/results"))).toEqual(["communicating_results.csv"]);
    expect(at.syncing.filesSetAside()).toEqual([]);
  });
});

describe.skipIf(!CAN_FUSE)("one picture that a share does not take stops no other", () => {
  test.each([
    ['characters=:*?"<>|', "2024-01-01 00:00:01.png", 'the share does not allow ":" in a name'],
    ["namemax=143", `${"n".repeat(160)}.png`, "its name is too long for the share (164 bytes)"],
    ["namemax=60", `${"n".repeat(57)}.png`, "its name is too long for the share (61 bytes)"],
    ["max=500000", "large.png", "it is too large for the file system of the share (0.6 MB)"],
  ])("with %s", async (habit, name, reason) => {
    const at = await place([habit, "link=EPERM"], { pictures: 0 });
    // A file that is set aside rests by the clock.
    fakeClock();
    at.capture(name, randomBytes(600_000));
    for (let n = 0; n < 40; n += 1) at.capture(undefined, randomBytes(20_000));
    expect(await at.work()).toBeUndefined();
    expect(at.rows().map(({ image_synced }) => image_synced)).toEqual([0, ...Array(40).fill(1)]);
    expect(at.falselySynced()).toEqual([]);
    expect(copies(at.share)).toHaveLength(40);
    expect(at.syncing.filesSetAside()).toMatchObject([{ reason, failures: 1 }]);
    expect(setAsideText(at.syncing.filesSetAside())).toMatch(/^set aside: 1 file: .*; next try in \d+ s$/);
    expect(at.syncing.idle()).toBe(true);
    // It rests: the next pass does not touch it, and the log does not fill.
    expect(await at.work()).toBeUndefined();
    expect(at.lines.filter((line) => line.includes("not copied:"))).toHaveLength(1);
    const left = names(join(at.share.backing, "exp/data")).filter((one) => one.endsWith(".part"));
    expect(left).toEqual([]);
  });

  test("nor does a file beside the pictures", async () => {
    const at = await place(["characters=:", "max=400000"]);
    writeFileSync(join(at.results, "12:00.csv"), "a,b\n");
    writeFileSync(join(at.results, "large.bin"), randomBytes(500_000));
    writeFileSync(join(at.results, "sound.csv"), "a,b\n");
    expect(await at.work()).toBeUndefined();
    expectAllCopied(at);
    expect(names(join(at.share.backing, "exp/results"))).toEqual(["sound.csv"]);
    expect(at.syncing.filesSetAside().map(({ name, reason }) => [name, reason])).toEqual(
      expect.arrayContaining([
        ["results/12:00.csv", 'the share does not allow ":" in a name'],
        ["results/large.bin", "it is too large for the file system of the share (0.5 MB)"],
      ]),
    );
  });

  test("names that differ in case only do not overwrite each other where case is ignored", async () => {
    const at = await place(["ignorecase", "link=EPERM"], { pictures: 0, sync: "parallel = 4" });
    for (const name of ["A.png", "a.png", "B.png", "b.png"]) at.capture(name);
    for (const [name, text] of Object.entries({ "R.csv": "same", "r.csv": "same" })) {
      writeFileSync(join(at.results, name), text);
    }
    expect(await at.work()).toBeUndefined();
    expectAllCopied(at);
    // Equal at first, and different later: each has its own copy from the beginning.
    writeFileSync(join(at.results, "r.csv"), "another");
    expect(await at.work(at.open())).toBeUndefined();
    const there = names(join(at.share.backing, "exp/results"));
    expect(there.map((name) => readFileSync(join(at.share.backing, "exp/results", name), "utf8")).sort()).toEqual([
      "another",
      "same",
    ]);
  });
});

describe.skipIf(!CAN_FUSE)("a share that is at fault itself", () => {
  test.each([
    ["every=write:EIO:1", "remote.failed", "input/output errors"],
    ["every=write:ENOSPC:1", "remote.full", "is full"],
    ["every=create:EROFS:1", "remote.refused", "read-only"],
    ["every=create:EACCES:1", "remote.refused", "no permission to write"],
    ["every=create:ETIMEDOUT:1", "remote.unavailable", "check the network"],
    ["every=create:ENOTSUP:1", "remote.failed", "writing to the share "],
  ])("(%s) fails the stage and blames no picture", async (habit, code, words) => {
    const plain = await quirkShare();
    mkdirSync(join(plain.backing, "exp"));
    await initRemote(join(plain.point, "exp"), []);
    const share = await quirkShare(habit);
    mkdirSync(join(share.backing, "exp"));
    writeFileSync(
      join(share.backing, "exp/phorest-remote.json"),
      readFileSync(join(plain.backing, "exp/phorest-remote.json")),
    );
    const { work, syncing, rows } = staged(join(share.point, "exp"));
    const failure = await work();
    expect(failure).toMatchObject({ code, retry: "later" });
    expect(failure?.message).toContain(words);
    if (code !== "remote.unavailable") expect(failure?.message).not.toContain("network");
    expect(syncing.filesSetAside()).toEqual([]);
    expect(rows().every(({ image_synced }) => image_synced === 0)).toBe(true);
  });

  test.each(["dirsync=EINVAL", "nostat", "link=EIO", "inodes", "nochmod"])(
    "(%s) is a remote root all the same",
    async (habit) => {
      const share = await quirkShare(habit);
      const made = await initRemote(share.point, []).catch(encodeFailure);
      expect(made).toMatchObject({ made: true });
      expect(statSync(join(share.point, "phorest-remote.json")).size).toBeGreaterThan(0);
    },
  );
});
