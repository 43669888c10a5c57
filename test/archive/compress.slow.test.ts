import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { compressPicture } from "../../src/archive/compress.ts";
import { decodePicture } from "../../src/image/decode.ts";
import { encodePicture } from "../../src/image/encode.ts";
import { createSimulator } from "../../src/simulator/simulator.ts";
import { Compressor } from "../../src/stages/compressor/stage.ts";
import { recover, settleForms } from "../../src/supervisor/recovery.ts";
import { memoryLog } from "../support/log-lines.ts";
import { bmpOf } from "./bitmap.ts";
import { Bench, sha256, smooth } from "./pictures.ts";

/** Needs root, and a file system that has the attribute. */
const CAN_MAKE_IMMUTABLE = (() => {
  const directory = mkdtempSync(join(tmpdir(), "phorest-immutable-"));
  const file = join(directory, "file");
  writeFileSync(file, "x");
  const made = spawnSync("chattr", ["+i", file], { stdio: "ignore" }).status === 0;
  if (made) execFileSync("chattr", ["-i", file]);
  rmSync(directory, { recursive: true });
  return made;
})();

const OPTIONS = { level: 6, minSavingPercent: 5 };

function stage(bench: Bench) {
  const { log, lines } = memoryLog();
  const compressing = new Compressor({
    config: bench.loaded.config,
    manifest: bench.manifest,
    log,
    filesInUse: new Set<number>(),
    checkPlace: () => undefined,
    settled: () => undefined,
  });
  onTestFinished(() => compressing.close(5000));
  const all = async () => {
    while (await compressing.run(new AbortController().signal));
  };
  return { compressing, lines, all };
}

/** What a start does after a death. */
async function restart(bench: Bench) {
  const { log, lines } = memoryLog();
  bench.reopen();
  const interrupted = recover({
    manifest: bench.manifest,
    dataDir: bench.data,
    runId: 1,
    maxAttempts: 3,
    remoteRoot: bench.loaded.config.Paths.remote_root_dir,
    adopt: true,
    followLinks: false,
    log,
    nowUs: () => 5,
  });
  await settleForms(interrupted, bench.manifest, log);
  return lines;
}

describe("a picture that shrinks", () => {
  test("is replaced by its .gz, whose name, size and hash the row takes on beside the original's", async () => {
    const bench = new Bench("");
    const original = smooth(1);
    const entry = bench.add("a.bmp", original);
    bench.finish();
    await stage(bench).all();
    expect(readdirSync(bench.data).filter((name) => name.startsWith("a.") || name.endsWith(".part"))).toEqual([
      "a.bmp.gz",
    ]);
    const packed = bench.read("a.bmp.gz");
    expect(gunzipSync(packed).equals(original)).toBe(true);
    expect(bench.row(entry)).toMatchObject({
      filename: "a.bmp.gz",
      bytes: packed.length,
      sha256: sha256(packed),
      original_bytes: original.length,
      original_sha256: sha256(original),
      compression_attempted: 1,
    });
    expect(bench.manifest.history.counts()).toMatchObject({ compressed: 1, localImages: 1, localBytes: packed.length });
  });

  test("keeps its time of modification, by which pictures without a row are ordered", async () => {
    const bench = new Bench("");
    bench.add("a.bmp");
    utimesSync(bench.path("a.bmp"), 1000, 2000);
    await compressPicture(bench.directory, "a.bmp", undefined, OPTIONS);
    expect(statSync(bench.path("a.bmp.gz")).mtimeMs).toBe(2_000_000);
  });

  test("decodes to the same pixels afterwards", async () => {
    const bench = new Bench("");
    const picture = createSimulator({ width: 320, height: 240 }).render(0, 1);
    for (const [name, bytes] of [
      ["a.bmp", bmpOf(picture)],
      ["b.tiff", await encodePicture(picture, "tiff")],
    ] as const) {
      writeFileSync(bench.path(name), bytes);
      const before = await decodePicture(bench.path(name));
      const outcome = await compressPicture(bench.directory, name, undefined, OPTIONS);
      expect(outcome.kind).toBe("compressed");
      expect(await decodePicture(bench.path(`${name}.gz`))).toEqual(before);
    }
  });
});

