// An uploaded picture is decoded once: what is shown of it, and each search in it, comes from those pixels.
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { parseConfig } from "../../src/config/config.ts";
import { encodePicture } from "../../src/image/encode.ts";
import { createSimulator } from "../../src/simulator/simulator.ts";
import { CalibrationSession } from "../../src/web/calibration-session.ts";
import { grayPicture } from "../image/picture-writers.ts";
import { writeStack } from "../image/stack-writer.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const PATIENCE = { timeout: 100_000 } as const;

test("with the file gone after the upload, tiles are made and the chip is searched for, again and again", async () => {
  const root = temporaryDirectory();
  const { config } = parseConfig("", root);
  const calibrating = new CalibrationSession(config, () => undefined);
  onTestFinished(() => calibrating.close());
  const picture = await encodePicture(createSimulator({ width: 960, height: 730 }).render(0, 0), "png");
  await calibrating.takePicture({ name: "chip.png" }, Readable.from([picture]), picture.length);
  const directory = config.Assets.generated_files_dir;
  const files = readdirSync(directory).filter((name) => name.startsWith(".dropped-"));
  expect(files).toHaveLength(1);
  for (const name of files) rmSync(join(directory, name));
  const view = () => calibrating.view(undefined);
  await expect.poll(() => view().state, PATIENCE).toMatch(/^(found|doubt)$/);
  expect(await calibrating.tile(view().id, 0, 1, 1)).toBeInstanceOf(Uint8Array);
  const places = [
    { label: "052A", x: 100, y: 100, at: "middle" },
    { label: "060A", x: 800, y: 600, at: "middle" },
  ] as const;
  calibrating.searchAgain(view().id, places, undefined);
  expect(view().state).toBe("searching");
  await expect.poll(() => view().state, PATIENCE).toMatch(/^(found|doubt)$/);
});

test("of a file with several images the page that is asked for is taken, and the answer says which one of how many", async () => {
  const { config } = parseConfig("", temporaryDirectory());
  const calibrating = new CalibrationSession(config, () => undefined);
  onTestFinished(() => calibrating.close());
  const pages = [8, 16, 24].map((width) => grayPicture(width, 6, 8, width));
  const take = (bytes: Buffer, page?: number) =>
    calibrating.takePicture({ name: "stack.tif", page }, Readable.from([bytes]), bytes.length);
  const shown = () => {
    const { page, pages: count, picture } = calibrating.view(undefined);
    return [page, count, picture?.width];
  };
  const done = () => expect.poll(() => calibrating.view(undefined).state, PATIENCE).not.toBe("searching");
  expect(shown()).toEqual([0, 0, undefined]);
  await take(writeStack(pages));
  expect(shown()).toEqual([1, 3, 8]);
  await done();
  await take(gzipSync(writeStack(pages)), 3);
  expect(shown()).toEqual([3, 3, 24]);
  await done();
  await expect(take(writeStack(pages), 4)).rejects.toThrow("stack.tif: there is no page 4; the file has 3");
  await expect(take(writeStack(pages.slice(1, 2)), 2)).rejects.toThrow("stack.tif: there is no page 2; the file has 1");
  await take(writeStack(pages.slice(1, 2)));
  expect(shown()).toEqual([1, 1, 16]);
  await done();
});
