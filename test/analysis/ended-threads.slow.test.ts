// A thread that is ended while it measures takes nothing else with it.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodePicture } from "../../src/image/encode.ts";
import { packageRoot } from "../../src/system/files.ts";

const CHILD = fileURLToPath(new URL("children/ended-threads.mjs", import.meta.url));
const THREADS = 10;
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "phorest-threads-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("threads end during a call of the kernel, and the process continues", async () => {
  const [width, height] = [1920, 1460];
  const pixels = Uint8Array.from({ length: width * height }, (_, at) => (at * at) >> 5);
  const picture = join(directory, "picture.png");
  writeFileSync(picture, await encodePicture({ pixels, width, height, bitDepth: 8 }, "png"));
  const kernel = join(packageRoot(), "build", "Release", "phorest_kernel.node");
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [CHILD, kernel, picture, String(THREADS)], {
    encoding: "utf8",
  });
  expect({ status, signal, stdout, stderr }).toEqual({ status: 0, signal: null, stdout: "ended all", stderr: "" });
});