describe("a picture is left as it is, and not tried again", () => {
  test("when it would not shrink by min_saving_percent", async () => {
    const bench = new Bench("[Compression]\nmin_saving_percent = 5");
    const png = Buffer.from(await encodePicture(createSimulator({ width: 320, height: 240 }).render(0, 1), "png"));
    const entry = bench.add("a.png", png);
    bench.finish();
    const { compressing, all } = stage(bench);
    await all();
    expect(bench.read("a.png").equals(png)).toBe(true);
    expect(existsSync(bench.path("a.png.gz"))).toBe(false);
    expect(bench.row(entry)).toMatchObject({ filename: "a.png", compression_attempted: 1, original_sha256: null });
    expect(compressing.idle()).toBe(true);
  });

  test("the limit itself is the last saving that counts", async () => {
    const bench = new Bench("");
    const bytes = smooth(3);
    const percent = 100 * (1 - gzipSync(bytes, { level: 6 }).length / bytes.length);
    writeFileSync(bench.path("a.bmp"), bytes);
    const judged = async (minSavingPercent: number) =>
      (await compressPicture(bench.directory, "a.bmp", undefined, { level: 6, minSavingPercent })).kind;
    expect(await judged(percent + 0.001)).toBe("incompressible");
    expect(await judged(percent - 0.001)).toBe("compressed");
  });

  test("when its content is no longer what was captured", async () => {
    const bench = new Bench("");
    const entry = bench.add("a.bmp");
    bench.finish();
    writeFileSync(bench.path("a.bmp"), "rotten");
    const { all, lines } = stage(bench);
    await all();
    expect(bench.read("a.bmp").toString()).toBe("rotten");
    expect(bench.row(entry)).toMatchObject({ filename: "a.bmp", compression_attempted: 1 });
    expect(lines.filter(({ level }) => level === "warn")).toHaveLength(1);
  });

  test("when a file of the compressed name holds something else", async () => {
    const bench = new Bench("");
    bench.add("a.bmp");
    bench.finish();
    const theirs = gzipSync("another picture");
    writeFileSync(bench.path("a.bmp.gz"), theirs);
    await stage(bench).all();
    expect(bench.read("a.bmp.gz").equals(theirs)).toBe(true);
    expect(existsSync(bench.path("a.bmp"))).toBe(true);
  });

  test("while it is not measured, and when it failed", async () => {
    const bench = new Bench("");
    const failed = bench.add("failed.bmp");
    const [claim] = bench.manifest.entries.claimPending(1, 1);
    if (claim !== undefined) bench.manifest.fail(claim, { code: "frame.unreadable", message: "no", retry: "never" }, 2);
    const pending = bench.add("pending.bmp");
    await stage(bench).all();
    for (const entry of [failed, pending]) expect(bench.row(entry)).toMatchObject({ compression_attempted: 0 });
  });
});

test("a picture that cannot be read does not hold up the others", async () => {
  const bench = new Bench("");
  const [bad, good] = [bench.add("bad.bmp"), bench.add("good.bmp")];
  bench.finish();
  rmSync(bench.path("bad.bmp"));
  // A link is never taken for the picture, wherever it leads.
  symlinkSync("bad.bmp", bench.path("bad.bmp"));
  const { compressing } = stage(bench);
  expect(await compressing.run(new AbortController().signal)).toBe(true);
  await compressing.run(new AbortController().signal);
  expect(bench.row(good)).toMatchObject({ filename: "good.bmp.gz" });
  expect(bench.row(bad)).toMatchObject({ filename: "bad.bmp", compression_attempted: 1 });
  expect(lstatSync(bench.path("bad.bmp")).isSymbolicLink()).toBe(true);
});

describe("one picture that cannot be compressed holds up no other", () => {
  test("because its name with .gz would be too long: it stays as it is, for its copy to be made", async () => {
    const bench = new Bench("");
    const name = `${"n".repeat(249)}.bmp`;
    const [long, good] = [bench.add(name), bench.add("good.bmp")];
    bench.finish();
    await stage(bench).all();
    expect(bench.row(good)).toMatchObject({ filename: "good.bmp.gz" });
    expect(bench.row(long)).toMatchObject({ filename: name, compression_attempted: 1 });
    expect(bench.manifest.syncing.unsynced({ limit: 9, compressedOnly: true })).toHaveLength(2);
  });

  test.skipIf(!CAN_MAKE_IMMUTABLE)(
    "because it cannot be removed: it stays alone, for its copy to be made",
    async () => {
      const bench = new Bench("");
      const [stuck, good] = [bench.add("stuck.bmp"), bench.add("good.bmp")];
      bench.finish();
      execFileSync("chattr", ["+i", bench.path("stuck.bmp")]);
      onTestFinished(() => {
        execFileSync("chattr", ["-i", bench.path("stuck.bmp")]);
      });
      await stage(bench).all();
      expect(bench.row(good)).toMatchObject({ filename: "good.bmp.gz" });
      expect(bench.row(stuck)).toMatchObject({ filename: "stuck.bmp", compression_attempted: 1 });
      expect(readdirSync(bench.data).filter((name) => name.includes("stuck"))).toEqual(["stuck.bmp"]);
    },
  );
});

