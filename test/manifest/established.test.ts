import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Failure } from "../../src/failure/failure.ts";
import { metadataManifest, processingResults } from "../../src/manifest/established-export.ts";
import { importExperiment } from "../../src/manifest/established-import.ts";
import { isoFromUs, usFromIso, usFromOption } from "../../src/manifest/timestamps.ts";
import { ALWAYS } from "../../src/measurement/time-window.ts";
import { grayPicture } from "../image/picture-writers.ts";
import { writeStack } from "../image/stack-writer.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { openManifest } from "./experiment.ts";
import { addFrame, ensureAnalysis, frameName, NOON_US, resultOf } from "./frames.ts";

/** An entry as the established system writes it: local time without an offset. */
function established(number: number, changes: Record<string, unknown> = {}) {
  const time = `2025-05-06T07:08:${String(number).padStart(2, "0")}.123456`;
  return {
    entry_timestamp_iso: time,
    collection_error: false,
    collection_error_msg: null,
    camera_data: {
      type: "image",
      filename: frameName(number),
      filepath: "/home/lab/phorest/data",
      timestamp_iso: time,
      camera_index: 0,
      error_flag: false,
      error_message: null,
    },
    temperature_data: {
      type: "temperature",
      timestamp_iso: time,
      data: { "Chip Lid": 21.5 },
      error_flag: false,
      error_message: null,
    },
    processing_status: "pending",
    processing_timestamp_iso: null,
    processing_error: false,
    processing_error_msg: null,
    compression_attempted: false,
    image_synced: false,
    ...changes,
  };
}

function resultLine(number: number, label = "130A_N"): string {
  const summary = { Mean: 1, STD: 0.1, LQ: 0.9, Median: 1.234, UQ: 1.1, Max: 2, Min: 0, Smoothness: 0.2 };
  const roi = {
    "ROI-label": label,
    "Analysis-method": "gaussian",
    amplitude: summary,
    mu: { ...summary, Median: 88.125 + number },
    sigma: { ...summary, Max: "NaN here" },
    offset: summary,
    error: summary,
  };
  const record = {
    manifest_entry_timestamp: "2025-05-06T07:08:00",
    image_filename: frameName(number),
    processing_timestamp_iso: "2025-05-06T07:09:00",
    processing_successful: true,
    processing_error_message: null,
    image_analysis: [{ brightness: 100.5, contrast: 20.25 }, roi],
    temperature_readings: null,
  };
  // As Python's json module writes it.
  return JSON.stringify(record).replace('"NaN here"', "NaN");
}

/** A directory with pictures, their manifest, and results where given. */
function establishedExperiment(entries: readonly unknown[], results?: readonly string[]): string {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, "data"));
  mkdirSync(join(directory, "results"));
  for (let number = 1; number <= entries.length; number += 1) {
    writeFileSync(join(directory, "data", frameName(number)), `picture ${number}`);
  }
  writeFileSync(join(directory, "data", "metadata_manifest.json"), JSON.stringify(entries));
  if (results !== undefined) {
    writeFileSync(join(directory, "results", "processing_results.jsonl"), results.map((line) => `${line}\n`).join(""));
  }
  return directory;
}

/** Every file with its content and its times. */
function listing(directory: string): unknown[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => {
      const file = statSync(join(directory, name));
      return [name, file.mtimeMs, file.size, file.isFile() ? readFileSync(join(directory, name), "utf8") : ""];
    });
}

