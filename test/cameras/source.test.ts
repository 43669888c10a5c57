import { createHash } from "node:crypto";
import { mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { sourceSettings } from "../../src/cameras/camera.ts";
import { Folder } from "../../src/cameras/folder.ts";
import type { CapturedFrame, Source } from "../../src/cameras/frame.ts";
import type { TakenFile } from "../../src/cameras/grown-file.ts";
import { readTaken } from "../../src/cameras/picture-encoding.ts";
import { simulatedRoiManifest } from "../../src/cameras/simulated.ts";
import { loadConfig, parseConfig } from "../../src/config/config.ts";
import { encodePicture } from "../../src/image/encode.ts";
import { parseRoiManifest } from "../../src/measurement/roi.ts";
import { createSimulator } from "../../src/simulator/simulator.ts";
import { sourceOf } from "../support/source-of.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const signal = new AbortController().signal;
let directory: string;
beforeEach(() => {
  directory = temporaryDirectory("phorest-source-");
});

function put(name: string, content: string | Uint8Array, secondsAgo = 0): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  const at = new Date(Date.UTC(2025, 0, 1) - secondsAgo * 1000);
  utimesSync(path, at, at);
  return path;
}

async function drain(source: Source): Promise<CapturedFrame[]> {
  const frames: CapturedFrame[] = [];
  for (;;) {
    const frame = await source.capture(signal);
    if (frame === null) return frames;
    frames.push(frame);
  }
}

/** Whether two frames show the same picture; an element-wise comparison of millions takes half a minute. */
const sameBytes = (a: CapturedFrame | null, b: CapturedFrame | null) =>
  Buffer.from(a?.picture?.pixels ?? []).equals(Buffer.from(b?.picture?.pixels ?? [1]));

const names = (frames: readonly CapturedFrame[]) => frames.map((frame) => frame.file?.name ?? "");

describe("the registry", () => {
  it("refuses a camera nobody knows, naming those that there are", () => {
    const of = (type: string) => () => parseConfig(`[Camera]\ncamera_type = "${type}"`, directory);
    for (const type of ["polaroid", "toString"]) expect(of(type)).toThrow(/Camera.camera_type.*"simulated".*"command"/);
    expect(() => sourceOf({ camera: { camera_type: "folder" } })).toThrow("needs Camera.watch_dir");
  });
});

describe("the simulated camera", () => {
  it("continues its experiment after a restart, from the time it began", async () => {
    const make = () =>
      sourceOf(
        { camera: {}, sections: { Simulation: { width: 640, height: 480 } }, startedAtUs: 1e15 },
        { nowUs: () => 1e15 + 600e6 },
      );
    const [first, second] = [make(), make()];
    for (const source of [first, second]) await source.open();
    const [a, b] = [await first.capture(signal), await second.capture(signal)];
    expect(a?.settings).toEqual({ chip: "IMECII_2", elapsed_seconds: 600 });
    expect(sameBytes(b, a)).toBe(true);
    const later = await first.capture(signal);
    expect(later?.capturedAtUs).toBe((a?.capturedAtUs ?? 0) + 1);
    expect(sameBytes(later, a)).toBe(false);
    await first.close();
    await first.close();
  });

  it("has an ROI manifest that the analysis reads, from the default configuration", () => {
    const { config } = loadConfig(undefined);
    expect(parseRoiManifest(simulatedRoiManifest(config), "simulated").rois).toHaveLength(128);
    expect(structuredClone(sourceSettings(config, 5))).toMatchObject({
      camera: { camera_type: "simulated" },
      startedAtUs: 5,
    });
  });
});

describe("the dummy camera", () => {
  it("replays a directory in name order, again and again", async () => {
    const picture = (level: number) => ({
      pixels: new Uint8Array(16).fill(level),
      width: 4,
      height: 4,
      bitDepth: 8 as const,
    });
    put("b.png", await encodePicture(picture(2), "png"));
    put("a.bmp", await encodePicture(picture(1), "bmp"), -50);
    put("c.txt", "not a picture");
    const source = sourceOf({ camera: { camera_type: "dummy", dummy_path: directory } });
    await source.open();
    const levels: (number | undefined)[] = [];
    for (let i = 0; i < 5; i++) levels.push((await source.capture(signal))?.picture?.pixels[0]);
    expect(levels).toEqual([1, 2, 1, 2, 1]);
  });

  it("says what is wrong with its path", async () => {
    const missing = sourceOf({ camera: { camera_type: "dummy", dummy_path: join(directory, "none.png") } });
    await expect(missing.open()).rejects.toThrow("the image of the dummy camera does not exist");
    await expect(sourceOf({ camera: { camera_type: "dummy", dummy_path: directory } }).open()).rejects.toThrow(
      "no images for the dummy camera",
    );
  });

  it("has a picture of its own when none is named", async () => {
    const source = sourceOf({ camera: { camera_type: "dummy" } });
    await source.open();
    const expected = { picture: createSimulator().render(0, 0), capturedAtUs: 0, settings: {}, warnings: [] };
    expect(sameBytes(await source.capture(signal), expected)).toBe(true);
  });
});

