// docs/adding-a-stage.md, built into a copy of the program and run by its supervisor.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseConfig } from "../../src/config/config.ts";
import { STAGE_NAMES } from "../../src/log/levels.ts";
import { createLogger } from "../../src/log/logger.ts";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import { STAGES } from "../../src/stages/stages.ts";
import type { Supervisor } from "../../src/supervisor/supervisor.ts";
import { packageRoot } from "../../src/system/files.ts";

const root = packageRoot();
const page = readFileSync(join(root, "docs/adding-a-stage.md"), "utf8");
const code = (marker: string) => page.split(`<!-- ${marker} -->\n\`\`\`ts\n`)[1]?.split("```")[0] ?? "";
let copy: string;

function edit(file: string, ...changes: readonly (readonly [from: string, to: string])[]): void {
  const path = join(copy, file);
  let text = readFileSync(path, "utf8");
  for (const [from, to] of changes) {
    expect(text).toContain(from);
    text = text.replace(from, to);
  }
  writeFileSync(path, text);
}

/** The program's tree with the page's folder, row and name in it; all that is not changed is linked. */
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "phorest-adding-"));
  for (const name of ["package.json", "node_modules", "build", "native", "chips", "workers", "test", "bench"]) {
    symlinkSync(join(root, name), join(copy, name));
  }
  mkdirSync(join(copy, "src"));
  const changed = ["log", "stages", "supervisor"];
  for (const name of readdirSync(join(root, "src"))) {
    if (changed.includes(name)) cpSync(join(root, "src", name), join(copy, "src", name), { recursive: true });
    else symlinkSync(join(root, "src", name), join(copy, "src", name));
  }
  const file = join(copy, "src/stages/tally/stage.ts");
  mkdirSync(dirname(file));
  writeFileSync(file, code("file: src/stages/tally/stage.ts"));
  edit("src/log/levels.ts", ['  "health",\n', '  "health",\n  "tally",\n']);
  edit(
    "src/stages/stages.ts",
    ["import { syncer }", 'import { tally } from "./tally/stage.ts";\nimport { syncer }'],
    ["  health,\n};", `  health,\n${code("row of the table")}};`],
  );
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

const typesOf = (file: string) => {
  const options = { extends: join(root, "tsconfig.json"), include: [file] };
  writeFileSync(join(copy, "tsconfig.json"), JSON.stringify(options));
  return spawnSync(join(root, "node_modules/.bin/tsc"), ["--noEmit", "-p", copy], { encoding: "utf8" });
};

test("each row of the table stands under its own name", () => {
  expect(STAGES.map(({ name }) => name)).toEqual([...STAGE_NAMES]);
});

test("the page's stage compiles with its row, and a name without a row does not", () => {
  const { status, stdout } = typesOf("src/stages/stages.ts");
  expect([status, stdout]).toEqual([0, ""]);
  edit("src/log/levels.ts", ['  "tally",\n', '  "tally",\n  "forgotten",\n']);
  expect(typesOf("src/stages/stages.ts").stdout).toContain("forgotten");
  edit("src/log/levels.ts", ['  "forgotten",\n', ""]);
});

test("a run waits for the page's stage, stores what it says of itself, and stops it", async () => {
  const directory = join(copy, "experiment");
  mkdirSync(directory);
  const text = "[Services]\nenable_camera = false\n[Web]\nenabled = false\n[Data_Analysis]\nworkers = 1\n";
  const { config } = parseConfig(text, directory);
  for (const path of Object.values(config.Paths)) {
    if (path.startsWith(directory)) mkdirSync(path, { recursive: true });
  }
  const room: { Supervisor: typeof Supervisor } = await import(
    pathToFileURL(join(copy, "src/supervisor/supervisor.ts")).href
  );
  const log = createLogger({ level: "info", console: false, rotateSeconds: 3600 });
  const run = new room.Supervisor({ config, configText: "{}", log, untilIdle: true });
  const summary = await run.run();
  await log.close();
  expect(summary).toMatchObject({ clean: true, fault: undefined });
  const counts = '{"processed":0,"failed":0}';
  expect(readFileSync(join(config.Paths.results_dir, "tally.json"), "utf8")).toBe(`${counts}\n`);
  const manifest = Manifest.open({ file: join(config.Paths.data_dir, MANIFEST_FILENAME), readonly: true });
  const beat = manifest.heartbeats().find(({ stage }) => String(stage) === "tally");
  manifest.close();
  expect(beat).toMatchObject({ state: "stopped", detail: `last written: ${counts}` });
});
