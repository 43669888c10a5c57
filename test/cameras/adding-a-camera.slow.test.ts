// docs/adding-a-camera.md, built into a copy of the program.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, expect, test } from "vitest";
import { type createSource, sourceSettings } from "../../src/cameras/camera.ts";
import type { CameraType } from "../../src/config/camera-section.ts";
import { loadConfig } from "../../src/config/config.ts";
import { encodePicture } from "../../src/image/encode.ts";
import { ExamplePage } from "../support/example-page.ts";

const FILE = "src/cameras/http-camera.ts";
const page = new ExamplePage("docs/adding-a-camera.md");
page.add(FILE);
page.addRow("src/config/camera-section.ts", "export const CAMERA_TYPES", '  "http",\n');
page.addRow("src/config/camera-section.ts", "export const CAMERA_FACTS", page.code("row of CAMERA_FACTS"));
page.addRow("src/cameras/camera.ts", "const CAMERAS", page.code("row of CAMERAS"));
page.addImport("src/cameras/camera.ts", 'import { HttpCamera } from "./http-camera.ts";');
afterAll(() => page.remove());

test("the page's source has fewer than 60 lines and builds in the program with the page's line", () => {
  const { length } = page.code(`file: ${FILE}`).trim().split("\n");
  expect(length).toBeGreaterThan(30);
  expect(length).toBeLessThan(60);
  const { status, stdout } = page.typesOf("src/cameras/camera.ts");
  expect([status, stdout]).toEqual([0, ""]);
});

test("the page's source takes a picture, and refuses half of one", async () => {
  const whole = await encodePicture({ pixels: new Uint8Array(64).fill(7), width: 8, height: 8, bitDepth: 8 }, "png");
  let answer: Uint8Array = whole;
  const server = createServer((_request, response) => response.end(answer)).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const device = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  try {
    const registry = await page.load<{ createSource: typeof createSource }>("src/cameras/camera.ts");
    const usual = sourceSettings(loadConfig(undefined).config);
    // The type exists only in the copy of the program.
    const chosen = { camera_type: "http" as CameraType, device };
    const camera = registry.createSource({ ...usual, camera: { ...usual.camera, ...chosen } });
    await camera.open();
    const frame = await camera.capture(AbortSignal.timeout(120_000));
    expect(frame?.encoded?.picture.pixels[0]).toBe(7);
    answer = whole.subarray(0, whole.length >> 1);
    await expect(camera.capture(AbortSignal.timeout(120_000))).rejects.toMatchObject({ code: "camera.failed" });
    server.close();
    server.closeAllConnections();
    await expect(camera.capture(AbortSignal.timeout(120_000))).rejects.toMatchObject({
      code: "camera.unavailable",
      message: expect.not.stringContaining("fetch failed"),
    });
    await camera.close();
  } finally {
    server.close();
  }
});
