import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { chooseRemovals, excessOf } from "../../src/archive/retention.ts";
import { Failure } from "../../src/failure/failure.ts";
import { Retention } from "../../src/stages/retention/stage.ts";
import type { DiskSpace } from "../../src/system/disk-space.ts";
import { resultOf } from "../manifest/frames.ts";
import { memoryLog } from "../support/log-lines.ts";
import { Bench, smooth } from "./pictures.ts";

const SYNC = "[Services]\nenable_remote_sync = true\n";
const keep = (images: number) => `[Buffer]\nimage_buffer_size = ${images}\n`;

interface BufferOptions {
  inHand?: number[];
  checkPlace?: () => void;
  space?: DiskSpace | undefined;
}

/** Claims the first pending frame, whose measurement then fails for good. */
function fail(bench: Bench): void {
  const [claim] = bench.manifest.entries.claimPending(1, 1);
  if (claim === undefined) throw new Error("nothing is pending");
  bench.manifest.fail(claim, { code: "frame.unreadable", message: "no", retry: "never" }, 2);
}

function buffer(bench: Bench, options: BufferOptions = {}) {
  const { log, lines } = memoryLog();
  const retaining = new Retention({
    config: bench.loaded.config,
    manifest: bench.manifest,
    log,
    filesInUse: new Set(options.inHand ?? []),
    nowUs: () => 7,
    checkPlace: options.checkPlace ?? (() => undefined),
    patienceMs: 0,
    ...("space" in options ? { space: () => options.space } : {}),
  });
  const pass = async () => {
    while (await retaining.run());
  };
  return { retaining, lines, pass };
}

const pictures = (bench: Bench) => readdirSync(bench.data).filter((name) => /^p\d/.test(name));

/** Names p1.png, p2.png, ... in the order of capture. */
const frames = (bench: Bench, count: number) => Array.from({ length: count }, (_, nth) => bench.add(`p${nth + 1}.png`));

describe("how much has to go", () => {
  test("is the most that any limit asks for, and nothing without limits", () => {
    const store = { images: 10, bytes: 1000, freeBytes: 50 };
    expect(excessOf(store, { images: 0, bytes: 0, freeBytes: 0 })).toEqual({ images: 0, bytes: 0, room: 0 });
    expect(excessOf(store, { images: 8, bytes: 900, freeBytes: 70 })).toEqual({ images: 2, bytes: 100, room: 20 });
    expect(excessOf(store, { images: 20, bytes: 990, freeBytes: 70 })).toEqual({ images: 0, bytes: 20, room: 20 });
  });

  test("is taken from the front until count and size are both satisfied", () => {
    const sized = [5, 5, 5, 5].map((bytes) => ({ bytes }));
    expect(chooseRemovals(sized, { images: 1, bytes: 11 })).toHaveLength(3);
    expect(chooseRemovals(sized, { images: 2, bytes: 1 })).toHaveLength(2);
    expect(chooseRemovals(sized, { images: 9, bytes: 0 })).toHaveLength(4);
  });
});

