import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it, onTestFinished } from "vitest";
import { readLabelPictures } from "../../src/calibration/label-pictures.ts";
import { LabelPatterns } from "../../src/calibration/label-search.ts";
import { locateChip } from "../../src/calibration/locate.ts";
import { withoutScratches } from "../../src/calibration/scratches.ts";
import { chipTypes, loadChip } from "../../src/chip/layout.ts";
import { createSimulator } from "../../src/simulator/simulator.ts";
import { photograph } from "./photographs.ts";
import { cornerError } from "./pictures.ts";

const chips = chipTypes().map(loadChip);

describe("automatic calibration of pictures like photographs", () => {
  it.each([
    ["a lens that bends lines, four labels in view", 1028],
    ["faint bands through a JPEG, a scratch", 8105],
    ["dark labels, a lens, a blot over a grating", 8101],
    ["faint long gratings at the edge of the picture, a tilt", 8212],
    ["narrow gaps closed by blur", 90017],
  ])("finds the chip to a pixel: %s", async (_, seed) => {
    const shot = await photograph(seed);
    const search = locateChip(shot.picture, chips, new LabelPatterns());
    if ("doubt" in search) throw new Error(`${shot.description}: ${search.doubt.reason}`);
    expect(search.found.chip.type).toBe(shot.chip.type);
    expect(cornerError(shot, search.found.pose), shot.description).toBeLessThan(1);
  });

  it("refuses where too little is seen to know every grating to a pixel", async () => {
    const shot = await photograph(91010);
    const search = locateChip(shot.picture, chips, new LabelPatterns());
    if (!("doubt" in search)) throw new Error(`${shot.description}: accepted`);
    expect(search.doubt.reason).toMatch(/too little of the .* is visible/);
    expect(search.doubt.lattice?.chipType).toBe(shot.chip.type);
  });

  it("takes a scratch out and leaves short bands in", () => {
    const [width, height] = [200, 150];
    const values = new Float32Array(width * height).fill(50);
    for (let y = 40; y < 60; y++) values.fill(120, y * width + 30, y * width + 34);
    for (let x = 0; x < width; x++) values.fill(255, 100 * width + x, 100 * width + x + 1);
    const clean = withoutScratches({ values, width, height, factor: 1, left: 0, top: 0 }).values;
    expect(clean[100 * width + 77]).toBe(50);
    expect(clean[50 * width + 32]).toBe(120);
  });
});

describe("label pictures of an existing installation", () => {
  it("stand in for the drawn labels", async () => {
    const directory = mkdtempSync(join(tmpdir(), "phorest-labels-"));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const chip = loadChip("IMECII_2");
    mkdirSync(join(directory, chip.type));
    const drawn = new LabelPatterns();
    for (const label of chip.labels.filter(({ text }) => text !== "")) {
      // The glyph upright, bright on dark, without the border of the search's own template.
      const { values, width, height } = drawn.of(label, 1);
      const pixels = Uint8Array.from(values, (value) => Math.round(255 * value));
      const [w, h] = [Math.round(label.width), Math.round(label.height)];
      const box = { left: Math.floor((width - w) / 2), top: Math.floor((height - h) / 2), width: w, height: h };
      await sharp(pixels, { raw: { width, height, channels: 1 } })
        .extract(box)
        .flip()
        .png()
        .toFile(join(directory, chip.type, `${label.label.replace("-", "_")}.png`));
    }
    const pictures = await readLabelPictures(directory, chip);
    expect(pictures.has("D-Left")).toBe(true);
    const picture = createSimulator().render(0, 0);
    const [theirs, ours] = [new LabelPatterns(pictures), drawn].map((patterns) =>
      locateChip(picture, [chip], patterns),
    );
    if (theirs === undefined || ours === undefined || "doubt" in theirs || "doubt" in ours) throw new Error("refused");
    expect(theirs.found.pose.x).toBeCloseTo(ours.found.pose.x, 0);
    expect(theirs.found.pose.pxPerUm).toBeCloseTo(ours.found.pose.pxPerUm, 4);
  });
});
