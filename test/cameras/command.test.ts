import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { storedPicture } from "../../src/cameras/picture-encoding.ts";
import type { Config } from "../../src/config/schema.ts";
import { encodePicture } from "../../src/image/encode.ts";
import { isThere } from "../support/needed.ts";
import { sourceOf } from "../support/source-of.ts";

const signal = new AbortController().signal;
const pixels = Uint8Array.from({ length: 12 }, (_, at) => at);
let directory: string;
let png: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "phorest-command-"));
  png = join(directory, "picture.png");
  writeFileSync(png, await encodePicture({ pixels, width: 4, height: 3, bitDepth: 8 }, "png"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function take(command: readonly string[], options: Partial<Config["Camera"]> = {}) {
  const source = sourceOf({
    camera: { camera_type: "command", command: [...command], timeout_seconds: 120, ...options },
  });
  await source.open();
  const frame = await source.capture(signal);
  if (frame === null) throw new Error("no frame");
  return frame;
}

describe("the command camera", () => {
  it("keeps an encoded picture byte for byte, and turns it where that is wanted", async () => {
    const frame = await take(["cat", png]);
    const as = { id: 0, format: "tiff" };
    expect((await storedPicture(frame, { ...as, transform: "NONE" })).extension).toBe("png");
    const turned = await storedPicture(frame, { ...as, transform: "ROTATE_180" });
    expect([turned.extension, turned.picture.pixels[0]]).toEqual(["tiff", 11]);
  });

  it("takes raw frames of a declared format", async () => {
    const raw = join(directory, "raw");
    writeFileSync(raw, Uint16Array.from([0, 4095, 1, 2]));
    const frame = await take(["cat", raw], { command_format: "Y12", width: 2, height: 2 });
    expect([...(frame.picture?.pixels ?? [])]).toEqual([0, 65535, 16, 32]);
    await expect(take(["cat", raw], { command_format: "Y12", width: 2, height: 3 })).rejects.toThrow(
      /8 bytes, but a 2x3 Y12 frame has 12/,
    );
  });

  it("refuses values of more bits than the format has instead of wrapping them", async () => {
    const raw = join(directory, "high");
    writeFileSync(raw, Uint16Array.from([4096]));
    await expect(take(["cat", raw], { command_format: "Y12", width: 1, height: 1 })).rejects.toThrow(
      "values of more than 12 bits",
    );
  });

  it("fills in settings, and says which is missing; no shell reads the arguments", async () => {
    const command = ["sh", "-c", 'cat "$2"; echo "$1" >&2', "x", "{exposure} $(id)", png];
    expect((await take(command, { camera_exposure: -0.3 })).settings.diagnostics).toBe("-0.3 $(id)");
    expect(() => sourceOf({ camera: { camera_type: "command", command } })).toThrow("Camera.command uses {exposure}");
    expect(() => sourceOf({ camera: { camera_type: "command" } })).toThrow("Camera.command is empty");
  });

  it("says which setting the command leaves unused", async () => {
    const { warnings } = await take(["cat", png], { camera_exposure: 5 });
    expect(warnings).toEqual(["Camera.command does not use {exposure}, so the setting 5 has no effect"]);
  });

  it("gives the program's last words where it ends well without a picture", async () => {
    await expect(take(["sh", "-c", "echo the shutter is stuck >&2"])).rejects.toMatchObject({
      code: "camera.failed",
      retry: "later",
      message: expect.stringMatching(/returned no image; its last message was: the shutter is stuck$/),
    });
  });

  it("takes nothing, half a picture, or words for a failure to be tried again", async () => {
    const failed = { code: "camera.failed", retry: "later" };
    await expect(take(["true"])).rejects.toMatchObject(failed);
    await expect(take(["head", "-c", "50", png])).rejects.toMatchObject(failed);
    await expect(take(["echo", "hello"])).rejects.toMatchObject(failed);
    await expect(take(["phorest-no-such-program"])).rejects.toMatchObject({ code: "camera.unavailable" });
  });

  it("waits for no daemon that the program left behind with its output", async () => {
    const pid = join(directory, "pid");
    const command = ["sh", "-c", 'setsid sleep 60 & echo $! > "$1"; cat "$2"', "x", pid, png];
    try {
      expect((await take(command)).encoded?.picture.pixels).toEqual(pixels);
    } finally {
      process.kill(Number(readFileSync(pid, "utf8")));
    }
  });
});

const ffmpeg = isThere("ffmpeg (apt-get install ffmpeg)", spawnSync("ffmpeg", ["-version"]).status === 0);
describe.skipIf(!ffmpeg)("ffmpeg's test source (skipped where ffmpeg is not installed)", () => {
  it("is a camera", async () => {
    const source = ["-f", "lavfi", "-i", "testsrc=size=320x240", "-frames:v", "1", "-pix_fmt", "gray"];
    const frame = await take(["ffmpeg", "-loglevel", "error", ...source, "-f", "image2pipe", "-c:v", "png", "-"]);
    expect(frame.encoded?.picture).toMatchObject({ width: 320, height: 240, bitDepth: 8 });
  });
});