describe("the ring buffer", () => {
  test("removes the oldest beyond image_buffer_size, whatever its extension, and keeps their rows", async () => {
    const bench = new Bench(keep(2));
    const ids = ["p1.png", "p2.bmp", "p3.tiff", "p4.png.gz", "p5.bmp.gz"].map((name) => bench.add(name));
    bench.finish();
    const { lines, pass, retaining } = buffer(bench);
    await pass();
    expect(pictures(bench)).toEqual(["p4.png.gz", "p5.bmp.gz"]);
    expect(bench.row(ids[0] ?? 0)).toMatchObject({ filename: "p1.png", local: 0, missing: 0, status: "processed" });
    expect(bench.manifest.history.counts()).toMatchObject({ total: 5, processed: 5, missing: 0, localImages: 2 });
    expect(lines.some(({ message }) => message.includes("p1.png to p3.tiff"))).toBe(true);
    expect(retaining.note()).toContain("3 images removed");
    expect(retaining.idle()).toBe(true);
  });

  test("keeps to max_bytes", async () => {
    const bench = new Bench("[Buffer]\nimage_buffer_size = 0\nmax_bytes = 50000\n");
    for (const name of ["p1.png", "p2.png", "p3.png"]) bench.add(name, smooth(1, 20_000));
    bench.finish();
    await buffer(bench).pass();
    expect(pictures(bench)).toEqual(["p2.png", "p3.png"]);
  });

  test("removes all it may while less than min_free_bytes is free, and no more than that", async () => {
    const bench = new Bench(`[Buffer]\nimage_buffer_size = 0\nmin_free_bytes = ${Number.MAX_SAFE_INTEGER}\n`);
    frames(bench, 3);
    bench.finish();
    bench.add("p4.png");
    const { lines, pass } = buffer(bench);
    await pass();
    expect(pictures(bench)).toEqual(["p4.png"]);
    expect(lines.filter(({ level }) => level === "warn").at(-1)?.message).toContain(
      "p4.png and later images must stay: not measured",
    );
  });

  test("without limits removes nothing", async () => {
    const bench = new Bench(keep(0));
    frames(bench, 3);
    bench.finish();
    await buffer(bench).pass();
    expect(pictures(bench)).toHaveLength(3);
  });

  test("never removes a frame that is pending or in work, nor one that is not in the report yet", async () => {
    const bench = new Bench(keep(1));
    frames(bench, 2);
    bench.finish();
    bench.add("p3.png");
    bench.measure();
    bench.add("p4.png");
    bench.manifest.entries.claimPending(1, 1);
    bench.add("p5.png");
    const { pass, retaining, lines } = buffer(bench);
    await pass();
    expect(pictures(bench)).toEqual(["p3.png", "p4.png", "p5.png"]);
    expect(retaining.note()).toContain("p3.png and later images must stay: not in every report yet");
    await pass();
    expect(
      lines.filter(({ level, message }) => level === "warn" && message.includes("later images must stay")),
    ).toHaveLength(1);
    bench.transmit();
    await pass();
    expect(pictures(bench)).toEqual(["p4.png", "p5.png"]);
  });

  test("keeps frames that failed: their picture is all there is of them", async () => {
    const bench = new Bench(keep(1));
    const [failed = 0] = frames(bench, 1);
    fail(bench);
    for (const name of ["p2.png", "p3.png", "p4.png"]) bench.add(name);
    bench.finish();
    const { pass, retaining } = buffer(bench);
    await pass();
    expect(bench.row(failed)).toMatchObject({ status: "failed", local: 1 });
    expect(pictures(bench)).toEqual(["p1.png"]);
    bench.add("p9.png");
    await pass();
    expect(retaining.note()).toContain(
      "p1.png and later images must stay: it could not be measured and has no verified copy",
    );
  });

  test("removes a frame that failed once its copy on the share is verified, also where syncing is off by now", async () => {
    const bench = new Bench(keep(1));
    const [failed = 0] = frames(bench, 1);
    fail(bench);
    bench.add("p2.png");
    bench.synced(failed, "data/p1.png");
    await buffer(bench).pass();
    expect(pictures(bench)).toEqual(["p2.png"]);
  });

  test("keeps frames of which no ROI gave a position, and imported ones without a result", async () => {
    const bench = new Bench(keep(1));
    const [dark = 0, imported = 0] = frames(bench, 2);
    const [claim] = bench.manifest.entries.claimPending(1, 1);
    const result = resultOf(dark);
    if (claim !== undefined) {
      bench.manifest.complete(
        claim,
        bench.analysisId,
        { ...result, position: result.position.map(() => Number.NaN) },
        2,
      );
    }
    bench.sql(
      `UPDATE entry SET status = 'processed', data_transmitted = 1, origin = 'imported' WHERE id = ${imported}`,
    );
    for (const name of ["p3.png", "p4.png"]) bench.add(name);
    bench.finish();
    await buffer(bench).pass();
    expect(pictures(bench)).toEqual(["p1.png", "p2.png"]);
    expect(bench.row(dark)).toMatchObject({ status: "processed", local: 1 });
    expect(bench.row(imported)).toMatchObject({ status: "processed", local: 1 });
  });

  test("removes in the order in which pictures came, whatever the clock said", async () => {
    const bench = new Bench(keep(1));
    const [, second = 0] = frames(bench, 3);
    bench.sql(`UPDATE entry SET captured_at_us = 1 WHERE id > ${second}`);
    bench.finish();
    await buffer(bench).pass();
    expect(pictures(bench)).toEqual(["p3.png"]);
  });

  test("sets a picture aside that cannot be removed, names it, and removes the others", async () => {
    const bench = new Bench(keep(2));
    frames(bench, 6);
    bench.finish();
    rmSync(bench.path("p1.png"));
    mkdirSync(bench.path("p1.png"));
    rmSync(bench.path("p2.png"));
    symlinkSync("/etc/hostname", bench.path("p2.png"));
    const { pass, retaining, lines } = buffer(bench);
    await pass();
    expect(pictures(bench)).toEqual(["p1.png", "p2.png"]);
    expect(existsSync("/etc/hostname")).toBe(true);
    expect(retaining.filesSetAside()).toContainEqual(
      expect.objectContaining({ name: "p1.png", reason: expect.stringContaining("it is a directory") }),
    );
    expect(retaining.filesSetAside()).toHaveLength(2);
    const told = lines.filter(({ level }) => level === "warn").map(({ message }) => message);
    expect(told.filter((line) => line.includes("cannot remove p1.png"))).toHaveLength(1);
    expect(told.filter((line) => line.includes("cannot remove p2.png"))).toHaveLength(1);
    await pass();
    expect(lines.filter(({ message }) => message.includes("cannot remove p1.png"))).toHaveLength(1);
  });

  test("stops between two pictures when the database turns out to be damaged", async () => {
    const bench = new Bench(keep(1));
    frames(bench, 4);
    bench.finish();
    const damage = new Failure("manifest.corrupt", "the database is damaged", { hint: "", retry: "never" });
    const checkPlace = () => {
      if (!existsSync(bench.path("p1.png"))) bench.manifest.noteDamage(damage);
    };
    await expect(buffer(bench, { checkPlace }).pass()).rejects.toMatchObject({ code: "manifest.corrupt" });
    expect(pictures(bench)).toEqual(["p2.png", "p3.png", "p4.png"]);
  });

  test("removes no brightfield image either when the database turns out to be damaged", async () => {
    const bench = new Bench("[Brightfield]\nkeep = 1\n");
    const { brightfield_dir: directory } = bench.loaded.config.Paths;
    mkdirSync(directory, { recursive: true });
    const names = [1, 2, 3].map((n) => `brightfield_2026030${n}_050607_000000_cam0.png`);
    for (const name of names) writeFileSync(join(directory, name), "x");
    const damage = new Failure("manifest.corrupt", "the database is damaged", { hint: "", retry: "never" });
    // After the stage has been given its turn, before the first file.
    const checkPlace = () => bench.manifest.noteDamage(damage);
    await expect(buffer(bench, { checkPlace }).pass()).rejects.toMatchObject({ code: "manifest.corrupt" });
    expect(readdirSync(directory)).toEqual(names);
  });

  test("never removes a file whose content is not what was captured", async () => {
    const bench = new Bench(keep(1));
    frames(bench, 3);
    bench.finish();
    const own = readFileSync(bench.path("p1.png"));
    own[0] = 1 + (own[0] ?? 0);
    writeFileSync(bench.path("p1.png"), own);
    const { pass, retaining } = buffer(bench);
    await pass();
    expect(pictures(bench)).toEqual(["p1.png"]);
    expect(retaining.filesSetAside()[0]?.reason).toContain("its content differs from what was recorded");
  });

  test("leaves pictures outside the data directory and what another stage has in hand", async () => {
    const bench = new Bench(keep(1));
    const [first = 0] = frames(bench, 3);
    bench.manifest.entries.add({ filename: "theirs.png", filepath: "/elsewhere", capturedAtUs: 1, bytes: 9 });
    bench.finish();
    await buffer(bench, { inHand: [first] }).pass();
    expect(pictures(bench)).toEqual(["p1.png"]);
    expect(bench.manifest.history.counts()).toMatchObject({ localImages: 1 });
  });

  test("never takes the only copy of pictures that are imported where they lie", async () => {
    const bench = new Bench(`${keep(1)}[Camera]\ncamera_type = "file_importer"\n`);
    frames(bench, 3);
    bench.finish();
    const { lines, pass, retaining } = buffer(bench);
    await pass();
    expect(pictures(bench)).toHaveLength(3);
    expect([retaining.note(), retaining.idle(), lines]).toEqual(["", true, []]);
  });

  test("keeps every picture by default, while the disk has room", async () => {
    const bench = new Bench("");
    frames(bench, 400);
    bench.finish();
    const { lines, pass, retaining } = buffer(bench, { space: { freeBytes: 50e9, totalBytes: 500e9 } });
    await pass();
    expect(pictures(bench)).toHaveLength(400);
    expect(retaining.condition()).toBeUndefined();
    expect(lines.map(({ level }) => level)).toEqual(["info"]);
  });

  test("removes the oldest when the disk is nearly full, with one alarm that ends when there is room again", async () => {
    const bench = new Bench("");
    let others = 25e9 + 65_000;
    const disk = {
      totalBytes: 500e9,
      get freeBytes() {
        return others - bench.manifest.history.counts().localBytes;
      },
    };
    frames(bench, 5);
    bench.finish();
    const { lines, pass, retaining } = buffer(bench, { space: disk });
    await pass();
    expect(pictures(bench)).toEqual(["p3.png", "p4.png", "p5.png"]);
    expect(retaining.condition()).toMatchObject({ code: "buffer.making_room" });
    expect(lines.filter(({ level }) => level === "warn")).toHaveLength(1);
    others += 10;
    await pass();
    expect(retaining.condition()?.code).toBe("buffer.making_room");
    others += 5e9;
    await pass();
    expect(retaining.condition()).toBeUndefined();
  });

  test("does not repeat the alarm of the run before", () => {
    const bench = new Bench("");
    const beat = { stage: "retention", state: "waiting", atUs: 1, detail: "", code: "buffer.making_room" };
    bench.manifest.heartbeats.store([beat]);
    const { lines, retaining } = buffer(bench, { space: { freeBytes: 25e9 + 10, totalBytes: 500e9 } });
    expect(retaining.condition()?.code).toBe("buffer.making_room");
    expect(lines.filter(({ level }) => level === "warn")).toEqual([]);
  });

  test("removes nothing for room where capture is to pause instead", async () => {
    const bench = new Bench('[Buffer]\nwhen_full = "pause"\n');
    frames(bench, 5);
    bench.finish();
    await buffer(bench, { space: { freeBytes: 1, totalBytes: 500e9 } }).pass();
    expect(pictures(bench)).toHaveLength(5);
  });

  test("takes a disk that does not know its size for neither full nor empty", async () => {
    const bench = new Bench("");
    frames(bench, 5);
    bench.finish();
    await buffer(bench, { space: undefined }).pass();
    expect(pictures(bench)).toHaveLength(5);
  });

  test("says at the start that measured pictures go for good where no copy is made", () => {
    expect(
      buffer(new Bench(keep(5)))
        .lines.map(({ message }) => message)
        .join(),
    ).toContain("removed permanently");
    expect(buffer(new Bench(keep(5) + SYNC)).lines).toEqual([]);
  });
});

