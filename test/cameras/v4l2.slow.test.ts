import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CapturedFrame, Source } from "../../src/cameras/frame.ts";
import { parseFormats } from "../../src/cameras/v4l2-ctl.ts";
import type { Config } from "../../src/config/schema.ts";
import { sourceOf } from "../support/source-of.ts";
import { FakeMachine } from "./fakes/machine.ts";

const signal = new AbortController().signal;
const NOTHING = { processes: [], files: [] };
let machine: FakeMachine;
let source: Source | undefined;

beforeEach(() => {
  machine = new FakeMachine(["v4l2-ctl"]);
});
afterEach(async () => {
  await source?.close();
  machine.close();
});

async function take(options: Partial<Config["Camera"]> = {}): Promise<CapturedFrame> {
  source = sourceOf({
    camera: { camera_type: "v4l2", device: "./video0", timeout_seconds: 120, warm_up_frames: 2, ...options },
  });
  await source.open();
  const frame = await source.capture(signal);
  if (frame === null) throw new Error("no frame");
  return frame;
}

describe("the v4l2 camera", () => {
  it("takes a GREY frame exactly, with the settings read back and exposure made manual first", async () => {
    const frame = await take({ camera_exposure: 250, camera_gain: 100 });
    const { picture } = frame;
    expect([picture?.width, picture?.height, picture?.bitDepth]).toEqual([640, 480, 8]);
    expect(picture?.pixels[3 * 640 + 10]).toBe(13);
    expect(machine.controls()).toMatchObject({ auto_exposure: 1, exposure_time_absolute: 250, gain: 100 });
    expect(frame.settings).toMatchObject({
      pixel_format: "GREY",
      resolution: "640x480",
      auto_exposure: 1,
      exposure_time_absolute: 250,
      gain: 100,
      brightness: 16,
    });
    expect(frame.warnings).toEqual([]);
    expect(frame.exposedAtMs).toBeGreaterThan(0);
    expect(await machine.leftovers()).toEqual(NOTHING);
  });

  it("enforces manual exposure under the names of older kernels", async () => {
    machine.set("FAKE_OLD_KERNEL", "1");
    await take({ camera_exposure: 99 });
    expect(machine.controls()).toMatchObject({ exposure_auto: 1, exposure_absolute: 99 });
  });

  it.each([
    ["Y10", 10],
    ["Y12", 12],
    ["Y16", 16],
  ])("stores %s without loss: the sensor's counts come back by a shift, white is white", async (code, bits) => {
    machine.set("FAKE_FORMATS", `GREY,${code}`);
    const { picture, sensorBits } = await take();
    expect([picture?.bitDepth, sensorBits]).toEqual([16, bits]);
    const counts = Array.from(picture?.pixels ?? [], (value) => value >> (16 - bits));
    expect(counts.every((count, at) => count === ((at % 640) + Math.floor(at / 640)) % 2 ** bits)).toBe(true);
    if (bits === 10) expect(picture?.pixels[1023 - 479 + 479 * 640]).toBe(65535);
  });

  it("takes the gray of YUYV", async () => {
    machine.set("FAKE_FORMATS", "YUYV");
    const { picture } = await take({ camera_type: "logitech" });
    expect(picture?.pixels[640 + 7]).toBe(8);
  });

  it("keeps MJPEG byte for byte", async () => {
    machine.set("FAKE_FORMATS", "MJPG");
    const bytes = await machine.putJpeg();
    const { encoded } = await take();
    expect(Buffer.from(encoded?.bytes ?? []).equals(bytes)).toBe(true);
    expect([encoded?.extension, encoded?.picture.width]).toEqual(["jpg", 64]);
  });

  it("warns with both values where the camera has another value, refuses, or lacks the control", async () => {
    machine.set("FAKE_FAULT", "refusing");
    const frame = await take({ camera_exposure: 9000, camera_gain: 100, camera_contrast: 3, camera_brightness: -0.3 });
    expect(frame.warnings).toEqual([
      "the camera has no control for contrast, so the setting 3 has no effect",
      expect.stringMatching(/^the driver refused gain = 100: .*out of range/),
      "exposure_time_absolute: requested 9000, the camera uses 5000",
      "gain: requested 100, the camera uses 64",
      "brightness: requested -0.3, the camera uses 0",
    ]);
    expect(frame.picture).toBeDefined();
  });

  it("reads back what another program changed in the meantime, and sets it again", async () => {
    await take({ camera_gain: 100 });
    const other = sourceOf({ camera: { camera_type: "v4l2", device: "./video0", camera_gain: 7 } });
    await other.open();
    expect((await other.capture(signal))?.settings.gain).toBe(7);
    expect((await source?.capture(signal))?.settings.gain).toBe(100);
  });

  it("says what it can do without being opened", async () => {
    const [found] = await sourceOf({ camera: { camera_type: "v4l2", device: "./video0" } }).probe();
    expect(found?.description).toBe("DMK 33UX: fake");
    expect(found?.details).toContain("format GREY 640x480 320x240");
    expect(found?.details).toContain("gain: 0 to 480, step 1; now 64, default 64");
    expect(found?.toml).toContain('device = "./video0"');
  });
});