describe("the file importer", () => {
  it("takes every picture once, oldest first, by the moment in its name where there is one", async () => {
    put("late.png", "x", 10);
    put("early.tif", "x", 20);
    put("image_20240101_000000_000005_cam0.png", "x");
    put("seen.png", "x", 30);
    put(".hidden.png", "x");
    put("half.png.part", "x");
    put("notes.txt", "x");
    const isKnown = (name: string) => name === "seen.png";
    const source = sourceOf(
      { camera: { camera_type: "file_importer" }, sections: { Paths: { data_dir: directory } } },
      { isKnown },
    );
    await source.open();
    const frames = await drain(source);
    expect(names(frames)).toEqual(["image_20240101_000000_000005_cam0.png", "early.tif", "late.png"]);
    expect(frames[0]).toMatchObject({ capturedAtUs: Date.UTC(2024, 0, 1) * 1000 + 5, file: { keep: true } });
    expect(await source.capture(signal)).toBeNull();
  });

  it("hands a picture out again that could not be stored", async () => {
    put("a.png", "x", 2);
    put("b.png", "x", 1);
    const source = sourceOf({ camera: { camera_type: "file_importer" }, sections: { Paths: { data_dir: directory } } });
    await source.open();
    const first = await source.capture(signal);
    if (first === null) throw new Error("no frame");
    source.giveBack?.(first);
    expect(names(await drain(source))).toEqual(["a.png", "b.png"]);
  });
});