describe("while syncing is enabled", () => {
  test("only pictures with a recorded, verified copy go, and their rows name the copy", async () => {
    const bench = new Bench(keep(1) + SYNC);
    const [first = 0, second = 0, third = 0] = frames(bench, 4);
    bench.finish();
    bench.synced(second, "data/p2-1.png");
    // The established system's mark alone proves no copy.
    bench.sql(`UPDATE entry SET image_synced = 1 WHERE id = ${third}`);
    const { pass, retaining } = buffer(bench);
    await pass();
    expect(pictures(bench)).toEqual(["p1.png", "p3.png", "p4.png"]);
    const remote = bench.loaded.config.Paths.remote_root_dir;
    expect(join(bench.data, String(bench.row(second).directory))).toBe(join(remote, "data"));
    expect(bench.row(second)).toMatchObject({ filename: "p2-1.png", local: 0 });
    expect(retaining.note()).toContain("p1.png and later images must stay: not copied to the share yet");
    expect(bench.row(first)).toMatchObject({ local: 1 });
  });

  test("a picture that moved away is still known, so that a watched folder does not give it twice", async () => {
    const bench = new Bench(keep(1) + SYNC);
    const [first = 0] = frames(bench, 2);
    bench.finish();
    bench.synced(first, "data/p1.png");
    await buffer(bench).pass();
    expect(bench.manifest.entries.knowsFile("p1.png")).toBe(true);
    expect(bench.manifest.entries.knowsFile("p1.png.gz")).toBe(true);
    expect(bench.manifest.entries.knowsFile("p9.png")).toBe(false);
  });
});

