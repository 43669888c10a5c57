// The container's health check: a shell script that looks at what a run writes of itself.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { formatRoiManifest } from "../../src/measurement/roi.ts";
import { packageRoot } from "../../src/system/files.ts";
import { experiment, QUICK_CONFIG, start } from "../run/program.ts";

const SCRIPT = join(packageRoot(), "scripts/container/healthy.sh");

/** A run writes its state every five seconds; a busy machine starts it slowly. */
const PATIENCE = { timeout: 240_000, interval: 200 };

function check(file: string) {
  const { status, stdout } = spawnSync("sh", [SCRIPT], {
    encoding: "utf8",
    env: { PATH: process.env.PATH, PHOREST_HEALTH_FILE: file },
  });
  return [status, stdout.trim()];
}

test("a run is healthy while it says so, and nothing but a run is", async () => {
  const directory = experiment(QUICK_CONFIG);
  const file = join(directory, "health");
  expect(check(file)).toEqual([1, expect.stringContaining("no sign of life")]);
  const { child, ended } = start(["run"], directory, { PHOREST_HEALTH_FILE: file });
  await expect.poll(() => check(file), PATIENCE).toEqual([0, "fine"]);
  expect(readFileSync(file, "utf8")).toBe("fine\n");
  child.kill("SIGTERM");
  const { code, stderr } = await ended;
  expect(code, stderr).toBe(0);
  expect(check(file)).toEqual([1, expect.stringContaining("no sign of life")]);
});

test("a run that something is wrong with says what, and is not healthy", async () => {
  const broken = QUICK_CONFIG.replace('"simulated"', '"command"\ncommand = ["false"]');
  const directory = experiment(`${broken}[Services]\nenable_camera = true\n[Retries]\ncollector_failure_limit = 1\n`);
  mkdirSync(join(directory, "generated_files"));
  const roi = { label: "052A", flip: false, x: 5, y: 5, width: 100, height: 30 };
  const manifest = formatRoiManifest({ imageAngle: 0, rois: [roi] });
  writeFileSync(join(directory, "generated_files/ROI_manifest.json"), manifest);
  const file = join(directory, "health");
  const { child, ended } = start(["run"], directory, { PHOREST_HEALTH_FILE: file });
  await expect.poll(() => check(file), PATIENCE).toEqual([1, expect.stringMatching(/^ill\n.*collector/)]);
  child.kill("SIGTERM");
  await ended;
});

test("a run that hangs is not healthy, and no state ends with 2", () => {
  const directory = experiment();
  const file = join(directory, "health");
  writeFileSync(file, "fine\n");
  expect(check(file)[0]).toBe(0);
  // Long ago; or to come, because the clock was set back in the meantime.
  for (const seconds of [-120, 3600]) {
    const time = Date.now() / 1000 + seconds;
    utimesSync(file, time, time);
    expect(check(file)[0], `${seconds} s`).toBe(1);
  }
  for (const content of ["", "ill\n", "\0", "fine? no"]) {
    writeFileSync(file, content);
    expect(check(file)[0], JSON.stringify(content)).toBeLessThan(2);
  }
  mkdirSync(join(directory, "a directory"));
  expect(check(join(directory, "a directory"))[0]).toBe(1);
});
