import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { createSource } from "../../src/cameras/camera.ts";
import { encodePicture } from "../../src/image/encode.ts";
import { packageRoot } from "../../src/system/files.ts";

const root = packageRoot();
const page = readFileSync(join(root, "docs/adding-a-camera.md"), "utf8");
const code = (marker: string) => page.split(`<!-- ${marker} -->\n\`\`\`ts\n`)[1]?.split("```")[0] ?? "";
const source = code("file: src/cameras/http-camera.ts");
let copy: string;

/** The program's tree with the page's file and line in it; all that is not changed is linked. */
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "phorest-adding-"));
  for (const name of ["package.json", "node_modules", "build", "native", "chips", "workers", "test", "bench"]) {
    symlinkSync(join(root, name), join(copy, name));
  }
  mkdirSync(join(copy, "src"));
  const changed = ["cameras", "config"];
  for (const name of readdirSync(join(root, "src"))) {
    if (!changed.includes(name)) symlinkSync(join(root, "src", name), join(copy, "src", name));
  }
  for (const room of changed) {
    mkdirSync(join(copy, "src", room));
    for (const name of readdirSync(join(root, "src", room))) {
      writeFileSync(join(copy, "src", room, name), edited(name, readFileSync(join(root, "src", room, name), "utf8")));
    }
  }
  writeFileSync(join(copy, "src/cameras/http-camera.ts"), source);
  const options = { extends: join(root, "tsconfig.json"), include: ["src/cameras/camera.ts"] };
  writeFileSync(join(copy, "tsconfig.json"), JSON.stringify(options));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

function edited(name: string, text: string): string {
  if (name === "camera-section.ts")
    return text.replace('  "command",\n] as const', '  "command",\n  "http",\n] as const');
  if (name !== "camera.ts") return text;
  return text
    .replace("};\n\n/** The source of a camera type", `${code("row of CAMERAS")}};\n\n/** The source of a camera type`)
    .replace("import { RpicamCamera }", 'import { HttpCamera } from "./http-camera.ts";\nimport { RpicamCamera }');
}

test("the page's source has fewer than 60 lines and builds in the program with the page's line", () => {
  expect(source.trim().split("\n").length).toBeGreaterThan(30);
  expect(source.trim().split("\n").length).toBeLessThan(60);
  const { status, stdout } = spawnSync(join(root, "node_modules/.bin/tsc"), ["--noEmit", "-p", copy], {
    encoding: "utf8",
  });
  expect([status, stdout]).toEqual([0, ""]);
});

test("the page's source takes a picture, and refuses half of one", async () => {
  const whole = await encodePicture({ pixels: new Uint8Array(64).fill(7), width: 8, height: 8, bitDepth: 8 }, "png");
  let answer: Uint8Array = whole;
  const server = createServer((_request, response) => response.end(answer)).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const device = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  try {
    const registry: { createSource: typeof createSource } = await import(
      pathToFileURL(join(copy, "src/cameras/camera.ts")).href
    );
    const camera = registry.createSource({ type: "http", device });
    await camera.open();
    const frame = await camera.capture(AbortSignal.timeout(5000));
    expect(frame?.encoded?.picture.pixels[0]).toBe(7);
    answer = whole.subarray(0, whole.length >> 1);
    await expect(camera.capture(AbortSignal.timeout(5000))).rejects.toMatchObject({ code: "camera.failed" });
    server.close();
    server.closeAllConnections();
    await expect(camera.capture(AbortSignal.timeout(5000))).rejects.toMatchObject({ code: "camera.unavailable" });
    await camera.close();
  } finally {
    server.close();
  }
});
