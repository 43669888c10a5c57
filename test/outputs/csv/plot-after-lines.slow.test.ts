import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { parseConfig } from "../../../src/config/config.ts";
import { CSV_FILENAME, CSV_OUTPUT } from "../../../src/outputs/csv/file/state.ts";
import { CsvOutput } from "../../../src/outputs/csv/output.ts";
import { OutputStage } from "../../../src/stages/outputs/output-stage.ts";
import { manifestFile } from "../../manifest/frames.ts";
import { logLines } from "../../support/log-lines.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { experiment } from "./experiment.ts";

test("the lines of the CSV are committed before the plot is drawn, so that an end while drawing repeats none", async () => {
  const root = temporaryDirectory();
  const { manifest, add } = experiment(root, 2);
  add(5);
  manifest.outputs.configure([CSV_OUTPUT]);
  const { config } = parseConfig("", root);
  const { log, lines: said } = logLines();
  const output = new CsvOutput({ config, manifest, manifestFile: manifestFile(join(root, "data")), log });
  onTestFinished(async () => {
    await output.close(10_000);
    manifest.close();
  });
  const plot = join(config.Paths.results_dir, "processed_data_plot.svg");
  const atCommit: unknown[] = [];
  const advanced = () => {
    const lines = readFileSync(join(config.Paths.results_dir, CSV_FILENAME), "utf8").trim().split("\n");
    atCommit.push({ lines: lines.length, cursor: manifest.outputs.state(CSV_OUTPUT).cursor, drawn: existsSync(plot) });
  };
  const stage = new OutputStage(output, { name: CSV_OUTPUT, manifest, runsDamaged: false, advanced });
  expect(await stage.run()).toBe(false);
  expect(atCommit).toEqual([{ lines: 1 + 5 * 2, cursor: 5, drawn: false }]);
  expect(existsSync(plot), "the plot is drawn when the step ends").toBe(true);

  // At the end of a run without time for a plot, the lines still come, and nothing fails.
  add(3);
  await stage.flush(1);
  expect(atCommit.at(-1)).toEqual({ lines: 1 + 8 * 2, cursor: 8, drawn: true });
  expect(said.at(-1)).toBe("drawing the last plot takes too long, so the run ends without it; the next run draws it");
});