describe("a death between two steps of a compression", () => {
  test("before the renaming leaves the original and no temporary file", async () => {
    const bench = new Bench("");
    const entry = bench.add("a.bmp");
    bench.finish();
    writeFileSync(bench.path(".a.bmp.gz.01234567.part"), "half");
    await restart(bench);
    expect(readdirSync(bench.data).filter((name) => name.includes("a.bmp"))).toEqual(["a.bmp"]);
    expect(bench.row(entry)).toMatchObject({ filename: "a.bmp", compression_attempted: 0 });
  });

  test("between the renaming and the removal of the original keeps the verified .gz alone", async () => {
    const bench = new Bench("");
    const original = smooth(0);
    const entry = bench.add("a.bmp", original);
    bench.finish();
    writeFileSync(bench.path("a.bmp.gz"), gzipSync(original));
    await restart(bench);
    expect(readdirSync(bench.data).filter((name) => name.startsWith("a.bmp"))).toEqual(["a.bmp.gz"]);
    expect(bench.row(entry)).toMatchObject({ filename: "a.bmp.gz", original_sha256: sha256(original), missing: 0 });
  });

  test("between the removal and the row makes the row follow, with its hashes", async () => {
    const bench = new Bench("");
    const original = smooth(0);
    const entry = bench.add("a.bmp", original);
    bench.finish();
    const packed = gzipSync(original);
    writeFileSync(bench.path("a.bmp.gz"), packed);
    rmSync(bench.path("a.bmp"));
    await restart(bench);
    expect(bench.row(entry)).toMatchObject({
      filename: "a.bmp.gz",
      sha256: sha256(packed),
      bytes: packed.length,
      original_sha256: sha256(original),
      compression_attempted: 1,
      missing: 0,
    });
    expect(bench.manifest.history.counts()).toMatchObject({ total: 1, missing: 0, localBytes: packed.length });
  });

  test("never lets another file's content stand for the picture", async () => {
    const bench = new Bench("");
    const entry = bench.add("a.bmp");
    bench.finish();
    writeFileSync(bench.path("a.bmp.gz"), gzipSync("another picture"));
    const lines = await restart(bench);
    expect(existsSync(bench.path("a.bmp"))).toBe(true);
    expect(existsSync(bench.path("a.bmp.gz"))).toBe(true);
    expect(bench.row(entry)).toMatchObject({ filename: "a.bmp", original_sha256: null });
    expect(lines.filter(({ level }) => level === "error")).toHaveLength(1);
  });
});

describe("pictures compressed or unpacked by hand while nothing runs", () => {
  test("are followed to their other name and back, with the hashes that belong to it", async () => {
    const bench = new Bench("");
    const original = smooth(0);
    const entry = bench.add("a.bmp", original);
    bench.finish();
    writeFileSync(bench.path("a.bmp.gz"), gzipSync(original));
    rmSync(bench.path("a.bmp"));
    await restart(bench);
    writeFileSync(bench.path("a.bmp"), original);
    rmSync(bench.path("a.bmp.gz"));
    await restart(bench);
    expect(bench.row(entry)).toMatchObject({
      filename: "a.bmp",
      sha256: sha256(original),
      bytes: original.length,
      original_sha256: null,
    });
  });

  test("an original laid beside its .gz again is removed if it is the same, and kept if it is not", async () => {
    const bench = new Bench("");
    const original = smooth(0);
    bench.add("a.bmp", original);
    bench.finish();
    await stage(bench).all();
    writeFileSync(bench.path("a.bmp"), original);
    await restart(bench);
    expect(existsSync(bench.path("a.bmp"))).toBe(false);
    copyFileSync(bench.path("a.bmp.gz"), bench.path("a.bmp"));
    await restart(bench);
    expect(existsSync(bench.path("a.bmp"))).toBe(true);
  });
});