describe("importing an established experiment", () => {
  const entries = [
    established(1),
    established(2, { processing_status: "processing" }),
    established(3, {
      processing_status: "processed",
      processing_timestamp_iso: "2025-05-06T07:09:00",
      data_transmitted: true,
    }),
    established(4, { processing_status: "failed", processing_error: true, processing_error_msg: "no ROI" }),
    established(5, { camera_data: null, collection_error: true, collection_error_msg: "camera unplugged" }),
  ];

  it("keeps what was done, queues what was not, and touches no file of it", async () => {
    const directory = establishedExperiment(entries);
    const before = listing(directory);
    const manifest = openManifest(temporaryDirectory());
    const summary = await importExperiment(manifest, directory, NOON_US);
    expect(summary).toMatchObject({ entries: 5, added: 5, pending: 2, processed: 1, failed: 2, missing: [] });
    expect(summary.processedWithoutResult).toBe(1);
    expect(listing(directory)).toEqual(before);
    const [first, , third, fourth, fifth] = [...manifest.history.entries()];
    expect(first).toMatchObject({ status: "pending", filename: frameName(1), filepath: join(directory, "data") });
    expect(first?.capturedAtUs).toBe(new Date(2025, 4, 6, 7, 8, 1, 123).getTime() * 1000 + 456);
    expect(third).toMatchObject({ status: "processed", dataTransmitted: true });
    expect(fourth).toMatchObject({ status: "failed", error: "no ROI" });
    expect(fifth).toMatchObject({ status: "failed", filename: undefined, collectionError: "camera unplugged" });
    expect(manifest.readings.of(first?.entryId ?? 0)).toMatchObject([{ sensor: "Chip Lid", value: 21.5, unit: "°C" }]);
    expect(manifest.entries.claimPending(9, NOON_US).map((claim) => claim.filename)).toEqual([
      frameName(1),
      frameName(2),
    ]);
  });

  it("adds nothing the second time, and only what is new after that", async () => {
    const directory = establishedExperiment(entries, [resultLine(3)]);
    const manifest = openManifest(temporaryDirectory());
    expect((await importExperiment(manifest, directory, NOON_US)).results).toBe(1);
    const before = manifest.history.counts();
    expect(await importExperiment(manifest, directory, NOON_US)).toMatchObject({ added: 0, results: 0 });
    expect(manifest.history.counts()).toEqual(before);
    writeFileSync(join(directory, "data", frameName(6)), "picture");
    writeFileSync(join(directory, "data", "metadata_manifest.json"), JSON.stringify([...entries, established(6)]));
    expect(await importExperiment(manifest, directory, NOON_US)).toMatchObject({ entries: 6, added: 1, pending: 1 });
  });

  it("takes over the results of processed frames, NaN and half-written lines notwithstanding", async () => {
    const lines = [resultLine(3), resultLine(99), resultLine(3).slice(0, 100)];
    const manifest = openManifest(temporaryDirectory());
    const summary = await importExperiment(manifest, establishedExperiment(entries, lines), NOON_US);
    expect(summary).toMatchObject({ results: 1, resultLinesSkipped: 2, processedWithoutResult: 0 });
    const [outcome] = manifest.outcomes.after(0, 10);
    expect(outcome).toMatchObject({ filename: frameName(3), method: "gaussian", labels: ["130A_N"], ok: true });
    expect(outcome?.measured?.position).toEqual(Float64Array.of(91.125));
    expect(outcome?.measured?.standardError).toEqual(Float64Array.of(Number.NaN));
    expect(outcome?.measured?.statistics.slice(16, 24)).toEqual(
      Float64Array.of(1, 0.1, 0.9, 1.234, 1.1, Number.NaN, 0, 0.2),
    );
    expect(manifest.analyses.all()).toMatchObject([{ kernelVersion: "established" }]);
  });

  it("keeps the doubt of results that this program exported: a flagged number never comes back unflagged", async () => {
    const source = temporaryDirectory();
    const original = openManifest(source);
    const analysisId = ensureAnalysis(original);
    addFrame(original, source, 1);
    const [claim] = original.entries.claimPending(1, NOON_US);
    if (claim === undefined) throw new Error("no claim");
    const doubted = resultOf(7, { flags: Uint8Array.of(1, 0, 10), quality: Float64Array.of(0.5, 1, 0.25) });
    original.complete(claim, analysisId, doubted, NOON_US);
    const exported = [...processingResults(original)];
    const moved = establishedExperiment([established(1, { processing_status: "processed" })], exported);

    const manifest = openManifest(temporaryDirectory());
    await importExperiment(manifest, moved, NOON_US);
    const [outcome] = manifest.outcomes.after(0, 10);
    const { position, standardError, quality, flags } = doubted;
    expect(outcome?.measured).toMatchObject({ position, standardError, quality, flags });
  });

  it("says which pictures it did not find, and does not wait for them", async () => {
    const directory = establishedExperiment([]);
    const gone = [established(1), established(2, { processing_status: "processed" })];
    writeFileSync(join(directory, "data", "metadata_manifest.json"), JSON.stringify(gone));
    const manifest = openManifest(temporaryDirectory());
    const summary = await importExperiment(manifest, directory, NOON_US);
    expect(summary).toMatchObject({ missing: [frameName(1), frameName(2)], failed: 1, processed: 1 });
    expect(manifest.history.counts()).toMatchObject({ missing: 2, pending: 0 });
  });

  const damages: Record<string, [string, RegExp]> = {
    "cut short": ['[{"entry_timestamp_iso": "2025-', /not JSON/],
    "not a list": ["{}", /expected array/],
    "without a time": [JSON.stringify([{ processing_status: "pending" }]), /entry 1: entry_timestamp_iso/],
  };
  for (const [damage, [text, message]] of Object.entries(damages)) {
    it(`writes nothing from a manifest that is ${damage}, and says so in one line`, async () => {
      const directory = establishedExperiment([]);
      writeFileSync(join(directory, "data", "metadata_manifest.json"), text);
      const manifest = openManifest(temporaryDirectory());
      const thrown = await importExperiment(manifest, directory, NOON_US).catch((error: unknown) => error);
      expect(thrown).toBeInstanceOf(Failure);
      if (!(thrown instanceof Failure)) return;
      expect(thrown.line).toMatch(message);
      expect(thrown.line).toContain("metadata_manifest.json");
      expect(thrown.line).not.toContain("\n");
      expect(manifest.history.counts().total).toBe(0);
    });
  }
});

