// A camera that answers for ever with one picture: an alarm in the log, in `status` and in `health`, told once, over when the
// frames differ again. What it measures has no noise, and that is not a good number.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { command as phorest } from "./commands.ts";
import { experiment, start } from "./program.ts";

let simulated: string;
let pictures: string[];
beforeAll(async () => {
  simulated = mkdtempSync(join(tmpdir(), "phorest-frozen-"));
  const { code, stderr } = await phorest(["simulate", "sim", "--frames", "8", "--size", "640x480"], simulated);
  expect(code, stderr).toBe(0);
  pictures = readdirSync(join(simulated, "sim"))
    .filter((name) => name.endsWith(".png"))
    .sort();
});
afterAll(() => rmSync(simulated, { recursive: true, force: true }));

/** Writes the picture that `now` names, or each of several in turn, with a time stamp of its own in the file, as some cameras do. */
const CAMERA = `
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { crc32 } from "node:zlib";
const names = readFileSync("now", "utf8").split("\\n");
const count = existsSync("count") ? Number(readFileSync("count", "utf8")) : 0;
writeFileSync("count", String(count + 1));
const picture = readFileSync(names[count % names.length]);
const chunk = Buffer.from("tEXtCreation Time\\0" + process.hrtime.bigint());
const length = Buffer.alloc(4);
length.writeUInt32BE(chunk.length - 4);
const sum = Buffer.alloc(4);
sum.writeUInt32BE(crc32(chunk));
process.stdout.write(Buffer.concat([picture.subarray(0, 33), length, chunk, sum, picture.subarray(33)]));
`;

function withCamera(camera: string, more = ""): string {
  const directory = experiment(`
[Camera]
${camera}
[Services]
enable_camera = true
[Web]
enabled = false
[Report]
plot = false
[Timing]
collector_interval_seconds = 0.2
[Supervisor]
heartbeat_seconds = 0.2
${more}`);
  mkdirSync(join(directory, "generated_files"));
  copyFileSync(join(simulated, "sim/ROI_manifest.json"), join(directory, "generated_files/ROI_manifest.json"));
  writeFileSync(join(directory, "camera.mjs"), CAMERA);
  show(directory, pictures.slice(0, 1));
  return directory;
}

/** What the camera sees from now on: these pictures in turn. Written aside and renamed, because the camera may be reading. */
function show(directory: string, shown: readonly string[]): void {
  writeFileSync(join(directory, "next"), shown.map((name) => join(simulated, "sim", name)).join("\n"));
  renameSync(join(directory, "next"), join(directory, "now"));
}

const PROGRAM = `camera_type = "command"\ncommand = ["${process.execPath}", "camera.mjs"]`;
const linesWith = (text: string, part: string): string[] => text.split("\n").filter((line) => line.includes(part));

test.each([
  ["byte for byte", () => `camera_type = "command"\ncommand = ["cat", "${join(simulated, "sim", pictures[0] ?? "")}"]`],
  ["pixel for pixel, each file with a time stamp of its own", () => PROGRAM],
])("the same picture %s: log, status, health, and no noise of zero", async (_, camera) => {
  const directory = withCamera(camera());
  const run = await phorest(["run", "--frames", "8", "--until-idle"], directory);
  expect(run.code, run.stderr).toBe(0);
  expect(linesWith(run.stderr, "the camera is frozen"), run.stderr).toHaveLength(1);
  const status = await phorest(["status"], directory);
  expect(linesWith(status.stdout, "ALARM"), status.stdout).toEqual([
    expect.stringContaining("the last 8 frames show exactly the same image"),
  ]);
  const health = await phorest(["health"], directory);
  expect({ code: health.code, first: health.stdout.split("\n")[0] }).toEqual({ code: 1, first: "there are problems" });

  const table = (await phorest(["sensorgram", "--summary"], directory)).stdout;
  expect(table).not.toMatch(/ -?0\.0+( |$)/m);
  expect(table.trimEnd().split("\n").at(-1)).toContain("so noise and limit of detection are unknown");
  const rows = JSON.parse((await phorest(["sensorgram", "--summary", "--json"], directory)).stdout);
  expect(rows[0]).toMatchObject({ noise_px: null, detection_limit_px: null, drift_px_per_hour: null, repeats: true });
  expect((await phorest(["report"], directory)).code).toBe(0);
  const report = readFileSync(join(directory, "results/noise_and_drift.csv"), "utf8").split("\n");
  // No number, no error, and nothing against the baseline.
  expect(report[1]).toMatch(/,8,0,{11}$/);
});

test("it is told once, and is over when the frames differ again", async () => {
  const directory = withCamera(
    PROGRAM,
    '[Alarm]\ncommand = ["sh", "-c", "cat >> told.jsonl", "sh"]\ncheck_interval_seconds = 0.2\n',
  );
  const told = () => {
    const path = join(directory, "told.jsonl");
    const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
    return (
      lines
        .map((line): { event: string; key: string } => JSON.parse(line))
        // On a busy machine, frames that come late are an alarm of their own.
        .filter(({ key }) => key === "camera.frozen")
        .map(({ event, key }) => `${event} ${key}`)
    );
  };
  const { child, ended } = start(["run"], directory);
  const patience = { timeout: 120_000, interval: 100 };
  const AGAIN = "the camera delivers new images again";
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  try {
    await expect.poll(told, patience).toEqual(["alarm camera.frozen"]);
    show(directory, pictures);
    await expect.poll(told, patience).toEqual(["alarm camera.frozen", "recovery camera.frozen"]);
    await expect.poll(() => said, patience).toContain(AGAIN);
  } finally {
    child.kill("SIGINT");
  }
  const { stderr } = await ended;
  expect(linesWith(stderr, AGAIN)).toHaveLength(1);
});

test("sources whose pictures may repeat are no alarm, and 0 switches it off", async () => {
  const replayed = `camera_type = "dummy"\ndummy_path = "${join(simulated, "sim", pictures[0] ?? "")}"`;
  for (const directory of [withCamera(replayed), withCamera(PROGRAM, "[Alarm]\nfrozen_frames = 0\n")]) {
    const { code, stderr } = await phorest(["run", "--frames", "8", "--until-idle"], directory);
    expect(code, stderr).toBe(0);
    expect(stderr).not.toContain("frozen");
    expect((await phorest(["health"], directory)).code).toBe(0);
  }
});
