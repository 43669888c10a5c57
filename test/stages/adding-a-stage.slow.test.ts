// docs/adding-a-stage.md, built into a copy of the program and run by its supervisor.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { parseConfig } from "../../src/config/config.ts";
import { createLogger } from "../../src/log/logger.ts";
import { STAGE_NAMES } from "../../src/log/stage-names.ts";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import { STAGES } from "../../src/stages/stages.ts";
import type { Supervisor } from "../../src/supervisor/supervisor.ts";
import type { JobHandler } from "../../src/threads/host-loop.ts";
import { writePng } from "../image/picture-writers.ts";
import { ExamplePage } from "../support/example-page.ts";

const page = new ExamplePage("docs/adding-a-stage.md");
page.add("src/stages/tally/stage.ts");
page.addRow("src/log/stage-names.ts", "export const STAGE_NAMES", '  "tally",\n');
page.addRow("src/stages/stages.ts", "const TABLE", page.code("row of the table"));
page.addImport("src/stages/stages.ts", 'import { tally } from "./tally/stage.ts";');
afterAll(() => page.remove());

test("each row of the table stands under its own name", () => {
  expect(STAGES.map(({ name }) => name)).toEqual([...STAGE_NAMES]);
});

test("the page's stage compiles with its row, and a name without a row does not", () => {
  const { status, stdout } = page.typesOf("src/stages/stages.ts");
  expect([status, stdout]).toEqual([0, ""]);
  page.edit("src/log/stage-names.ts", ['  "tally",\n', '  "tally",\n  "forgotten",\n']);
  expect(page.typesOf("src/stages/stages.ts").stdout).toContain("forgotten");
  page.edit("src/log/stage-names.ts", ['  "forgotten",\n', ""]);
});

test("the page's stage with a thread measures the newest image", async () => {
  page.addRow("src/log/stage-names.ts", "export const STAGE_NAMES", '  "brightness",\n');
  for (const path of ["worker.ts", "stage.ts"]) page.add(`src/stages/brightness/${path}`);
  const { status, stdout } = page.typesOf("src/stages/brightness/stage.ts");
  page.edit("src/log/stage-names.ts", ['  "brightness",\n', ""]);
  expect([status, stdout]).toEqual([0, ""]);
  expect(page.code("file: workers/brightness.ts")).toContain("serve(open)");
  const { open } = await page.load<{ open: (settings: object) => Promise<JobHandler<object, string>> }>(
    "src/stages/brightness/worker.ts",
  );
  writeFileSync(join(page.copy, "image.png"), writePng({ pixels: new Uint8Array(8).fill(100), width: 4, height: 2 }));
  const thread = await open({ decimals: 1 });
  const place = { directory: page.copy, path: "image.png" };
  expect(await thread.run(place, new AbortController().signal, () => undefined)).toBe("100.0");
});

test("a run waits for the page's stage, stores what it says of itself, and stops it", async () => {
  const directory = join(page.copy, "experiment");
  mkdirSync(directory);
  const text = "[Services]\nenable_camera = false\n[Web]\nenabled = false\n[Data_Analysis]\nworkers = 1\n";
  const { config } = parseConfig(text, directory);
  for (const path of Object.values(config.Paths)) {
    if (path.startsWith(directory)) mkdirSync(path, { recursive: true });
  }
  const room = await page.load<{ Supervisor: typeof Supervisor }>("src/supervisor/supervisor.ts");
  const log = createLogger({ level: "info", console: false, rotateSeconds: 3600 });
  const run = await room.Supervisor.open({ config, configText: "{}", log, untilIdle: true });
  const summary = await run.run();
  await log.close();
  expect(summary).toMatchObject({ clean: true, fault: undefined });
  const counts = '{"frames":0,"waiting":0}';
  expect(readFileSync(join(config.Paths.results_dir, "tally.json"), "utf8")).toBe(`${counts}\n`);
  const manifest = Manifest.open({ file: join(config.Paths.data_dir, MANIFEST_FILENAME), readonly: true });
  const beat = manifest.heartbeats.all().find(({ stage }) => String(stage) === "tally");
  manifest.close();
  expect(beat).toMatchObject({ state: "stopped", detail: `last written: ${counts}` });
});
