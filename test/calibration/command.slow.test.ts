import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodePicture } from "../../src/image/encode.ts";
import { parseRoiManifest } from "../../src/measurement/roi.ts";
import { createSimulator } from "../../src/simulator/simulator.ts";
import { packageRoot } from "../../src/system/files.ts";
import { command } from "../run/commands.ts";

let directory = "";
const simulator = createSimulator();

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "phorest-calibrate-"));
  writeFileSync(join(directory, "frame.png"), await encodePicture(simulator.render(0, 0), "png"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Runs the real program. */
async function calibrate(...words: string[]): Promise<{ code: number | null; out: string; error: string }> {
  const { code, stdout, stderr } = await command(["calibrate", ...words], packageRoot());
  return { code, out: stdout, error: stderr };
}

describe("phorest calibrate", () => {
  it("writes manifest, measurements and both pictures, and says as JSON what it found", async () => {
    const out = join(directory, "out");
    const { code, out: said } = await calibrate(join(directory, "frame.png"), "--auto", "--json", "--out", out);
    expect(code).toBe(0);
    const summary = JSON.parse(said);
    expect(summary).toMatchObject({ found: true, chip_type: "IMECII_2", mirrored: false });
    expect(readdirSync(out).sort()).toEqual([
      "CalculatedImageFeatures.json",
      "Grating_locations.png",
      "Label_locations.png",
      "ROI_manifest.json",
    ]);
    const written = parseRoiManifest(readFileSync(join(out, "ROI_manifest.json"), "utf8"), "written");
    const truth = new Map(simulator.roiManifest().rois.map((roi) => [roi.label, roi]));
    expect(written.rois.length).toBe(truth.size);
    for (const { label, x, y, flip } of written.rois) {
      expect(truth.get(label)?.flip).toBe(flip);
      expect(Math.abs(x - (truth.get(label)?.x ?? 0)), label).toBeLessThanOrEqual(1);
      expect(Math.abs(y - (truth.get(label)?.y ?? 0)), label).toBeLessThanOrEqual(1);
    }
  });

  it("ends with 3, one line and no file where only the inside of the lattice is in view", async () => {
    const out = join(directory, "none");
    mkdirSync(out);
    const picture = join(packageRoot(), "test/cases/oracle-pictures/img_B.png");
    const { code, error } = await calibrate(picture, "--out", out);
    expect(code).toBe(3);
    expect(error.trim().split("\n")).toHaveLength(1);
    expect(error).toMatch(/identity ambiguous.*px\/µm.*degrees/);
    expect(readdirSync(out)).toEqual([]);
  });

  it("ends with 2 and one line for what cannot be meant", async () => {
    const frame = join(directory, "frame.png");
    const wrong = [
      ["--anchor", "052A"],
      ["--anchor", "052A=1,2"],
      ["--anchor", "052A=1,2", "--anchor", "052A=1,2"],
      ["--auto", "--anchor", "052A=1,2", "--anchor", "053A=4,5"],
      ["--chip", "IMECII_9"],
    ];
    const answers = await Promise.all(wrong.map((words) => calibrate(frame, ...words)));
    answers.forEach(({ code, error }, i) => {
      expect(code, wrong[i]?.join(" ")).toBe(2);
      expect(error.trim().split("\n"), wrong[i]?.join(" ")).toHaveLength(1);
    });
  });
});
