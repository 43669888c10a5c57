// The ring buffer of the real program: what it must never remove, and what must not stop it.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { experiment, phorest, QUICK_CONFIG, start } from "../run/program.ts";

const KEEP_3 = `${QUICK_CONFIG}[Buffer]\nimage_buffer_size = 3\n`;
const OUTSIDE = { image_angle: 0, ROI_A: { label: "A", flip: false, coords: [5000, 5000], size: [15, 37] } };

const pictures = (directory: string) =>
  readdirSync(join(directory, "data")).filter((name) => name.endsWith(".png")).length;

function rowsOf(directory: string, sql: string): unknown[] {
  const db = new Database(join(directory, "data", "phorest.sqlite"), { readonly: true });
  try {
    return db.prepare(sql).all();
  } finally {
    db.close();
  }
}

test("pictures that could not be measured because the ROI manifest does not fit are all kept", async () => {
  const directory = experiment(KEEP_3);
  mkdirSync(join(directory, "generated_files"));
  writeFileSync(join(directory, "generated_files", "ROI_manifest.json"), JSON.stringify(OUTSIDE));
  const { code, stderr } = await phorest(["run", "--frames", "12", "--until-idle"], directory);
  expect(code, stderr).toBe(3);
  expect(pictures(directory)).toBe(12);
  const kept = rowsOf(directory, "SELECT DISTINCT status, error_code, local FROM entry");
  expect(kept).toEqual([{ status: "failed", error_code: "rois.outside", local: 1 }]);
  const { stdout } = await phorest(["status"], directory);
  expect(stdout).toContain("12 failed");
});

test("a picture that cannot be removed is named, and the others are removed in its place", async () => {
  const directory = experiment(KEEP_3);
  expect((await phorest(["run", "--frames", "3", "--until-idle"], directory)).code).toBe(0);
  const stuck = join(
    directory,
    "data",
    readdirSync(join(directory, "data")).filter((name) => name.endsWith(".png"))[0] ?? "",
  );
  // As chattr +i does on disks: a file that something is mounted on cannot be removed.
  if (spawnSync("mount", ["--bind", stuck, stuck]).status !== 0) {
    process.stderr.write("ring buffer: mounting is not permitted here, this test is skipped\n");
    return;
  }
  onTestFinished(() => void execFileSync("umount", [stuck]));
  const { code, stderr } = await phorest(["run", "--frames", "20", "--until-idle"], directory);
  expect(code, stderr).toBe(0);
  expect(pictures(directory)).toBe(3);
  expect(stderr).toMatch(/cannot remove image_\S+\.png, set it aside: .*busy/);
  expect(stderr.match(/cannot remove .*, set it aside/g)).toHaveLength(1);
  expect(rowsOf(directory, "SELECT count(*) AS n FROM entry WHERE local = 1")).toEqual([{ n: 3 }]);
});

test("by default every picture is kept", async () => {
  const directory = experiment(QUICK_CONFIG);
  const { code, stderr } = await phorest(["run", "--frames", "20", "--until-idle"], directory);
  expect(code, stderr).toBe(0);
  expect(pictures(directory)).toBe(20);
});

test("when only pictures that must stay are left and the disk is full, capture pauses with an alarm", async () => {
  const directory = experiment();
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", directory]).status !== 0) {
    process.stderr.write("ring buffer: mounting is not permitted here, this test is skipped\n");
    return;
  }
  onTestFinished(() => void execFileSync("umount", ["-l", directory]));
  const settings = `${QUICK_CONFIG}heartbeat_seconds = 0.2\n[Storage]\nmin_free_bytes = 12_000_000\n`;
  writeFileSync(join(directory, "config.toml"), settings);
  mkdirSync(join(directory, "generated_files"));
  writeFileSync(join(directory, "generated_files", "ROI_manifest.json"), JSON.stringify(OUTSIDE));
  const { child, ended } = start(["run"], directory);
  let heard = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    heard += chunk.toString();
  });
  while (!heard.includes("capture pauses") && child.exitCode === null) await sleep(100);
  const { stdout } = await phorest(["status", "--json"], directory);
  child.kill("SIGINT");
  const { stderr } = await ended;
  const taken = stderr.match(/: captured in/g)?.length;
  expect(stderr).toContain("capture pauses");
  expect(pictures(directory)).toBe(taken);
  expect(JSON.parse(stdout).alarms.join()).toContain("capture pauses below 12 MB");
});
