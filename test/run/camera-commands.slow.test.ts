// `phorest capture` and `phorest preview` as programs, with the fake v4l2 camera.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { decodePicture } from "../../src/image/decode.ts";
import { FakeMachine } from "../cameras/fakes/machine.ts";
import { command as phorest } from "./commands.ts";
import { experiment, start } from "./program.ts";

const CONFIG = `
[Camera]
camera_type = "v4l2"
device = "./video0"
warm_up_frames = 0
camera_gain = 50
timeout_seconds = 120
[Brightfield]
camera_gain = 7
`;

let machine: FakeMachine;
beforeEach(() => {
  machine = new FakeMachine(["v4l2-ctl"]);
});
afterEach(() => machine.close());

test("capture stores one picture beside the user, with settings read back and figures, and no frame of the experiment", async () => {
  const directory = experiment(CONFIG);
  const { code, stdout, stderr } = await phorest(["capture", "--json"], directory);
  expect([code, stderr]).toEqual([0, ""]);
  const said = JSON.parse(stdout);
  expect(said).toMatchObject({ width: 640, height: 480, bitDepth: 8, settings: { gain: 50 } });
  expect(said.focus).toBeGreaterThan(0);
  expect(basename(said.path)).toMatch(/^image_.*_cam0\.png$/);
  expect(readdirSync(directory).sort()).toEqual(["config.toml", basename(said.path)].sort());
  expect(await machine.leftovers()).toEqual({ processes: [], files: [basename(directory)] });
});

test("capture --out writes the format its ending names, --brightfield with that section's settings", async () => {
  const directory = experiment(CONFIG);
  const { stdout } = await phorest(["capture", "--brightfield", "--out", "a/b.tiff", "--json"], directory);
  expect(JSON.parse(stdout)).toMatchObject({ settings: { gain: 7 } });
  const picture = await decodePicture(join(directory, "a/b.tiff"));
  expect([picture.width, picture.height]).toEqual([640, 480]);
});

test.each([
  [["capture", "--out", "x.gif"], 2, /unknown image format/],
  [["preview", "--frames", "0"], 2, /--frames needs a whole number/],
  [["preview", "--interval", "-1"], 2, /--interval needs a number/],
])("%j is refused in one line", async (words, code, line) => {
  const ended = await phorest(words, experiment(CONFIG));
  expect(ended.code).toBe(code);
  expect(ended.stderr).toMatch(line);
  expect(ended.stderr.trim().split("\n")).toHaveLength(1);
});

test("a camera that is away, and a source that cannot be triggered, are said in one line with the cure", async () => {
  machine.set("FAKE_FAULT", "unplugged");
  const away = await phorest(["capture"], experiment(CONFIG));
  expect(away.code).not.toBe(0);
  expect(away.stderr).toMatch(/Cannot open device/);
  const folder = await phorest(["preview"], experiment('[Camera]\ncamera_type = "folder"\nwatch_dir = "in"\n'));
  expect([folder.code, folder.stderr]).toEqual([2, expect.stringContaining("cannot capture on demand")]);
});

test("preview rewrites one whole picture with rate, focus and saturation for each, and ends at Ctrl-C", async () => {
  const directory = experiment(CONFIG);
  const { child, ended } = start(["preview", "--json"], directory);
  const path = join(directory, "continuous_capture/continuous_capture_frame.jpg");
  let said = "";
  await new Promise<void>((resolve) => {
    child.stdout?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      // The picture of every line is whole whenever one looks.
      if (said.trim().split("\n").length >= 3) resolve();
    });
  });
  const picture = await decodePicture(path);
  expect([picture.width, picture.height]).toEqual([640, 480]);
  child.kill("SIGINT");
  expect(await ended).toMatchObject({ code: 0, signal: null });
  const lines = said
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines[2]).toMatchObject({ frame: 3, saturated: expect.any(Number) });
  expect(lines[2].framesPerSecond).toBeGreaterThan(0);
  // One picture, and no half of another beside it.
  expect(readdirSync(join(directory, "continuous_capture"))).toEqual([basename(path)]);
  expect(existsSync(join(directory, "data/phorest.sqlite"))).toBe(false);
  expect(await machine.leftovers()).toEqual({ processes: [], files: [basename(directory)] });
});

test("Ctrl-C in the middle of a hanging exposure ends capture and preview, and the camera's program with them", async () => {
  machine.set("FAKE_FAULT", "hanging");
  const directory = experiment(CONFIG);
  for (const [command, code] of [
    ["capture", 130],
    ["preview", 0],
  ] as const) {
    const { child, ended } = start([command], directory);
    await machine.started();
    child.kill("SIGINT");
    expect([command, (await ended).code]).toEqual([command, code]);
    expect(await machine.leftovers()).toEqual({ processes: [], files: [basename(directory)] });
    machine.forget();
  }
});

test("preview --out writes what its ending names, into a directory it makes; wrong ones are refused in one line", async () => {
  const directory = experiment(CONFIG);
  expect((await phorest(["preview", "--frames", "1", "--out", "new/a.bmp"], directory)).code).toBe(0);
  expect(readFileSync(join(directory, "new/a.bmp")).toString("latin1", 0, 2)).toBe("BM");
  for (const command of ["preview", "capture"]) {
    const ending = await phorest([command, "--out", "a.gif"], directory);
    expect([ending.code, ending.stderr]).toEqual([2, expect.stringContaining("unknown image format")]);
    const place = await phorest([command, "--out", "new"], directory);
    expect([place.code, place.stderr]).toEqual([2, expect.stringContaining("this is a directory")]);
  }
});
