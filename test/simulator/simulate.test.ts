import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import yargs from "yargs";
import { simulateCommand } from "../../src/commands/simulate.ts";
import { parseInjections } from "../../src/evaluation/injections-file.ts";
import { decodePicture } from "../../src/image/decode.ts";
import { readRoiManifest } from "../../src/measurement/roi.ts";
import { UTC } from "../../src/system/time-zone.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

async function simulate(...words: string[]): Promise<string> {
  const directory = join(temporaryDirectory("phorest-simulate-"), "pictures");
  const parser = yargs()
    .option("json", { type: "boolean", default: true })
    .option("config", { type: "string" })
    .option("log-level", { choices: ["error", "warn", "info", "debug"] as const })
    .option("tz", { type: "string" })
    .command(simulateCommand)
    .fail((message, error) => {
      throw error ?? new Error(message);
    });
  await parser.parseAsync(["simulate", directory, ...words]);
  return directory;
}

describe("phorest simulate", () => {
  it("writes pictures, their truth and their ROI manifest", async () => {
    const directory = await simulate("--frames", "2", "--size", "640x480", "--bits", "16", "--interval", "0.5");
    const pictures = ["image_20250101_000000_000000_cam0.png", "image_20250101_000000_500000_cam0.png"];
    expect(readdirSync(directory).sort()).toEqual(["ROI_manifest.json", ...pictures, "truth.json"].sort());
    expect(await decodePicture(join(directory, pictures[1] ?? ""))).toMatchObject({
      width: 640,
      height: 480,
      bitDepth: 16,
    });
    const labels = (await readRoiManifest(join(directory, "ROI_manifest.json"))).rois.map((roi) => roi.label);
    const truth = JSON.parse(readFileSync(join(directory, "truth.json"), "utf8"));
    expect(Object.keys(truth.rois)).toEqual(labels);
    expect(truth.frames.map((frame: { file: string }) => frame.file)).toEqual(pictures);
    expect(Object.keys(truth.frames[1].resonance)).toEqual(labels);
  });

  it("writes the truth elsewhere on request, and no noise when told so", async () => {
    const elsewhere = join(temporaryDirectory("phorest-truth-"), "t.json");
    const options = ["--frames", "2", "--size", "640x480", "--noise", "off", "--format", "bmp", "--truth", elsewhere];
    const directory = await simulate(...options, "--angle", "0");
    expect(existsSync(elsewhere)).toBe(true);
    const [a, b] = readdirSync(directory)
      .filter((name) => name.endsWith(".bmp"))
      .map((name) => join(directory, name));
    const [first, second] = [await decodePicture(a ?? ""), await decodePicture(b ?? "")];
    const { rois } = await readRoiManifest(join(directory, "ROI_manifest.json"));
    const gap = ((rois[0]?.y ?? 0) + (rois[0]?.height ?? 0) + 1) * 640 + (rois[0]?.x ?? 0) + 9;
    expect(first.pixels[gap]).toBe(second.pixels[gap]);
    expect(Buffer.from(first.pixels).equals(Buffer.from(second.pixels))).toBe(false);
  });

  it("writes the injections of an assay in the form that is imported, and the truth about them", async () => {
    const directory = await simulate("--assay", "binding", "--frames", "1", "--size", "640x480");
    const file = join(directory, "injections.csv");
    const injections = await parseInjections(readFileSync(file, "utf8"), file, 0, UTC);
    expect(injections).toHaveLength(16);
    expect(injections[2]).toMatchObject({ type: "sample", concentration: 1e-9, startUs: 480e6, endUs: 600e6 });
    const { assay, rois, frames } = JSON.parse(readFileSync(join(directory, "truth.json"), "utf8"));
    expect(assay.injections[2]).toMatchObject({ number: 3, concentration_M: 1e-9, start: 480, seconds: 120 });
    const [, grating] =
      Object.entries<Record<string, number | boolean>>(rois).find(([, roi]) => roi.reference === false) ?? [];
    expect(grating?.KD).toBeCloseTo(Number(grating?.kd) / Number(grating?.ka), 15);
    expect(Object.keys(frames[0].shift)).toEqual(Object.keys(rois));
  });

  it.each([
    [["--size", "640x480"], "--frames is missing"],
    [["--assay", "bnding"], "bnding: there is no assay of this name and no such file"],
    [["--frames", "0"], /^--frames needs .*, not "0"$/],
    [["--frames", "1.5"], /^--frames needs .*, not "1.5"$/],
    [["--frames", "1", "--size", "12by7"], /^--size needs .*, not "12by7"$/],
    [["--frames", "1", "--size", "99999x9"], /^--size needs .*, not "99999x9"$/],
    [["--frames", "1", "--chip", "IMECII_7"], /^--chip needs .*, not "IMECII_7"$/],
    [["--frames", "1", "--noise", "loud"], /^--noise needs .*, not "loud"$/],
    [["--frames", "1", "--drift", "1"], /^--drift needs .*, not "1"$/],
    [["--frames", "1", "--bits", "12"], /^--bits needs .*, not "12"$/],
    [["--frames", "1", "--profile", "pi64", "--bits", "16"], /^--bits needs .*, not "16"$/],
    [["--frames", "1", "--profile", "scientific", "--bits", "8"], /^--bits needs .*, not "8"$/],
    [["--frames", "1", "--texture", "/nowhere.png"], "texture /nowhere.png cannot be used: no such file"],
    [["--frames", "1", "--interval", "0"], /^--interval needs .*, not "0"$/],
    [["--frames", "1", "--angle", "90"], /^--angle needs .*, not "90"$/],
    [["--frames", "1", "--start", "noon"], '--start needs a date or time such as 2026-03-04T05:06:07Z, not "noon"'],
    [["--frames", "1", "--bits", "16", "--format", "bmp"], "bmp images cannot have 16 bits"],
  ])("refuses %j in one line", async (words, message) => {
    await expect(simulate(...words)).rejects.toMatchObject({
      code: "usage.invalid",
      message: expect.stringMatching(message),
    });
  });
});