describe("exporting in the established forms", () => {
  it("gives back a manifest that imports to the same entries", async () => {
    const source = openManifest(temporaryDirectory());
    const directory = establishedExperiment([
      established(1),
      established(2, { processing_status: "processed" }),
      established(3),
    ]);
    await importExperiment(source, directory, NOON_US);
    const text = [...metadataManifest(source)].join("");
    const written: unknown = JSON.parse(text);
    expect(written).toMatchObject([
      {
        collection_error: false,
        camera_data: { type: "image", filename: frameName(1), camera_index: 0, error_flag: false },
        temperature_data: { type: "temperature", data: { "Chip Lid": 21.5 }, error_flag: false },
        processing_status: "pending",
        processing_error: false,
        compression_attempted: false,
        image_synced: false,
        data_transmitted: false,
      },
      { processing_status: "processed" },
      { processing_status: "pending" },
    ]);
    writeFileSync(join(directory, "data", "metadata_manifest.json"), text);
    const copy = openManifest(temporaryDirectory());
    await importExperiment(copy, directory, NOON_US);
    expect([...metadataManifest(copy)].join("")).toBe(text);
  });

  it("is an empty list when there is nothing, and can begin in the middle", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    expect([...metadataManifest(manifest)].join("")).toBe("[]\n");
    for (const number of [1, 2, 3]) addFrame(manifest, directory, number);
    const since = JSON.parse(
      [...metadataManifest(manifest, { ...ALWAYS, fromUs: NOON_US + 2e6 })].join(""),
    ) as unknown[];
    expect(since).toHaveLength(2);
  });

  it("writes a line for every frame that was measured or failed", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    const analysisId = ensureAnalysis(manifest);
    for (const number of [1, 2, 3]) addFrame(manifest, directory, number);
    const [good, bad, unread] = manifest.entries.claimPending(3, NOON_US);
    if (good === undefined || bad === undefined || unread === undefined) throw new Error("too few claims");
    const failure = { code: "frame.unreadable", message: "not a picture", retry: "never" } as const;
    manifest.complete(good, analysisId, resultOf(7), NOON_US);
    manifest.fail(bad, failure, NOON_US, analysisId);
    manifest.fail(unread, { ...failure, message: "no ROI manifest" }, NOON_US);
    const lines = [...processingResults(manifest)].map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(
      lines.map((line) => [line.image_filename, line.processing_successful, line.processing_error_message]),
    ).toEqual([
      [frameName(1), true, null],
      [frameName(2), false, "not a picture"],
      [frameName(3), false, "no ROI manifest"],
    ]);
    expect(lines[0]?.image_analysis).toMatchObject([
      { brightness: 100.25, contrast: 50.5 },
      { "ROI-label": "130A_N", "Analysis-method": "gaussian", amplitude: { Mean: 7, STD: 8 } },
      { "ROI-label": "130A_S" },
      { "ROI-label": "131A_N" },
    ]);
    expect(lines[1]?.image_analysis).toBeNull();
  });
});

