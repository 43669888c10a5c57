import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CapturedFrame } from "../../src/cameras/frame.ts";
import { listRpicams } from "../../src/cameras/rpicam.ts";
import type { Config } from "../../src/config/schema.ts";
import { sourceOf } from "../support/source-of.ts";
import { FakeMachine } from "./fakes/machine.ts";

const signal = new AbortController().signal;
const NOTHING = { processes: [], files: [] };
let machine: FakeMachine | undefined;

function install(...programs: string[]): FakeMachine {
  machine?.close();
  machine = new FakeMachine(programs);
  return machine;
}
beforeEach(() => install("rpicam-still"));
afterEach(() => machine?.close());

async function take(options: Partial<Config["Camera"]> = {}): Promise<CapturedFrame> {
  const source = sourceOf({ camera: { camera_type: "rpicam", timeout_seconds: 120, ...options } });
  try {
    await source.open();
    const frame = await source.capture(signal);
    if (frame === null) throw new Error("no frame");
    return frame;
  } finally {
    await source.close();
  }
}

describe("the rpicam camera", () => {
  it("takes the uncompressed luma at the sensor's size, with the driver's metadata and diagnostics beside it", async () => {
    const frame = await take({ camera_exposure: 7000, camera_gain: 2 });
    expect([frame.picture?.width, frame.picture?.height]).toEqual([64, 48]);
    expect(frame.picture?.pixels[64 * 5 + 3]).toBe(8);
    expect(frame.settings).toMatchObject({
      program: "rpicam-still",
      ExposureTime: 7000,
      AnalogueGain: 2,
      FocusFoM: 1200,
    });
    expect(frame.settings.diagnostics).toContain("configuring streams");
    expect(frame.warnings).toEqual(["ERROR IPARPI no tuning for this lens"]);
    expect(await machine?.leftovers()).toEqual(NOTHING);
  });

  it("warns with both values where exposure or gain differ by more than the sensor's steps", async () => {
    const warnings = (await take({ camera_exposure: 10_000, camera_gain: 40 })).warnings;
    expect(warnings[0]).toBe("gain: requested 40, the camera uses 16");
    machine?.set("FAKE_FAULT", "refusing");
    expect((await take({ camera_exposure: 5000 })).warnings[0]).toBe(
      "shutter: requested 5000 µs, the camera exposed 66666 µs",
    );
  });

  it("warns where the program would bring brightness or contrast into its range without a word", async () => {
    expect((await take({ camera_brightness: 50, camera_contrast: 1 })).warnings[0]).toBe(
      "brightness: requested 50, the camera uses 1",
    );
  });

  it("asks the hawkeye preset's 64 megapixels upside down", async () => {
    machine?.set("FAKE_FAULT", "resolution");
    await expect(take({ camera_type: "hawkeye" })).rejects.toThrow(/but a 9152x6944 YU12 frame has 95327232/);
  });

  it("falls back to libcamera-still, then to rpicam-jpeg, whose loss it says", async () => {
    install("libcamera-still", "rpicam-jpeg");
    expect((await take()).settings.program).toBe("libcamera-still");
    const bytes = await install("rpicam-jpeg").putJpeg();
    const { encoded, warnings } = await take();
    expect(Buffer.from(encoded?.bytes ?? []).equals(bytes)).toBe(true);
    expect(warnings.join()).toContain("can only write JPEG");
  });
});

describe("an rpicam camera in trouble", () => {
  it.each([
    ["failing", /exited with code 1: VIDIOC_STREAMON/],
    ["signal", /was killed by SIGSEGV/],
    ["half", /2304 bytes, but a 64x48 YU12 frame has 4608/],
    ["resolution", /1152 bytes, but a 64x48 YU12 frame has 4608/],
  ])("%s: the reason in one line, no process and no file left", async (fault, message) => {
    machine?.set("FAKE_FAULT", fault);
    await expect(take()).rejects.toMatchObject({ code: "camera.failed", message: expect.stringMatching(message) });
    expect(await machine?.leftovers()).toEqual(NOTHING);
  });

  it("half a JPEG of rpicam-jpeg is no picture", async () => {
    await install("rpicam-jpeg").putJpeg();
    machine?.set("FAKE_FAULT", "half");
    await expect(take()).rejects.toMatchObject({ code: "camera.failed", retry: "later" });
    expect(await machine?.leftovers()).toEqual(NOTHING);
  });

  it("hanging: killed with its child and reaped when the time is over", async () => {
    machine?.set("FAKE_FAULT", "hanging");
    await expect(take({ timeout_seconds: 1.5 })).rejects.toMatchObject({ code: "camera.timeout" });
    expect(await machine?.leftovers()).toEqual(NOTHING);
  });

  it("a program that cannot even look for cameras says why, also among the cameras found", async () => {
    machine?.set("FAKE_FAULT", "broken");
    const why = /rpicam-still --list-cameras exited with code 127: .*libcamera\.so\.0\.3: cannot open/;
    await expect(take()).rejects.toMatchObject({ code: "camera.unavailable", message: expect.stringMatching(why) });
    const [found, ...others] = await listRpicams();
    expect([others, found?.name]).toEqual([[], "rpicam-still"]);
    expect(found?.details.join()).toMatch(why);
  });

  it("no sensor, and no program, are told apart", async () => {
    machine?.set("FAKE_FAULT", "unplugged");
    await expect(take()).rejects.toThrow("rpicam-still does not find camera 0; it finds none");
    install();
    await expect(take()).rejects.toThrow(/neither rpicam-still nor libcamera-still is installed/);
  });
});
