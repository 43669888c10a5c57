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

  it("refuses what it cannot do before it writes anything", async () => {
    const directory = experiment();
    const out = join(directory, "nowhere", "results.csv");
    await expect(phorest(directory, "export", "--format", "parquet")).rejects.toMatchObject({ code: "usage.invalid" });
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
    await expect(phorest(directory, "import", directory)).rejects.toMatchObject({ code: "experiment.locked" });
    lock.release();
  });
});
