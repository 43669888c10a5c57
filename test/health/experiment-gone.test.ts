// An experiment whose database is missing: an alarm after a run, none after one that was refused at its start.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseConfig } from "../../src/config/config.ts";
import { absence } from "../../src/health/experiment-gone.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

function absentWith(...logs: readonly string[]) {
  const { config } = parseConfig("", temporaryDirectory());
  mkdirSync(config.Paths.logs_dir, { recursive: true });
  for (const name of logs) writeFileSync(join(config.Paths.logs_dir, name), "line\n");
  return absence(config);
}

test("a run that was refused at its start has not lost a database", () => {
  expect(absentWith()).toEqual([]);
  expect(absentWith("supervisor.log")).toEqual([]);
});

test("without a database after a run, the experiment is gone", () => {
  expect(absentWith("supervisor.log", "collector.log")).toMatchObject([
    { key: "experiment.gone", text: expect.stringContaining("contains no database, although a run was here") },
  ]);
});
