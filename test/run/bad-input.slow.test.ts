import { spawnSync } from "node:child_process";
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { packageRoot } from "../../src/system/files.ts";
import { experiment, phorest, QUICK_CONFIG } from "./program.ts";

/** The program's last word: one line on standard error. */
async function refusal(directory: string, args: readonly string[]): Promise<string> {
  const { code, stderr, stdout } = await phorest(args, directory);
  expect(code, stderr).toBe(2);
  expect(stdout).toBe("");
  const lines = stderr.trim().split("\n");
  expect(lines, stderr).toHaveLength(1);
  return lines[0] ?? "";
}

describe("a configuration that cannot be meant", () => {
  test.each([
    [
      "an unknown key",
      "[Timing]\ncolector_interval_seconds = 3\n",
      ["colector_interval_seconds", "collector_interval_seconds"],
    ],
    ["a wrong type", '[Buffer]\nimage_buffer_size = "many"\n', ["image_buffer_size", "many"]],
    ["a negative interval", "[Timing]\ncollector_interval_seconds = -1\n", ["collector_interval_seconds", "-1"]],
    ["a misspelt method", '[Data_Analysis]\nmethod = "gausian"\n', ["gausian", "gaussian"]],
    ["broken TOML", "[Timing\n", ["config.toml"]],
  ])("%s is one line that names it, exit 2, nothing started", async (_, config, words) => {
    const directory = experiment(config);
    const line = await refusal(directory, ["run", "--frames", "1"]);
    for (const word of words) expect(line).toContain(word);
    expect(line).toContain("config.toml");
  });

  test("a missing ROI manifest is named before anything is captured", async () => {
    const directory = experiment(
      '[Camera]\ncamera_type = "folder"\nwatch_dir = "in"\n[Services]\nenable_camera = true\n',
    );
    mkdirSync(join(directory, "in"));
    expect(await refusal(directory, ["run", "--frames", "1"])).toContain("ROI_manifest.json");
  });

  test("--config naming no file says so", async () => {
    expect(await refusal(experiment(), ["run", "--config", "nowhere.toml"])).toContain("nowhere.toml");
  });

  test("an unwritable directory is named", async () => {
    const directory = experiment(QUICK_CONFIG);
    writeFileSync(join(directory, "data"), "a file where the directory should be");
    expect(await refusal(directory, ["run", "--frames", "1"])).toContain("data");
    chmodSync(join(directory, "data"), 0o600);
  });

  test.each([
    [["run", "--frames", "0"], "--frames"],
    [["run", "--frames", "two"], "--frames"],
    [["run", "--duration", "-3"], "--duration"],
    [["rnu"], "phorest --help"],
    [["run", "--frmaes", "2"], "frmaes"],
  ])("%j is wrong usage", async (args, word) => {
    expect(await refusal(experiment(), args)).toContain(word);
  });
});

describe("ROI manifests that cannot be used", () => {
  const roi = { label: "1A_N", flip: true, coords: [10, 10], size: [20, 40] };
  test.each([
    ["not JSON", "{", "JSON"],
    ["no ROI at all", '{"image_angle": 0}', "ROI"],
    ["an ROI of zero size", JSON.stringify({ image_angle: 0, ROI_a: { ...roi, size: [0, 40] } }), "size"],
    ["a duplicate label", JSON.stringify({ image_angle: 0, ROI_a: roi, ROI_b: roi }), "1A_N"],
  ])("%s: one line, exit 2", async (_, text, word) => {
    const directory = experiment(QUICK_CONFIG);
    mkdirSync(join(directory, "generated_files"));
    writeFileSync(join(directory, "generated_files", "ROI_manifest.json"), text);
    expect(await refusal(directory, ["run", "--frames", "1"])).toContain(word);
  });
});

