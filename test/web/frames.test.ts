import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { encodePicture } from "../../src/frame/encode.ts";
import { createSimulator } from "../../src/frame/simulator.ts";
import { Frames } from "../../src/web/frames.ts";
import { temporaryDirectory } from "../manifest/experiment.ts";

test("of a frame that has been replaced there is no tile, and it is told from one that never was", async () => {
  const filepath = temporaryDirectory();
  const picture = await encodePicture(createSimulator({ width: 320, height: 240 }).render(0, 0), "png");
  writeFileSync(join(filepath, "a.png"), picture);
  const frames = new Frames();
  const frame = { filename: "a.png", file: { directory: filepath, path: "a.png" }, capturedAtUs: 0 };
  await frames.load({ ...frame, entryId: 1 });
  expect(await frames.tile(1, 0, 0, 0)).toBeInstanceOf(Buffer);
  // A machine that is slow at it is given a rest between two pictures.
  await expect.poll(async () => (await frames.load({ ...frame, entryId: 2 })).entryId, { timeout: 30_000 }).toBe(2);
  expect([frames.tile(1, 0, 0, 0), frames.isPast(1)]).toEqual([undefined, true]);
  expect([frames.tile(3, 0, 0, 0), frames.isPast(3)]).toEqual([undefined, false]);
  expect(await frames.tile(2, 0, 0, 0)).toBeInstanceOf(Buffer);
});
