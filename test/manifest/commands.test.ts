import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import yargs from "yargs";
import { exportCommand } from "../../src/commands/export.ts";
import { importCommand } from "../../src/commands/import.ts";
import { lockExperiment } from "../../src/manifest/lock.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { openManifest } from "./experiment.ts";
import { addFrame, ensureAnalysis, frameName, NOON_US, resultOf } from "./frames.ts";

/** Runs a command line against the configuration in `directory`; returns what it printed to standard output. */
async function phorest(directory: string, ...line: string[]): Promise<string> {
  let printed = "";
  const spy = vi.spyOn(process.stdout, "write").mockImplementation((chunk: string | Uint8Array) => {
    printed += chunk.toString();
    return true;
  });
  try {
    await yargs([...line, "--config", join(directory, "config.toml")])
      .option("config", { type: "string" })
      .option("log-level", { choices: ["error", "warn", "info", "debug"] as const })
      .option("json", { type: "boolean", default: false })
      .option("tz", { type: "string" })
      .command(importCommand)
      .command(exportCommand)
      .exitProcess(false)
      .fail((message, error) => {
        throw error ?? new Error(message);
      })
      .parseAsync();
  } finally {
    spy.mockRestore();
  }
  return printed;
}

/** An experiment with three frames, two of them measured. */
function experiment(): string {
  const directory = temporaryDirectory();
  const data = join(directory, "data");
  mkdirSync(data);
  writeFileSync(join(directory, "config.toml"), "");
  const manifest = openManifest(data);
  const analysisId = ensureAnalysis(manifest);
  for (const number of [1, 2, 3]) addFrame(manifest, data, number);
  for (const claim of manifest.entries.claimPending(2, NOON_US))
    manifest.complete(claim, analysisId, resultOf(claim.entryId), NOON_US);
  manifest.close();
  return directory;
}

/** What `phorest export` writes of the experiment. */
async function exported(format: string, ...words: string[]): Promise<string> {
  const directory = experiment();
  const out = join(directory, "part");
  await phorest(directory, "export", "--format", format, ...words, "--out", out);
  return readFileSync(out, "utf8");
}

/** Every result with its time and ROI. */
function resultsIn(format: string, text: string): unknown[] {
  const lines = text.trimEnd().split("\n");
  if (format === "csv") return lines.slice(1);
  return lines.flatMap((line) => {
    const { image_timestamp, image_analysis, resonances } = JSON.parse(line) as {
      image_timestamp: string;
      image_analysis: unknown[];
      resonances: unknown[];
    };
    return resonances.map((resonance, roi) => [image_timestamp, image_analysis[roi + 1], resonance]);
  });
}

describe("phorest export", () => {
  it("writes one CSV line per ROI and frame since a time, to a file that is whole when it appears", async () => {
    const directory = experiment();
    const out = join(directory, "results.csv");
    expect(await phorest(directory, "export", "--format", "csv", "--since", "2026-03-04T05:06:09Z", "--out", out)).toBe(
      "",
    );
    const lines = readFileSync(out, "utf8").trimEnd().split("\n");
    expect(lines[0]).toMatch(/^timestamp,ROI-label,Analysis-method,amplitude,mu,sigma,offset,error/);
    expect(lines.slice(1).map((line) => line.split(",").slice(0, 3))).toEqual(
      ["130A_N", "130A_S", "131A_N"].map((label) => ["2026-03-04T05:06:09.089123Z", label, "gaussian"]),
    );
    expect(readdirSync(directory).sort()).toEqual(["config.toml", "data", "results.csv"]);
  });

  it.each(["csv", "results-jsonl"])("writes the results of some ROIs in a part of the time: %s", async (format) => {
    const all = resultsIn(format, await exported(format));
    const window = ["--from", "0.5", "--to", "2026-03-04T05:06:09.1Z"];
    const text = await exported(format, "--roi", "130A", "131*", ...window);
    expect(resultsIn(format, text)).toEqual(all.slice(3));
    expect(resultsIn(format, await exported(format, "--roi", "131a_n", "--to", "0"))).toEqual(all.slice(2, 3));
  });

  it("writes the frames in a part of the time", async () => {
    const entries = JSON.parse(await exported("manifest-json", "--from", "1", "--to", "1")) as {
      entry_timestamp_iso: string;
    }[];
    expect(entries.map(({ entry_timestamp_iso: time }) => time)).toEqual(["2026-03-04T05:06:09.089123Z"]);
  });

  it.each([
    ["csv", "--roi 130A 999*", 'no ROI is named "999*"'],
    ["results-jsonl", "--from 2027-01-01", "--from: no frame is in this window"],
    ["csv", "--to 2020-01-01", "--to: no frame is in this window"],
    ["csv-wide", "--since 2027-01-01", "--since: no frame is in this window"],
    ["csv", "--since 1 --from 1", "--since and --from mean the same"],
    ["manifest-json", "--roi 130A", "--roi: manifest-json holds frames, not results"],
    ["manifest-json", "--analysis gaussian", "--analysis: manifest-json holds frames, not results"],
    ["csv", "--quantity riu", "--quantity is an option of --format csv-wide"],
  ])("refuses %s %s and writes nothing", async (format, options, line) => {
    const directory = experiment();
    const words = ["export", "--format", format, ...options.split(" "), "--out", join(directory, "part")];
    await expect(phorest(directory, ...words)).rejects.toMatchObject({
      code: "usage.invalid",
      message: expect.stringContaining(line),
    });
    expect(readdirSync(directory).sort()).toEqual(["config.toml", "data"]);
  });

  it("refuses what it cannot do before it writes anything", async () => {
    const directory = experiment();
    const out = join(directory, "nowhere", "results.csv");
    await expect(phorest(directory, "export", "--format", "csv", "--since", "soon")).rejects.toThrow(/--since/);
    await expect(phorest(directory, "export", "--format", "csv", "--out", out)).rejects.toThrow(
      /nowhere does not exist/,
    );
    await expect(phorest(temporaryDirectory(), "export", "--format", "csv")).rejects.toMatchObject({ name: "Failure" });
  });
});

describe("phorest import", () => {
  it("takes over what another experiment's export describes", async () => {
    const source = experiment();
    const metadata = join(source, "metadata_manifest.json");
    const results = join(source, "processing_results.jsonl");
    await phorest(source, "export", "--format", "manifest-json", "--out", metadata);
    await phorest(source, "export", "--format", "results-jsonl", "--out", results);
    rmSync(join(source, "data", "phorest.sqlite"));
    const target = temporaryDirectory();
    writeFileSync(join(target, "config.toml"), "");
    const summary: unknown = JSON.parse(await phorest(target, "import", source, "--json"));
    expect(summary).toMatchObject({ entries: 3, added: 3, pending: 1, processed: 2, results: 2, missing: [] });
    const manifest = openManifest(join(target, "data"), { readonly: true });
    expect([...manifest.history.entries()].map((entry) => entry.filename)).toEqual([1, 2, 3].map(frameName));
    expect(existsSync(join(target, "data", frameName(1)))).toBe(false);
  });

  it("is refused while the experiment runs", async () => {
    const directory = experiment();
    const lock = lockExperiment(join(directory, "data"));
    writeFileSync(join(directory, "metadata_manifest.json"), "[]");
    await expect(phorest(directory, "import", directory)).rejects.toMatchObject({ code: "experiment.locked" });
    lock.release();
  });
});