describe("a death during a removal", () => {
  const recover = (bench: Bench) => {
    bench.reopen();
    return bench.manifest.recover({ maxAttempts: 3, nowUs: 9, remoteRoot: bench.loaded.config.Paths.remote_root_dir });
  };

  test("before the file was removed leaves the picture as if nothing had begun", () => {
    const bench = new Bench(keep(1));
    const [first = 0] = frames(bench, 2);
    bench.finish();
    bench.manifest.storage.beginRemoval([first], 7);
    expect(recover(bench).missing).toEqual([]);
    expect(bench.row(first)).toMatchObject({ local: 1, removed_at_us: null, missing: 0 });
    expect(bench.manifest.storage.removable(5, false)).toHaveLength(2);
  });

  test("after the file was removed ends the removal: the picture is not taken for a lost one", () => {
    const bench = new Bench(keep(1) + SYNC);
    const [first = 0, second = 0] = frames(bench, 3);
    bench.finish();
    bench.synced(second, "data/p2.png");
    bench.manifest.storage.beginRemoval([first, second], 7);
    rmSync(bench.path("p1.png"));
    rmSync(bench.path("p2.png"));
    expect(recover(bench).missing).toEqual([]);
    expect(bench.row(first)).toMatchObject({ local: 0, removed_at_us: 7, filename: "p1.png" });
    expect(String(bench.row(second).directory)).toContain("remote");
    expect(bench.manifest.history.counts()).toMatchObject({ missing: 0, localImages: 1 });
  });

  test("a removed picture is never reported missing by later starts", async () => {
    const bench = new Bench(keep(1));
    frames(bench, 3);
    bench.finish();
    await buffer(bench).pass();
    expect(recover(bench).missing).toEqual([]);
    expect(bench.manifest.history.counts()).toMatchObject({ missing: 0 });
  });
});