describe("time stamps", () => {
  it("keep their microseconds both ways, before 1970 too", () => {
    for (const us of [NOON_US, 0, -1, 1_772_600_767_000_000]) expect(usFromIso(isoFromUs(us))).toBe(us);
    expect(isoFromUs(NOON_US)).toBe("2026-03-04T05:06:07.089123Z");
  });

  it("are local without an offset, and exact with one", () => {
    for (const day of ["2026-02-30", "2026-04-31T10:00", "2023-02-29T10:00:00Z", "2026-13-01"])
      expect(usFromIso(day), day).toBeUndefined();
    expect(usFromIso("2024-02-29T00:00Z")).toBe(Date.UTC(2024, 1, 29) * 1000);
    expect(usFromIso("2026-03-04T06:06:07.089123+01:00")).toBe(NOON_US);
    expect(usFromIso("2026-03-04 05:06:07.089123Z")).toBe(NOON_US);
    expect(usFromIso("2026-03-04T05:06:07")).toBe(new Date(2026, 2, 4, 5, 6, 7).getTime() * 1000);
    expect(usFromIso("2026-03-04")).toBe(new Date(2026, 2, 4).getTime() * 1000);
  });

  it("are refused with the option's name when they are none", () => {
    expect(usFromIso("yesterday")).toBeUndefined();
    expect(usFromIso("2026-13-40T00:00:00Z")).toBeUndefined();
    expect(() => usFromOption("--since", "yesterday")).toThrow(/--since needs a date or time .* not "yesterday"/);
  });
});

it("takes every page of a stack over as a frame: what is known of the file is about its first page", async () => {
  const [source, target] = [temporaryDirectory(), temporaryDirectory()];
  const pictures = [1, 2, 3].map((seed) => grayPicture(20, 10, 8, seed));
  writeFileSync(join(source, "stack.tif"), writeStack(pictures));
  const entry = established(1, { processing_status: "processed", data_transmitted: true });
  entry.camera_data.filename = "stack.tif";
  writeFileSync(join(source, "metadata_manifest.json"), JSON.stringify([entry]));
  const manifest = openManifest(target);
  const summary = await importExperiment(manifest, source, NOON_US);
  expect(summary).toMatchObject({ entries: 1, added: 3, processed: 1, pending: 2 });
  const rows = [...manifest.history.entries()];
  expect(rows.map(({ filename, page, status }) => [filename, page, status])).toEqual([
    ["stack.tif", 0, "processed"],
    ["stack.tif", 1, "pending"],
    ["stack.tif", 2, "pending"],
  ]);
  expect(rows[0]?.capturedAtUs).toBe(usFromIso("2025-05-06T07:08:01.123456"));
  expect(await importExperiment(manifest, source, NOON_US)).toMatchObject({ added: 0 });
});

describe("pages of a stack that are exported", () => {
  const START_US = usFromIso("2026-03-04T10:00:00.125Z") ?? 0;
  const rowsOf = (directory: string) =>
    [...openManifest(directory, { readonly: true }).history.entries()].map(
      ({ filename, page, capturedAtUs, status }) => {
        return [filename, page, capturedAtUs - START_US, status];
      },
    );

  /** An experiment with three of four pages, not all measured, as `export --format manifest-json` writes it. */
  function exported(): string {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    const at = (page: number) => ({ page, capturedAtUs: START_US + page * 250_000 });
    manifest.entries.add({ filename: "all.tif", ...at(1), furtherPages: [2, 3].map(at) });
    for (const claim of manifest.entries.claimPending(1, START_US)) manifest.entries.settleProcessed(claim, START_US);
    writeFileSync(join(directory, "metadata_manifest.json"), [...metadataManifest(manifest)].join(""));
    writeFileSync(join(directory, "all.tif"), writeStack([1, 2, 3, 4].map((seed) => grayPicture(20, 10, 8, seed))));
    return directory;
  }

  it.each([undefined, { keepFreeBytes: 0 }])("are imported with their times, once (adopt: %j)", async (adopt) => {
    const [source, target] = [exported(), temporaryDirectory()];
    const manifest = openManifest(target);
    for (const added of [3, 0]) {
      const summary = await importExperiment(manifest, source, NOON_US, { adopt });
      expect(summary).toMatchObject({ entries: 3, added, skipped: [], findings: [], missing: [] });
      expect(rowsOf(target)).toEqual([
        ["all.tif", 1, 250_000, "processed"],
        ["all.tif", 2, 500_000, "pending"],
        ["all.tif", 3, 750_000, "pending"],
      ]);
    }
    expect(readdirSync(target).filter((name) => name.endsWith(".tif"))).toEqual(adopt ? ["all.tif"] : []);
  });
});
