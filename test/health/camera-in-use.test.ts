import { expect, test } from "vitest";
import { parseConfig } from "../../src/config/config.ts";
import { cameraInUse, cameraLine } from "../../src/health/camera-in-use.ts";

const of = (camera: string, isEnabled: boolean) =>
  parseConfig(
    `[Camera]\ncamera_type = "${camera}"\nwatch_dir = "w"\n[Services]\nenable_camera = ${isEnabled}\n`,
    "/lab",
  );

test.each([
  ["v4l2", true, "v4l2"],
  ["v4l2", false, undefined],
  ["simulated", false, undefined],
  ["folder", true, "folder"],
  ["folder", false, "folder"],
  ["file_importer", false, "file_importer"],
])("%s, enabled: %s, is the camera %s: files need none", (camera, isEnabled, expected) => {
  const loaded = of(camera, isEnabled);
  expect(cameraInUse(loaded.config)?.type).toBe(expected);
  expect(cameraLine(loaded, false)).toContain(expected === undefined ? "camera: off" : `camera: ${expected}`);
});