test("nothing is removed, and no row changed, while the data directory is not the one of the start", async () => {
  const bench = new Bench(keep(1));
  const [first = 0] = frames(bench, 3);
  bench.finish();
  const lost = () => {
    throw new Failure("disk.failed", "unmounted", { retry: "later" });
  };
  await expect(buffer(bench, { checkPlace: lost }).retaining.run()).rejects.toThrow("unmounted");
  expect(pictures(bench)).toHaveLength(3);
  expect(bench.row(first)).toMatchObject({ local: 1, removed_at_us: null });
  expect(existsSync(bench.path("p1.png"))).toBe(true);
});

test("every question of the ring buffer and the compressor is answered from its own index", () => {
  const bench = new Bench("");
  const db = new Database(bench.path("phorest.sqlite"), { readonly: true });
  const indexes = db.prepare<[], string>("SELECT name FROM sqlite_master WHERE type = 'index'").pluck().all();
  db.close();
  // INDEXED BY makes SQLite refuse a query that cannot use the index; a pass over all of them is the proof.
  const { storage } = bench.manifest;
  storage.uncompressed(1);
  storage.removable(1, false);
  storage.removable(1, true);
  storage.unfinishedRemovals();
  storage.obstacle(true);
  expect(indexes).toEqual(
    expect.arrayContaining(["entry_removable", "entry_removable_copied", "entry_own", "entry_removing"]),
  );
});
