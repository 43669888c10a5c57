// An imported experiment is measured by its own ROI manifest, and by nothing that phorest makes up.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { encodePicture } from "../../src/image/encode.ts";
import { formatRoiManifest } from "../../src/measurement/roi.ts";
import { createSimulator } from "../../src/simulator/simulator.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { command } from "./commands.ts";
import { experiment, phorest, QUICK_CONFIG } from "./program.ts";

const WITHOUT_CAMERA = `${QUICK_CONFIG}[Services]\nenable_camera = false\n`;
const PICTURE = "image_20250806_120000_000001_cam0.png";
const ROIS = "generated_files/ROI_manifest.json";

/** An experiment of the established system with a pending image, and its ROI manifest in `place`. */
async function established(place?: string): Promise<string> {
  const root = temporaryDirectory();
  mkdirSync(join(root, "data"));
  const simulator = createSimulator({ width: 640, height: 480 });
  writeFileSync(join(root, "data", PICTURE), await encodePicture(simulator.render(0, 0), "png"));
  const time = "2025-08-06T12:00:00.000001";
  const camera = { filename: PICTURE, filepath: "/home/pi/exp/data", timestamp_iso: time };
  const entry = { entry_timestamp_iso: time, camera_data: camera, processing_status: "pending" };
  writeFileSync(join(root, "data/metadata_manifest.json"), JSON.stringify([entry]));
  if (place === undefined) return root;
  const [roi] = simulator.roiManifest().rois;
  if (roi === undefined) throw new Error("the simulated chip has no ROI");
  mkdirSync(join(root, place), { recursive: true });
  const text = formatRoiManifest({ imageAngle: 0, rois: [{ ...roi, label: "MYCHIP_X" }] });
  writeFileSync(join(root, place, "ROI_manifest.json"), text);
  return root;
}

test.each(["", "data", "generated_files", "configs"])("the ROI manifest in its directory %j is used", async (place) => {
  const source = await established(place);
  const directory = experiment(WITHOUT_CAMERA);
  const imported = await command(["import", source], directory);
  expect(imported.code, imported.stderr).toBe(0);
  expect(imported.stdout).toContain(`copied ${join(source, place, "ROI_manifest.json")} to ${join(directory, ROIS)}`);
  const { code, stderr } = await phorest(["run", "--until-idle"], directory);
  expect(code, stderr).toBe(0);
  const csv = readFileSync(join(directory, "results/communicating_results.csv"), "utf8");
  expect(csv.trimEnd().split("\n").slice(1)).toEqual([expect.stringContaining("MYCHIP_X")]);
});

test("verify knows imported images: it records their hashes the first time, and finds a change the second time", async () => {
  const source = await established("data");
  const directory = experiment(WITHOUT_CAMERA);
  await command(["import", source], directory);
  const first = await command(["verify"], directory);
  expect([first.code, first.stdout]).toEqual([
    0,
    expect.stringContaining("everything is as recorded; recorded size and hash of 1 image for the first time"),
  ]);
  const second = await command(["verify"], directory);
  expect([second.code, second.stdout]).toEqual([0, expect.stringMatching(/everything is as recorded\n$/)]);
  const file = join(source, "data", PICTURE);
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1] = 255 - (bytes[bytes.length >> 1] ?? 0);
  writeFileSync(file, bytes);
  const third = await command(["verify"], directory);
  expect([third.code, third.stdout]).toEqual([
    3,
    expect.stringContaining("its content differs from the recorded hash"),
  ]);
});

test("an ROI manifest that is there stays, and the import says so", async () => {
  const source = await established("generated_files");
  const directory = experiment(WITHOUT_CAMERA);
  mkdirSync(join(directory, "generated_files"));
  writeFileSync(join(directory, ROIS), "mine");
  const { stdout } = await command(["import", source], directory);
  expect(stdout).toContain(`not copied, ${join(directory, ROIS)} exists and stays in use`);
  expect(readFileSync(join(directory, ROIS), "utf8")).toBe("mine");
});