it("a format whose bytes come the other way round keeps its sizes to itself", () => {
  const size = (text: string) => `\t\tSize: Discrete ${text}\n`;
  const text = `\t[0]: 'GREY' (8-bit Greyscale)\n${size("640x480")}\t[1]: 'Y16 -BE' (16-bit BE)\n${size("1920x1080")}`;
  expect(parseFormats(text).map(({ code, sizes }) => [code, sizes.length])).toEqual([
    ["GREY", 1],
    ["Y16 -BE", 1],
  ]);
});

describe("a v4l2 camera in trouble", () => {
  it.each([
    ["failing", "camera.failed", /exited with code 1: VIDIOC_STREAMON returned -1/],
    ["signal", "camera.failed", /was killed by SIGSEGV/],
    ["half", "camera.failed", /153600 bytes, but a 640x480 GREY frame has 307200/],
    ["resolution", "camera.failed", /delivers 320x240 GREY, not 640x480 GREY/],
    ["starved", "camera.failed", /0 bytes, but .*; its last message was: VIDIOC_STREAMON returned -1 \(No space left/],
    ["flood", "camera.failed", /wrote more than 1 MB/],
  ])("%s: the reason in one line, no process and no file left", async (fault, code, message) => {
    machine.set("FAKE_FAULT", fault);
    await expect(take()).rejects.toMatchObject({ code, retry: "later", message: expect.stringMatching(message) });
    expect(await machine.leftovers()).toEqual(NOTHING);
  });

  it("hanging and deaf to SIGTERM: it and its child are killed and reaped when the time is over", async () => {
    machine.set("FAKE_FAULT", "hanging");
    await expect(take({ timeout_seconds: 1.5 })).rejects.toMatchObject({ code: "camera.timeout", retry: "later" });
    expect(await machine.leftovers()).toEqual(NOTHING);
  });

  it("a stop asked for in the middle of an exposure ends the program", async () => {
    machine.set("FAKE_FAULT", "hanging");
    source = sourceOf({ camera: { camera_type: "v4l2", device: "./video0", timeout_seconds: 120 } });
    await source.open();
    const abort = new AbortController();
    const capture = source.capture(abort.signal);
    const stopped = expect(capture).rejects.toThrow(/stopped together with the capture/);
    // If the capture fails before, that is said.
    await Promise.race([machine.started(), stopped]);
    abort.abort();
    await stopped;
    expect(await machine.leftovers()).toEqual(NOTHING);
  });

  it("unplugged: unavailable, and there again when it is back", async () => {
    await expect(take({ device: "/dev/phorest-no-such-camera" })).rejects.toMatchObject({ code: "camera.unavailable" });
    machine.set("FAKE_FAULT", "unplugged");
    await expect(take()).rejects.toThrow(/Cannot open device/);
    machine.set("FAKE_FAULT", "");
    expect((await take()).picture).toBeDefined();
  });

  it("v4l2-ctl not installed: says what to install", async () => {
    process.env.PATH = machine.directory;
    await expect(take()).rejects.toMatchObject({
      code: "camera.unavailable",
      hint: expect.stringContaining("v4l-utils"),
    });
  });
});
