// What every source keeps, of whatever kind: the contract beside `Source` in frame.ts, one suite over the registry.
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { capabilitiesOf } from "../../src/cameras/camera.ts";
import type { CapturedFrame, Source } from "../../src/cameras/frame.ts";
import { CAMERA_TYPES, type CameraType } from "../../src/config/camera-section.ts";
import { encodePicture } from "../../src/image/encode.ts";
import { sourceOf, type TestCamera } from "../support/source-of.ts";
import { FakeMachine } from "./fakes/machine.ts";

const NOTHING = { processes: [], files: [] };
const never = new AbortController().signal;
let machine: FakeMachine;
let files: string;
let source: Source;

/** Settings with which each type gives a small image on this machine. */
const SET_UP: Readonly<Record<CameraType, () => Partial<TestCamera>>> = {
  simulated: () => ({ sections: { Simulation: { width: 640, height: 480 } } }),
  dummy: () => ({ camera: { dummy_path: join(files, "picture.png") } }),
  file_importer: () => ({ sections: { Paths: { data_dir: files } } }),
  folder: () => ({ camera: { watch_dir: files, folder_stable_seconds: 0 } }),
  v4l2: () => ({ camera: { device: "./video0" } }),
  tis: () => ({ camera: { device: "./video0", width: 640, height: 480 } }),
  argus: () => ({ camera: { device: "./video0" } }),
  logitech: () => ({ camera: { device: "./video0", pixel_format: "GREY" } }),
  rpicam: () => ({}),
  hawkeye: () => ({ camera: { width: 64, height: 48 } }),
  command: () => ({ camera: { command: ["cat", join(files, "picture.png")] } }),
};
/** Those that the fake programs take images for. */
const BY_PROGRAM = CAMERA_TYPES.filter((type) => capabilitiesOf(type).listed);

beforeEach(async () => {
  machine = new FakeMachine(["v4l2-ctl", "rpicam-still"]);
  files = join(machine.directory, "files");
  mkdirSync(files);
  const pixels = new Uint8Array(8 * 6).fill(90);
  const path = join(files, "picture.png");
  writeFileSync(path, await encodePicture({ pixels, width: 8, height: 6, bitDepth: 8 }, "png"));
  utimesSync(path, new Date("2026-01-01"), new Date("2026-01-01"));
});
afterEach(async () => {
  await source.close();
  machine.close();
});

function make(type: CameraType): Source {
  const { camera, ...further } = SET_UP[type]();
  source = sourceOf({ camera: { camera_type: type, timeout_seconds: 120, ...camera }, ...further });
  return source;
}

async function take(): Promise<CapturedFrame> {
  const frame = await source.capture(never);
  if (frame === null) throw new Error("no frame");
  return frame;
}

describe.each(CAMERA_TYPES)("the source %s", (type) => {
  test("says what it would use before it is opened, gives a frame, and leaves nothing behind", async () => {
    make(type);
    for (const { name, description } of await source.probe()) expect([name, description]).not.toContain("");
    await source.open();
    const frame = await take();
    const forms = [frame.picture, frame.encoded, frame.file].filter((form) => form !== undefined);
    expect(forms).toHaveLength(1);
    expect(Number.isSafeInteger(frame.capturedAtUs)).toBe(true);
    // Whoever took the picture itself knows its moment on both clocks.
    expect(frame.exposedAtMs === undefined).toBe(frame.file !== undefined);
    await source.close();
    await source.close();
    expect(await machine.leftovers()).toEqual(NOTHING);
  });

  test("works again after it was closed and opened anew, as after every failure", async () => {
    make(type);
    await source.open();
    const first = await take();
    await source.close();
    await source.open();
    // A file is never taken twice by one source; whatever takes pictures itself goes on, and later.
    const next = await source.capture(never);
    if (next !== null) expect(next.file !== undefined || next.capturedAtUs > first.capturedAtUs).toBe(true);
    else expect(first.file).toBeDefined();
  });

  test("is closed without having been opened", async () => {
    await make(type).close();
    expect(await machine.leftovers()).toEqual(NOTHING);
  });

  test("captures nothing once a stop was requested", async () => {
    make(type);
    await source.open();
    const outcome = await source.capture(AbortSignal.abort()).catch((error: unknown) => error);
    // Either it stops, or it had its picture at hand: it neither hangs nor leaves a program.
    if (BY_PROGRAM.includes(type)) expect(outcome).toBeInstanceOf(Error);
    expect(await machine.leftovers()).toEqual(NOTHING);
  });
});

test.each(BY_PROGRAM)("%s: a capture after close gives a picture or a failure, never a stuck program", async (type) => {
  make(type);
  await source.open();
  await source.close();
  await source.capture(never).catch((error: unknown) => expect(error).toMatchObject({ retry: "later" }));
  expect(await machine.leftovers()).toEqual(NOTHING);
});
