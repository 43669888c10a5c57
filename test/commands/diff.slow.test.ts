import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { command } from "../run/commands.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { TIME_TO_STOP } from "../support/time-to-stop.ts";

const INTERVAL_S = 10;
/** px per frame to the right; down half of it. */
const STEP_PX = 0.7;

let root = "";
let images: string[] = [];

/** Three images of a chip that moves, and an experiment of them. */
beforeAll(async () => {
  root = temporaryDirectory();
  const drift = (STEP_PX / INTERVAL_S) * 3600;
  const words = ["simulate", "sim", "--frames", "3", "--size", "960x730", "--interval", String(INTERVAL_S)];
  const simulated = await command([...words, "--drift", `${drift},${drift / 2}`], root);
  expect(simulated.code, simulated.stderr).toBe(0);
  images = readdirSync(join(root, "sim")).filter((name) => name.endsWith(".png"));
  mkdirSync(join(root, "data"));
  mkdirSync(join(root, "generated_files"));
  for (const name of images) copyFileSync(join(root, "sim", name), join(root, "data", name));
  copyFileSync(join(root, "sim/ROI_manifest.json"), join(root, "generated_files/ROI_manifest.json"));
  writeFileSync(
    join(root, "config.toml"),
    `[Camera]\ncamera_type = "file_importer"\n[Services]\nenable_camera = true\n[Web]\nenabled = false\n[Report]\nplot = false\n${TIME_TO_STOP}`,
  );
  const run = await command(["run", "--until-idle"], root);
  expect(run.code, run.stderr).toBe(0);
});

interface Answer {
  readonly dx_px: number;
  readonly dy_px: number;
  readonly error_px: number;
  readonly moved: boolean;
}

test.each([
  ["frames of the experiment", () => ["1", "last"]],
  ["files", () => [`sim/${images[0]}`, `sim/${images[2]}`]],
])("the movement between two %s is that of the simulated chip", async (_name, named) => {
  const { code, stdout, stderr } = await command(["diff", ...named(), "--json", "--out", "moved.png"], root);
  expect(code, stderr).toBe(0);
  const { dx_px, dy_px, error_px, moved } = JSON.parse(stdout) as Answer;
  expect(moved).toBe(true);
  expect(Math.abs(dx_px - 2 * STEP_PX)).toBeLessThan(4 * error_px);
  expect(Math.abs(dy_px - STEP_PX)).toBeLessThan(4 * error_px);
  expect(error_px).toBeLessThan(0.1);
  expect(readFileSync(join(root, "moved.png")).subarray(1, 4).toString()).toBe("PNG");
});

test("an image has not moved against itself; ROIs are outlined", async () => {
  const words = ["diff", "first", "1", "--out", "same.svg", "--rois", "sim/ROI_manifest.json"];
  const { code, stdout, stderr } = await command(words, root);
  expect(code, stderr).toBe(0);
  expect(stdout).toContain("not moved: dx 0.000 ± ");
  expect(readFileSync(join(root, "same.svg"), "utf8")).toContain("red where B is brighter");
});

test("what cannot be compared is one line and exit code 2", async () => {
  await command(["simulate", "small", "--frames", "1", "--size", "480x365"], root);
  await command(["simulate", "deep", "--frames", "1", "--size", "960x730", "--bits", "16"], root);
  const only = (directory: string) => readdirSync(join(root, directory)).find((name) => name.endsWith(".png"));
  const file = `sim/${images[0]}`;
  for (const [words, line] of [
    [[file, "nowhere.png"], "nowhere.png: no such file"],
    [["1", "99"], "the experiment has no image of frame 99 (it has frames 1 to 3)"],
    [[file, `small/${only("small")}`], "the images differ in size: 960 × 730 px and 480 × 365 px"],
    [[file, `deep/${only("deep")}`], "the images differ in depth: 8 and 16 bits"],
    [[file, `${file}#0`], "pages are counted from 1"],
    [["1", "2", "--out", "x.jpg"], "--out x.jpg: the name must end with .png or .svg"],
    [["1", "2", "--rois", "r.json"], "--rois needs --out"],
  ] as const) {
    const { code, stderr } = await command(["diff", ...words], root);
    expect([code, stderr.trim().split("\n").length], `${words.join(" ")}: ${stderr}`).toEqual([2, 1]);
    expect(stderr).toContain(line);
  }
});
