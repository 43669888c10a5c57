// docs/adding-an-output.md, built into a copy of the program and run by its supervisor.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
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
page.edit("src/config/schema.ts", ['"OPC_UA"] as const', '"OPC_UA", "JSON_LINES"] as const']);
page.edit(
  "src/outputs/outputs.ts",
  ["import { opcua }", 'import { jsonl } from "./jsonl/output.ts";\nimport { opcua }'],
  ["  OPC_UA: opcua,\n", `  OPC_UA: opcua,\n${page.code("row of the outputs")}`],
);
page.edit("src/log/levels.ts", ['  "health",\n', '  "health",\n  "jsonl",\n']);
page.edit("src/stages/stages.ts", ["  health,\n};", `  health,\n${page.code("row of the stages")}};`]);
afterAll(() => page.remove());

test("the page's output compiles with its rows, and a method without a row does not", () => {
  const { status, stdout } = page.typesOf("src/stages/stages.ts");
  expect([status, stdout]).toEqual([0, ""]);
  page.edit("src/config/schema.ts", ['"JSON_LINES"] as const', '"JSON_LINES", "FORGOTTEN"] as const']);
  expect(page.typesOf("src/outputs/outputs.ts").stdout).toContain("FORGOTTEN");
  page.edit("src/config/schema.ts", [', "FORGOTTEN"', ""]);
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
  // What a death after writing and before the commit leaves: the first line, of which no cursor knows.
  const file = join(settings.Paths.results_dir, "results.jsonl");
  writeFileSync(file, '{"entryId":1}\n');
  const room = await page.load<{ Supervisor: typeof Supervisor }>("src/supervisor/supervisor.ts");
  const log = createLogger({ level: "info", console: false, rotateSeconds: 3600 });
  const run = await room.Supervisor.open({ config: settings, configText: "{}", log, untilIdle: true });
  const summary = await run.run();
  await log.close();
  expect(summary).toMatchObject({ clean: true, fault: undefined });
  const lines = readFileSync(file, "utf8").trim().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toMatchObject(
    Array.from({ length: FRAMES }, (_, nth) => ({ entryId: nth + 1, positions: expect.any(Array) })),
  );
  const stored = Manifest.open({ file: join(settings.Paths.data_dir, MANIFEST_FILENAME), readonly: true });
  expect(stored.outputs.state("jsonl").state).toBe(String(readFileSync(file).length));
  stored.close();
});
