import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import { command } from "../run/commands.ts";
import { experiment, start } from "../run/program.ts";
import { TIME_TO_STOP } from "../support/time-to-stop.ts";

const CONFIG = `
[Report]
plot = false
[Timing]
collector_interval_seconds = 0.5
[Camera]
camera_type = "simulated"
${TIME_TO_STOP}`;

/** Whether the newest analysis, the nth, has measured a frame. */
function isMeasuredBy(directory: string, nth: number): boolean {
  const file = join(directory, "data", MANIFEST_FILENAME);
  if (!existsSync(file)) return false;
  const manifest = Manifest.open({ file, readonly: true });
  try {
    const analyses = manifest.analyses.all();
    const last = analyses.at(-1);
    return analyses.length >= nth && last !== undefined && manifest.curves.after(last.analysisId).next().done === false;
  } finally {
    manifest.close();
  }
}

/** Frames of full size, measured by a run beside other tests. */
const MINUTES = { timeout: 600_000 };

describe("phorest calibrate --from run", () => {
  it("gives a running experiment new ROIs without stopping it, and the sensorgram says when", MINUTES, async () => {
    const directory = experiment(CONFIG);
    const run = start(["run"], directory);
    const measuredBy = async (nth: number) => {
      while (!isMeasuredBy(directory, nth)) {
        expect(run.child.exitCode, "the run ended").toBeNull();
        await sleep(200);
      }
    };
    await measuredBy(1);
    const manifest = join(directory, "generated_files", "ROI_manifest.json");
    // As after the chip has moved: what the run measures with is not where the gratings are.
    const before = JSON.parse(readFileSync(manifest, "utf8")) as Record<string, { coords?: [number, number] }>;
    for (const roi of Object.values(before)) if (roi.coords !== undefined) roi.coords[0] += 3;
    writeFileSync(manifest, JSON.stringify(before));
    await measuredBy(2);
    const { code, stderr } = await command(["calibrate", "--from", "run"], directory);
    expect(stderr).toMatch(/calibrated with .*image_/);
    expect(code).toBe(0);
    await measuredBy(3);
    expect(run.child.exitCode).toBeNull();
    run.child.kill("SIGINT");
    expect((await run.ended).code).toBe(0);
    const told = await command(["sensorgram", "--summary"], directory);
    expect(told.stderr).toMatch(/the chip was recalibrated at .*--analysis "gaussian 2"/);
    const curves = await command(["sensorgram", "--roi", "001A_N"], directory);
    const [names, first] = curves.stdout.split("\n").map((line) => line.split(","));
    expect(first?.[names?.indexOf("marker") ?? -1]).toMatch(/^recalibrated: \d+ ROIs$/);
  });

  it("says in one line that there is no experiment, or no picture and no --from", async () => {
    const directory = experiment(CONFIG);
    for (const words of [["calibrate", "--from", "run"], ["calibrate"]]) {
      const { code, stderr } = await command(words, directory);
      expect(code, words.join(" ")).not.toBe(0);
      expect(stderr.trim().split("\n"), words.join(" ")).toHaveLength(1);
    }
  });
});
