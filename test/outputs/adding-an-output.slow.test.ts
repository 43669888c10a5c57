// docs/adding-an-output.md, built into a copy of the program and run by its supervisor.
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { parseConfig } from "../../src/config/config.ts";
import { createLogger } from "../../src/log/logger.ts";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import type { Supervisor } from "../../src/supervisor/supervisor.ts";
import { ExamplePage } from "../support/example-page.ts";
import { experiment } from "./csv/experiment.ts";

const FRAMES = 3;
const ROIS = 2;
const page = new ExamplePage("docs/adding-an-output.md");
page.add("src/outputs/jsonl/output.ts");
page.addRow("src/config/output-methods.ts", "export const OUTPUT_FACTS", page.code("row of the methods"));
page.addRow("src/outputs/outputs.ts", "export const OUTPUTS", page.code("row of the outputs"));
page.addImport("src/outputs/outputs.ts", 'import { jsonl } from "./jsonl/output.ts";');
page.addRow("src/log/stage-names.ts", "export const STAGE_NAMES", '  "jsonl",\n');
afterAll(() => page.remove());

test("the page's output compiles with its rows, and a method without a row does not", () => {
  const { status, stdout } = page.typesOf("src/stages/stages.ts");
  expect([status, stdout]).toEqual([0, ""]);
  const row = '  FORGOTTEN: { name: "forgotten", stage: "nowhere", shownAs: "nowhere", afterRepair: "continue" },\n';
  page.addRow("src/config/output-methods.ts", "export const OUTPUT_FACTS", row);
  const { stdout: errors } = page.typesOf("src/outputs/outputs.ts");
  expect(errors).toContain("FORGOTTEN");
  expect(errors).toContain('"nowhere"');
  page.edit("src/config/output-methods.ts", [row, ""]);
});

test("a run gives the page's output every frame once, also those that a crash makes it deliver again", async () => {
  const directory = join(page.copy, "experiment");
  mkdirSync(directory);
  const { manifest, add } = experiment(directory, ROIS);
  add(FRAMES);
  manifest.close();
  const config = await page.load<{ parseConfig: typeof parseConfig }>("src/config/config.ts");
  const text = `
[Services]
enable_camera = false
[Web]
enabled = false
[Communication]
method = ["JSON_LINES"]
`;
  const { config: settings } = config.parseConfig(text, directory);
  for (const path of Object.values(settings.Paths)) {
    if (path.startsWith(directory)) mkdirSync(path, { recursive: true });
  }
  const file = join(settings.Paths.results_dir, "results.jsonl");
  writeFileSync(file, '{"mine":true}\n');
  const room = await page.load<{ Supervisor: typeof Supervisor }>("src/supervisor/supervisor.ts");
  const log = createLogger({ level: "info", console: false, rotateSeconds: 3600 });
  const deliverAll = async () => {
    const run = await room.Supervisor.open({ config: settings, configText: "{}", log, untilIdle: true });
    expect(await run.run()).toMatchObject({ clean: true, fault: undefined });
    return readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  };
  const expected = (frames: number) => [
    { mine: true },
    ...Array.from({ length: frames }, (_, nth) => ({ entryId: nth + 1, positions: expect.any(Array) })),
  ];
  expect(await deliverAll()).toMatchObject(expected(FRAMES));
  // What a kill after writing and before the commit leaves: a line of which no cursor knows.
  appendFileSync(file, '{"entryId":4}\n');
  const more = experiment(directory, ROIS);
  more.add(1);
  more.manifest.close();
  expect(await deliverAll()).toMatchObject(expected(FRAMES + 1));
  const stored = Manifest.open({ file: join(settings.Paths.data_dir, MANIFEST_FILENAME), readonly: true });
  expect(stored.outputs.state("jsonl").state).toBe(JSON.stringify({ file, bytes: readFileSync(file).length }));
  stored.close();
  // A file that somebody removed is begun again, without a gap where the lines of before were.
  rmSync(file);
  const last = experiment(directory, ROIS);
  last.add(1);
  last.manifest.close();
  expect(await deliverAll()).toMatchObject([{ entryId: FRAMES + 2 }]);
  await log.close();
});