test("an unusable ROI manifest is named and not copied", async () => {
  const source = await established("generated_files");
  const empty = { label: "001A_N", flip: false, coords: [0, 0], size: [0, 0] };
  writeFileSync(join(source, ROIS), JSON.stringify({ image_angle: 0, ROI_001A_N: empty }));
  const directory = experiment(WITHOUT_CAMERA);
  const { code, stdout } = await command(["import", source], directory);
  expect(code).toBe(0);
  expect(stdout).toMatch(/ROI manifests not usable, left out: 1 .*ROI_001A_N\.size/);
  expect(existsSync(join(directory, ROIS))).toBe(false);
});

test.each([
  ["camera off", WITHOUT_CAMERA],
  ["simulated camera asked for", QUICK_CONFIG],
])("without an ROI manifest a run with %s refuses and writes none", async (_name, config) => {
  const directory = experiment(config);
  const imported = await command(["import", await established()], directory);
  expect(imported.stdout).toContain("the experiment has no ROI manifest");
  const { code, stderr } = await phorest(["run", "--until-idle"], directory);
  expect(code).toBe(2);
  expect(stderr.trimEnd().split("\n").at(-1)).toMatch(/ROI_manifest\.json: the ROI manifest does not exist/);
  expect(existsSync(join(directory, ROIS))).toBe(false);
});

test("without a configured camera no simulated frame is added to an imported experiment", async () => {
  const directory = experiment();
  expect((await command(["import", await established("data")], directory)).code).toBe(0);
  // A directory of an earlier version may have the ROIs of the simulated chip already, or none.
  for (const keep of [true, false]) {
    if (!keep) rmSync(join(directory, ROIS));
    const { code, stdout, stderr } = await phorest(["run", "--until-idle"], directory);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr.trimEnd().split("\n")).toEqual([
      expect.stringMatching(/holds an imported experiment, and no camera is set.*enable_camera = false.*camera_type/),
    ]);
  }
  expect(readdirSync(join(directory, "data")).filter((name) => name.endsWith(".png"))).toEqual([]);
});

const SUMMARY = { Mean: 1, STD: 0, LQ: 1, Median: 88, UQ: 1, Max: 1, Min: 1, Smoothness: 0 };
const FIT = { amplitude: SUMMARY, mu: SUMMARY, sigma: SUMMARY, offset: SUMMARY, error: SUMMARY };

/** Adds a result of the image with ROIs of these labels. */
function addResult(root: string, labels: readonly string[]): void {
  const rois = labels.map((label) => ({ "ROI-label": label, "Analysis-method": "gaussian", ...FIT }));
  const record = {
    manifest_entry_timestamp: "2025-08-06T12:00:00.000001",
    image_filename: PICTURE,
    processing_timestamp_iso: "2025-08-06T12:00:05",
    processing_successful: true,
    processing_error_message: null,
    image_analysis: [{ brightness: 100, contrast: 50 }, ...rois],
    temperature_readings: null,
  };
  mkdirSync(join(root, "results"), { recursive: true });
  writeFileSync(join(root, "results/processing_results.jsonl"), `${JSON.stringify(record)}\n`);
}

test.each([
  ["its ROI manifest has their labels", "generated_files", ["MYCHIP_X"]],
  ["its ROI manifest has other labels", "generated_files", ["001A_N", "001A_S"]],
  ["it has no ROI manifest", undefined, ["001A_N"]],
])("a database with imported results is sound, and can be repaired and reported: %s", async (_name, place, labels) => {
  const source = await established(place);
  addResult(source, labels);
  const directory = experiment(WITHOUT_CAMERA);
  expect((await command(["import", source, "--adopt"], directory)).stdout).toContain("1 result imported");
  const sound = await command(["verify"], directory);
  expect([sound.code, sound.stderr]).toEqual([0, ""]);
  const file = join(directory, "data/phorest.sqlite");
  const labelsNow = () => new Database(file).prepare("SELECT label FROM roi ORDER BY roi").pluck().all();
  expect(labelsNow()).toEqual(labels);
  const db = new Database(file);
  db.pragma("foreign_keys = OFF");
  db.exec("DELETE FROM roi_manifest");
  db.close();
  const repaired = await command(["verify", "--repair"], directory);
  expect(repaired.stderr).not.toContain("cannot be read");
  const after = await command(["verify"], directory);
  expect([after.code, after.stderr]).toEqual([0, ""]);
  expect(labelsNow()).toEqual(labels);
  const report = await command(["report"], directory);
  expect(report.code, report.stderr).toBe(0);
});