describe("the folder source", () => {
  let nowMs: number;
  const folder = (takenBefore: (name: string) => TakenFile | undefined = () => undefined, followLinks = false) =>
    new Folder({ watchDir: directory, stableSeconds: 2, takenBefore, followLinks, nowMs: () => nowMs });
  /** One whose clock goes on at each look: how long a look takes does not matter. */
  const lookingOn = () =>
    new Folder({
      watchDir: directory,
      stableSeconds: 0.1,
      takenBefore: () => undefined,
      nowMs: () => {
        nowMs += 40;
        return nowMs;
      },
    });
  beforeEach(() => {
    nowMs = 1000;
  });

  it("takes a file only when its size and time have stood still long enough", async () => {
    // The clock of one capture: its start, its look at the directory, then past the longest wait.
    let times: number[] = [];
    const source = new Folder({
      watchDir: directory,
      stableSeconds: 2,
      takenBefore: () => undefined,
      nowMs: () => times.shift() ?? nowMs,
    });
    const look = async () => {
      times = [nowMs, nowMs, nowMs + 5000];
      const frame = await source.capture(signal);
      times = [];
      return frame;
    };
    put("growing.png", "1", 50);
    await source.open();
    for (const content of ["12", "123", "1234"]) {
      nowMs += 1900;
      put("growing.png", content, 50);
      expect(await look()).toBeNull();
    }
    nowMs += 1900;
    // The size stays, the time does not: it is still being written.
    put("growing.png", "4321", 40);
    expect(await look()).toBeNull();
    nowMs += 1999;
    expect(await look()).toBeNull();
    nowMs += 1;
    expect((await look())?.file).toMatchObject({ directory, name: "growing.png", keep: true });
    expect(await look()).toBeNull();
  });

  it("waits within a capture for a file to prove complete", async () => {
    put("a.png", "1", 50);
    expect(names(await drain(lookingOn()))).toEqual(["a.png"]);
  });

  it("takes files in the order of their time, never partial, hidden or empty ones", async () => {
    put("z-first.png", "1", 30);
    put("a-second.png", "2", 20);
    put("m.png.tmp", "3");
    put("n.png.part", "3");
    put(".o.png", "3");
    put("empty.png", "");
    const source = folder();
    await source.open();
    nowMs += 2000;
    expect(names(await drain(source))).toEqual(["z-first.png", "a-second.png"]);
  });

  it("takes the pictures behind one that cannot be read, says so, and tries that one again later", async () => {
    // More than can be read at once fails for every user, as a file without permission does for most.
    truncateSync(put("a.png", ""), 5 * 2 ** 30);
    put("b.png", "2", -30);
    put("c.png", "3", -60);
    utimesSync(join(directory, "a.png"), 0, 0);
    const source = folder();
    await source.open();
    nowMs += 2000;
    const first = await source.capture(signal);
    expect(names(first === null ? [] : [first])).toEqual(["b.png"]);
    expect(source.filesSetAside()).toMatchObject([{ name: "a.png", failures: 1, nextTryInMs: 10_000 }]);
    expect(source.filesSetAside()[0]?.reason).toContain("larger than");
    expect(names(await drain(source))).toEqual(["c.png"]);
    nowMs += 10_000;
    expect(await source.capture(signal)).toBeNull();
    expect(source.filesSetAside()).toMatchObject([{ name: "a.png", failures: 2, nextTryInMs: 20_000 }]);
    truncateSync(join(directory, "a.png"), 1);
    await source.open();
    nowMs += 2000;
    expect(names(await drain(source))).toEqual(["a.png"]);
    expect(source.filesSetAside()).toEqual([]);
  });

  it("takes the pictures beside one that cannot even be looked at, and says so once", async () => {
    symlinkSync("circle.png", join(directory, "circle.png"));
    const source = folder(undefined, true);
    await expect(source.open()).rejects.toMatchObject({
      code: "camera.unavailable",
      message: expect.stringMatching("circle.png"),
    });
    put("a.png", "1", 30);
    put("b.png", "2", 20);
    await source.open();
    nowMs += 2000;
    const frames = await drain(source);
    expect(names(frames)).toEqual(["a.png", "b.png"]);
    // The other one: the time of the file is only a guess, said once.
    expect(frames.map(({ warnings }) => warnings.length)).toEqual([2, 0]);
    expect(frames[0]?.warnings[0]).toContain("circle.png: cannot access this image: ELOOP");
  });

  it.each([false, true])("takes links to pictures only when it may (%s), and says once what it skips", async (may) => {
    put("a.png", "1", 30);
    const elsewhere = temporaryDirectory("phorest-elsewhere-");
    onTestFinished(() => rmSync(elsewhere, { recursive: true }));
    writeFileSync(join(elsewhere, "key"), "secret");
    for (const name of ["l.png", "m.png", "n.png", "o.png"]) symlinkSync(join(elsewhere, "key"), join(directory, name));
    symlinkSync(elsewhere, join(directory, "directory.png"));
    const source = folder(undefined, may);
    await source.open();
    nowMs += 2000;
    const taken = names(await drain(source)).sort();
    await source.open();
    expect(taken).toEqual(may ? ["a.png", "l.png", "m.png", "n.png", "o.png"] : ["a.png"]);
    const skipped = ["directory", "l", "m", "n", "o"].map((name) =>
      expect.stringMatching(`^${name}.png: skipped: it is a link; set Camera.follow_links`),
    );
    expect(source.skipped()).toEqual(may ? [] : expect.arrayContaining(skipped));
  });

  it("names files of kinds that phorest does not read, once, and no others", async () => {
    put("a.png", "1", 30);
    writeFileSync(join(directory, "late.czi"), "");
    writeFileSync(join(directory, "notes.txt"), "GIF is a kind of file");
    writeFileSync(join(directory, "b.gif"), "GIF89a and so on");
    const source = folder();
    await source.open();
    expect(source.skipped()).toEqual([
      expect.stringMatching(/^b.gif: skipped: it is a GIF file, which phorest does not read/),
    ]);
    writeFileSync(join(directory, "late.czi"), "GIF89a, whatever its name");
    await source.open();
    expect(source.skipped()).toEqual([
      expect.stringMatching(/^b.gif: skipped: it is a GIF file/),
      expect.stringMatching(/^late.czi: skipped: it is a GIF file/),
    ]);
  });

  it("names a TIFF under another name, but nothing that is still being written", async () => {
    put("a.png", "1", 30);
    const tiff = Buffer.from("49492a0008000000", "hex");
    const passing = [".b.dng.Xy12", "c.tif.part", "d.tiff_original", "e.dng~", "f.tmp", "noending", "g.tif.x"];
    for (const name of ["b.dng", ...passing]) writeFileSync(join(directory, name), tiff);
    const source = folder();
    await source.open();
    expect(source.skipped()).toEqual([
      "b.dng: skipped: it is a TIFF under another name (give it a name that ends in .tif)",
    ]);
  });

  it("does not hand out what was put in the place of a picture after it was taken", async () => {
    const key = put("key", "secret");
    put("a.png", "picture", 30);
    const source = folder();
    await source.open();
    nowMs += 2000;
    const [frame] = await drain(source);
    if (frame?.file === undefined) throw new Error("no frame");
    expect(await readTaken(frame.file)).toEqual(Buffer.from("picture"));
    put("a.png", "another");
    await expect(readTaken(frame.file)).rejects.toMatchObject({ code: "file.changed", retry: "later" });
    rmSync(join(directory, "a.png"));
    symlinkSync(key, join(directory, "a.png"));
    await expect(readTaken(frame.file)).rejects.toMatchObject({ code: "file.refused" });
  });

  it("takes a name again only when it holds something new", async () => {
    put("latest.png", "one", 30);
    const source = folder();
    await source.open();
    nowMs += 2000;
    expect(names(await drain(source))).toEqual(["latest.png"]);
    put("latest.png", "two!", 20);
    await source.open();
    nowMs += 2000;
    expect(names(await drain(source))).toEqual(["latest.png"]);
    put("latest.png", "two!", 10);
    await source.open();
    nowMs += 2000;
    expect(await drain(source)).toEqual([]);
  });

  it("leaves what an earlier run took, and takes back what could not be stored", async () => {
    put("old.png", "1", 30);
    put("new.png", "2", 20);
    const source = folder((name) => (name === "old.png" ? { bytes: undefined, modifiedUs: undefined } : undefined));
    await source.open();
    nowMs += 2000;
    const frame = await source.capture(signal);
    if (frame === null) throw new Error("no frame");
    source.giveBack(frame);
    expect(names(await drain(source))).toEqual(["new.png"]);
  });

  it("notices what was written anew under a known name while the program was down", async () => {
    put("same.png", "1", 30);
    put("longer.png", "22", 20);
    put("later.png", "3", 10);
    const modifiedUs = (secondsAgo: number) => (Date.UTC(2025, 0, 1) - secondsAgo * 1000) * 1000;
    const noted: Record<string, TakenFile> = {
      "same.png": { bytes: 1, modifiedUs: modifiedUs(30) },
      "longer.png": { bytes: 1, modifiedUs: modifiedUs(20) },
      "later.png": { bytes: 1, modifiedUs: modifiedUs(99) },
    };
    const source = folder((name) => noted[name]);
    await source.open();
    nowMs += 2000;
    const frames = await drain(source);
    expect(names(frames)).toEqual(["longer.png", "later.png"]);
    expect(frames[0]?.settings).toEqual({ source: "longer.png", source_bytes: 2, source_modified_us: modifiedUs(20) });
  });

  it("takes nothing for new that was only touched since an earlier run took it", async () => {
    put("touched.png", "1", 30);
    put("written.png", "2", 20);
    const sha256 = createHash("sha256").update("1").digest("hex");
    const source = folder(() => ({ bytes: 1, modifiedUs: 0, sha256 }));
    await source.open();
    nowMs += 2000;
    expect(names(await drain(source))).toEqual(["written.png"]);
  });

  it("hears of new files without listing the directory again", async () => {
    const source = lookingOn();
    await source.open();
    expect(await source.capture(signal)).toBeNull();
    put("new.png", "1", 50);
    expect(names(await drain(source))).toEqual(["new.png"]);
    await source.close();
  });

  it("survives the directory going away and coming back", async () => {
    put("a.png", "1", 30);
    const source = folder();
    await source.open();
    nowMs += 2000;
    expect(names(await drain(source))).toEqual(["a.png"]);
    const away = `${directory}-away`;
    renameSync(directory, away);
    await expect(source.capture(signal)).rejects.toMatchObject({ code: "camera.unavailable", retry: "later" });
    mkdirSync(directory);
    expect(await source.capture(signal)).toBeNull();
    rmSync(directory, { recursive: true });
    renameSync(away, directory);
    put("b.png", "2", 10);
    await source.open();
    nowMs += 2000;
    expect(names(await drain(source))).toEqual(["b.png"]);
  });
});
