// The experiment's own directories on file systems with the habits of shares, and files there that cannot be read.
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { tryCompress } from "../../src/archive/compress.ts";
import { checkMark, markPlace } from "../../src/archive/directory-identity.ts";
import { Folder } from "../../src/cameras/folder.ts";
import { withConfinedFile } from "../../src/system/confined-file.ts";
import { diskSpace } from "../../src/system/disk-space.ts";
import { copyInto } from "../../src/system/new-file.ts";
import { experiment, phorest, QUICK_CONFIG } from "../run/program.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { TIME_TO_STOP } from "../support/time-to-stop.ts";
import { CAN_FUSE, quirkShare } from "./quirk-share.ts";

const signal = new AbortController().signal;
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

describe.skipIf(!CAN_FUSE)("a watched folder", () => {
  async function watched(...habits: string[]) {
    const { point, backing } = await quirkShare(...habits);
    return watching(point, backing);
  }

  function watching(point: string, backing = point) {
    let nowMs = 1000;
    const source = new Folder({ watchDir: point, stableSeconds: 2, takenBefore: () => undefined, nowMs: () => nowMs });
    const put = (name: string, content: string, seconds: number) => {
      writeFileSync(join(backing, name), content);
      utimesSync(join(backing, name), seconds, seconds);
    };
    /** The names taken once everything there has stood still. */
    const take = async () => {
      await source.open();
      nowMs += 2000;
      const taken: string[] = [];
      for (let frame = await source.capture(signal); frame !== null; frame = await source.capture(signal)) {
        taken.push(frame.file?.name ?? "");
      }
      return taken;
    };
    return { backing, source, put, take };
  }

  test("whose inode numbers change at each look gives each picture once", async () => {
    const { put, take } = await watched("inodes");
    for (const [n, name] of ["a.png", "b.png", "c.png"].entries()) put(name, name, n + 1);
    expect(await take()).toEqual(["a.png", "b.png", "c.png"]);
    expect(await take()).toEqual([]);
    put("b.png", "another picture", 9);
    expect(await take()).toEqual(["b.png"]);
    expect(await take()).toEqual([]);
  });

  test("whose inode numbers hold notices a picture that was replaced by one of the same size and time", async () => {
    const { backing, put, take } = watching(temporaryDirectory());
    put("a.png", "one", 10);
    expect(await take()).toEqual(["a.png"]);
    put("next", "two", 10);
    renameSync(join(backing, "next"), join(backing, "a.png"));
    expect(await take()).toEqual(["a.png"]);
  });

  test("sets a picture aside that cannot be read, and takes the others", async () => {
    const { put, source, take } = await watched("broken=b.png");
    for (const [n, name] of ["a.png", "b.png", "c.png"].entries()) put(name, name, n + 1);
    expect(await take()).toEqual(["a.png", "c.png"]);
    expect(source.filesSetAside()).toMatchObject([
      { name: "b.png", reason: "the disk reports an input/output error for it" },
    ]);
  });
});

