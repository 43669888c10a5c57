// An uploaded picture is decoded once: what is shown of it, and each search in it, comes from those pixels.
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { parseConfig } from "../../src/config/config.ts";
import { encodePicture } from "../../src/image/encode.ts";
import { createSimulator } from "../../src/simulator/simulator.ts";
import { CalibrationSession } from "../../src/web/calibration-session.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const PATIENCE = { timeout: 100_000 } as const;

test("with the file gone after the upload, tiles are made and the chip is searched for, again and again", async () => {
  const root = temporaryDirectory();
  const { config } = parseConfig("", root);
  const calibrating = new CalibrationSession(config, () => undefined);
  onTestFinished(() => calibrating.close());
  const picture = await encodePicture(createSimulator({ width: 960, height: 730 }).render(0, 0), "png");
  await calibrating.takePicture("chip.png", Readable.from([picture]), picture.length);
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
