// Pictures whose names are not UTF-8: skipped, and named once, wherever a directory of pictures is read.
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listPictures } from "../../src/analysis/batch.ts";
import { Folder } from "../../src/cameras/folder.ts";
import { DirectoryChanges } from "../../src/system/directory-changes.ts";
import { printableName, readNamesNow } from "../../src/system/names-in-bytes.ts";
import { experiment, phorest } from "./program.ts";

/** "Müller_001.png" in Latin-1. */
const LATIN1 = Buffer.from("M\xfcller_001.png", "latin1");
const PRINTABLE = "M\\xfcller_001.png";
const SETTINGS = `
[Simulation]
width = 640
height = 480
speckle = 0
[Services]
enable_camera = true
[Web]
enabled = false
[Report]
plot = false
[Timing]
collector_interval_seconds = 0.2
`;

const inDirectory = (directory: string, name: Buffer): Buffer => Buffer.concat([Buffer.from(`${directory}/`), name]);
const linesWith = (text: string, part: string): string[] => text.split("\n").filter((line) => line.includes(part));

describe("names as bytes", () => {
  test("are kept apart from those that can be used, with a printable form", () => {
    const directory = experiment();
    for (const name of [LATIN1, Buffer.from("Müller.png"), Buffer.from("\ufffd.png"), Buffer.from([0x1b, 0xff])])
      writeFileSync(inDirectory(directory, name), "");
    const { names, unusable } = readNamesNow(directory);
    expect(names.sort()).toEqual(["Müller.png", "\ufffd.png"]);
    expect(unusable).toEqual([PRINTABLE, "\\x1b\\xff"]);
    expect(printableName(Buffer.from("a\nb"))).toBe("a\\x0ab");
  });

  test("a watched directory names one that appears later, and forgets it when it is gone", async () => {
    const directory = experiment();
    const folder = new Folder({ watchDir: directory, stableSeconds: 0, takenBefore: () => undefined });
    await folder.open();
    expect(folder.skipped()).toEqual([]);
    writeFileSync(inDirectory(directory, LATIN1), "x");
    const { signal } = new AbortController();
    const skippedNow = async () => {
      await folder.capture(signal);
      return folder.skipped();
    };
    await expect.poll(skippedNow).toHaveLength(1);
    expect(folder.skipped()[0]).toContain(PRINTABLE);
    rmSync(inDirectory(directory, LATIN1));
    await expect.poll(skippedNow).toEqual([]);
    await folder.close();
  });

  test("an event with such a name makes the directory be listed", async () => {
    const directory = experiment();
    const changes = new DirectoryChanges(directory);
    await changes.take();
    writeFileSync(inDirectory(directory, LATIN1), "x");
    await expect.poll(() => changes.take()).toBeUndefined();
    changes.close();
  });

  test("analyse of a directory reports it", async () => {
    const directory = experiment();
    writeFileSync(join(directory, "plain.png"), "x");
    writeFileSync(inDirectory(directory, LATIN1), "x");
    writeFileSync(inDirectory(directory, Buffer.from("notes\xfc.txt", "latin1")), "x");
    const lines: string[] = [];
    expect(await listPictures([directory], (line) => lines.push(line))).toEqual([join(directory, "plain.png")]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(PRINTABLE);
  });
});

describe("the program", () => {
  let pictures: string;
  beforeAll(async () => {
    pictures = mkdtempSync(join(tmpdir(), "phorest-names-"));
    const { code, stderr } = await phorest(["simulate", "sim", "--frames", "2", "--size", "640x480"], pictures);
    pictures = join(pictures, "sim");
    expect(code, stderr).toBe(0);
  });
  afterAll(() => rmSync(dirname(pictures), { recursive: true, force: true }));

  /** An experiment whose `directory` holds one picture of a usable name and one of a name in Latin-1. */
  function withPictures(settings: string, place: string): string {
    const directory = experiment(settings + SETTINGS);
    for (const name of [place, "generated_files"]) mkdirSync(join(directory, name), { recursive: true });
    const [first = "", second = ""] = readdirSync(pictures).filter((name) => name.endsWith(".png"));
    copyFileSync(join(pictures, first), inDirectory(join(directory, place), LATIN1));
    copyFileSync(join(pictures, second), join(directory, place, "plain.png"));
    copyFileSync(join(pictures, "ROI_manifest.json"), join(directory, "generated_files", "ROI_manifest.json"));
    return directory;
  }

  test.each([
    ["a watched folder", 'camera_type = "folder"\nwatch_dir = "in"\nfolder_stable_seconds = 0.1', "in"],
    ["file_importer", 'camera_type = "file_importer"', "data"],
    ["adoption at the start", 'camera_type = "simulated"', "data"],
  ])("%s: one line in the log, one in status, and the other picture is measured", async (_, camera, place) => {
    const directory = withPictures(`[Camera]\n${camera}\n`, place);
    const { code, stderr } = await phorest(["run", "--frames", "1", "--until-idle"], directory);
    expect(code, stderr).toBe(0);
    const said = linesWith(stderr, PRINTABLE);
    expect(said, stderr).toHaveLength(1);
    expect(said[0]).toContain("not valid UTF-8");
    expect(stderr).toMatch(/(plain\.png: captured|found plain\.png, which was not in the database)/);
    const status = await phorest(["status"], directory);
    expect(linesWith(status.stdout, PRINTABLE), status.stdout).toHaveLength(1);
  });

  test("import names it", async () => {
    const directory = experiment(SETTINGS);
    const old = experiment();
    writeFileSync(join(old, "metadata_manifest.json"), "[]");
    writeFileSync(inDirectory(old, LATIN1), "x");
    const { stderr } = await phorest(["import", old], directory);
    expect(linesWith(stderr, PRINTABLE), stderr).toHaveLength(1);
  });
});