test("bad pictures fail one by one with their reason; the good ones between them are measured", async () => {
  const directory = experiment(`
[Services]
enable_camera = true
[Camera]
camera_type = "file_importer"
[Timing]
communicator_interval_seconds = 0.1
`);
  const data = join(directory, "data");
  mkdirSync(data);
  mkdirSync(join(directory, "generated_files"));
  const rois = { image_angle: 0, ROI_a: { label: "a", flip: false, coords: [8, 16], size: [20, 181] } };
  writeFileSync(join(directory, "generated_files", "ROI_manifest.json"), JSON.stringify(rois));
  const line = (x: number) => 100 + 90 * Math.exp(-((x - 100) ** 2) / (2 * 20 ** 2));
  const pixels = (width: number, height: number, value: (x: number) => number) =>
    Uint8Array.from({ length: width * height }, (_, i) => value(i % width) + ((i * 7919) % 5) - 2);
  const raw = { width: 220, height: 60, channels: 1 as const };
  const good = await sharp(
    pixels(220, 60, (x) => line(x - 16)),
    { raw },
  )
    .png()
    .toBuffer();
  const colour = await sharp(good).toColourspace("srgb").ensureAlpha(0.5).png().toBuffer();
  const black = await sharp(new Uint8Array(220 * 60), { raw })
    .png()
    .toBuffer();
  const white = await sharp(new Uint8Array(220 * 60).fill(255), { raw })
    .png()
    .toBuffer();
  const dot = await sharp(Uint8Array.of(7), { raw: { width: 1, height: 1, channels: 1 } })
    .png()
    .toBuffer();
  const pictures: [string, Uint8Array, "processed" | "failed"][] = [
    ["01 good with spaces é.png", good, "processed"],
    ["02_zero.png", new Uint8Array(), "failed"],
    ["03_truncated.png", good.subarray(0, good.length / 2), "failed"],
    ["04_text.png", Buffer.from("this is not a picture"), "failed"],
    ["05_dot.png", dot, "failed"],
    ["06_black.png", black, "processed"],
    ["07_white.png", white, "processed"],
    ["08_colour_alpha.png", colour, "processed"],
    ["09_good.png", good, "processed"],
  ];
  for (const [name, bytes] of pictures) writeFileSync(join(data, name), bytes);

  const { code, stderr } = await phorest(["run", "--until-idle"], directory);
  expect(code, stderr).toBe(3);
  const db = new Database(join(data, "phorest.sqlite"), { readonly: true });
  const rows = db
    .prepare<[], { filename: string; status: string; error: string | null }>(
      "SELECT filename, status, error FROM entry ORDER BY filename",
    )
    .all();
  const flagged = db
    .prepare<[], { filename: string }>(
      "SELECT filename FROM entry JOIN result ON entry.id = entry_id WHERE flags != 0 ORDER BY filename",
    )
    .all();
  db.close();
  expect(rows.map(({ filename, status }) => [filename, status])).toEqual(
    pictures.map(([name, , status]) => [name, status]),
  );
  for (const { filename, error } of rows.filter((row) => row.status === "failed")) {
    expect(error?.split("\n"), filename).toHaveLength(1);
    expect(error, filename).toMatch(
      filename.includes("dot") ? /ROI a is partly outside the image of 1 x 1/ : new RegExp(filename),
    );
  }
  expect(flagged.map((row) => row.filename)).toEqual(["06_black.png", "07_white.png"]);
  const csv = readFileSync(join(directory, "results", "communicating_results.csv"), "utf8")
    .trim()
    .split("\n");
  expect(csv).toHaveLength(1 + 5);
});

test.skipIf(!existsSync("/dev/full"))("output that its disk has no room for: one line, exit 1", () => {
  const full = openSync("/dev/full", "w");
  const words = [join(packageRoot(), "bin/phorest.js"), "config", "docs"];
  const { status, stderr } = spawnSync(process.execPath, words, { stdio: ["ignore", full, "pipe"], encoding: "utf8" });
  closeSync(full);
  expect([status, stderr.trim().split("\n")]).toEqual([1, [expect.stringContaining("no space left")]]);
});