describe.skipIf(!CAN_FUSE)("a data directory", () => {
  test("whose inode numbers change at each look is still the one of the start; another disk in its place is not", async () => {
    const { point } = await quirkShare("inodes");
    const mark = markPlace(point);
    expect(() => checkMark(point, mark)).not.toThrow();
    expect(() => checkMark(temporaryDirectory(), mark)).toThrow(/not the same directory as at the start/);
  });

  test("on which a picture cannot be read: compression sets it aside", async () => {
    const { point, backing } = await quirkShare("broken=a.bmp");
    writeFileSync(join(backing, "a.bmp"), "picture");
    writeFileSync(join(backing, "b.bmp"), "picture ".repeat(100));
    const options = { level: 6, minSavingPercent: 5 };
    expect(await tryCompress(point, "a.bmp", undefined, options)).toEqual({
      kind: "failed",
      reason: "the disk reports an input/output error for it",
    });
    expect(await tryCompress(point, "b.bmp", undefined, options)).toMatchObject({ kind: "compressed" });
  });

  test.each([["nochmod"], ["link=EACCES"], ["link=EIO", "dirsync=EINVAL"], ["inodes"], ["nodirect"]])(
    "with %s takes in copies and compresses",
    async (...habits) => {
      const { point, backing } = await quirkShare(...habits);
      const from = temporaryDirectory();
      writeFileSync(join(from, "a.bmp"), "picture ".repeat(100));
      const copied = await withConfinedFile(from, "a.bmp", (file) => copyInto(file, point, "a.bmp"));
      expect(copied).toMatchObject({ name: "a.bmp", sha256: sha256("picture ".repeat(100)) });
      const again = await withConfinedFile(from, "a.bmp", (file) => copyInto(file, point, "a.bmp"));
      expect(again.name).toBe("a-1.bmp");
      const outcome = await tryCompress(point, "a.bmp", copied.sha256, { level: 6, minSavingPercent: 5 });
      expect(outcome).toMatchObject({ kind: "compressed", filename: "a.bmp.gz" });
      expect(readdirSync(backing).sort()).toEqual(["a-1.bmp", "a.bmp.gz"]);
    },
  );

  test("on which a picture cannot be read: it is set aside, all others are measured, and the run ends", async () => {
    const inputs = join(temporaryDirectory(), "inputs");
    const made = await phorest(["simulate", inputs, "--frames", "5", "--size", "640x480"], temporaryDirectory());
    expect(made.code, made.stderr).toBe(0);
    const all = readdirSync(inputs).filter((name) => name.endsWith(".png"));
    const [, broken = ""] = all;
    const { point, backing } = await quirkShare(`broken=${broken}`);
    const directory = experiment(
      `[Web]\nenabled = false\n[Paths]\ndata_dir = "${point}"\n[Services]\nenable_camera = false\n[Data_Analysis]\nworkers = 1\n${TIME_TO_STOP}`,
    );
    mkdirSync(join(directory, "generated_files"));
    copyFileSync(join(inputs, "ROI_manifest.json"), join(directory, "generated_files/ROI_manifest.json"));
    for (const name of all) copyFileSync(join(inputs, name), join(backing, name));
    const run = await phorest(["run", "--until-idle"], directory);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stderr).toContain(`cannot read ${broken}, set it aside: `);
    const status = await phorest(["status"], directory);
    expect(status.stdout).toContain("4 measured, 1 waiting, 0 failed");
    expect(status.stdout).toMatch(new RegExp(`set aside: 1 file: ${broken}: .*input/output error`));
  });

  test("that reports zeros has unknown space, not none", async () => {
    const { point } = await quirkShare("nostat");
    expect(diskSpace(point)).toBeUndefined();
  });
});

describe.skipIf(!CAN_FUSE)("backups on a share", () => {
  test("are made, checked and restored whatever attributes it keeps, and without a file that cannot be read", async () => {
    const { point } = await quirkShare("nochmod", "link=EACCES", "dirsync=EINVAL", "nostat", "times=2");
    const directory = experiment(`${QUICK_CONFIG.replace("plot = false", "")}\n[Paths]\nbackup_dir = "${point}"\n`);
    const run = await phorest(["run", "--frames", "3", "--until-idle"], directory);
    expect(run.code, run.stderr).toBe(0);
    // Somebody's directory in the place of a plot.
    renameSync(join(directory, "results/processed_data_plot.png"), join(directory, "results/plot.png"));
    mkdirSync(join(directory, "results/processed_data_plot.png"));
    const made = await phorest(["backup"], directory);
    expect(made.code, made.stderr).toBe(0);
    expect(made.stderr).toMatch(/processed_data_plot\.png is not in the backup: .*it is a directory/);
    expect((await phorest(["verify"], directory)).code).toBe(0);
    const [name = ""] = readdirSync(point);
    const into = join(directory, "restored");
    const pictures = join(directory, "data");
    const [first = "", second = ""] = readdirSync(pictures).filter((one) => one.endsWith(".png"));
    const bytes = readFileSync(join(pictures, second));
    renameSync(join(pictures, first), join(directory, first));
    mkdirSync(join(pictures, first));
    const restored = await phorest(["restore", join(point, name), "--into", into, "--pictures", pictures], directory);
    expect(restored.code, restored.stderr).toBe(0);
    expect(restored.stdout).toContain("2 on this computer, 0 on the share, 1 not found");
    expect(readFileSync(join(into, "data", second)).equals(bytes)).toBe(true);
    // The directory that has a picture's name ends no check either.
    const verified = await phorest(["verify"], directory);
    expect(verified.code, verified.stderr).toBe(3);
    expect(verified.stdout).toMatch(new RegExp(`${first}.*it is a directory`));
    expect(verified.stdout).toContain("3 images");
  });
});
