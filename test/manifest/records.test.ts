import { readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { formatRecord, type RecordInput } from "../../src/analysis/record.ts";
import { processingResults } from "../../src/manifest/established-export.ts";
import { measureFile, openRecords } from "../../src/manifest/records.ts";
import { flagBits, LINES, QUANTITIES, STATISTICS } from "../../src/measurement/method.ts";
import { experiment } from "../outputs/csv/experiment.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const LABELS = ["001A_N", "001A_S"];

/** A record of `phorest analyse --method joint`; positions 10 and 11 px. */
function jointRecord(more: Partial<RecordInput>): string {
  const statistics = new Float64Array(LABELS.length * QUANTITIES.joint.length * STATISTICS.length).fill(10);
  return formatRecord({
    ...{ entryTimestamp: null, temperatureTimestamp: null, failureMessage: null, temperatures: null },
    imageTimestamp: "2026-03-04T15:20:00.000000Z",
    imageFilename: "stack.tif",
    imagePath: "stack.tif",
    processingTimestamp: "2026-03-05T00:00:00.000000Z",
    labels: LABELS,
    result: {
      method: "joint",
      position: Float64Array.of(10, 11),
      standardError: Float64Array.of(0.01, 0.02),
      quality: Float64Array.of(0.9, 0.8),
      flags: Uint8Array.of(0, flagBits(["jumped"])),
      lines: Uint8Array.of(1, 2),
      statistics,
      brightness: 1,
      contrast: 2,
    },
    ...more,
  });
}

function fileOf(...lines: string[]): string {
  const file = join(temporaryDirectory(), "results.jsonl");
  writeFileSync(file, lines.map((line) => `${line}\n`).join(""));
  return file;
}

test("the records of an experiment give the curves of the experiment, to the last digit", async () => {
  const { manifest, add } = experiment(temporaryDirectory(), 4, (roi, frame) => 60 + roi + Math.sin(frame) / 7);
  add(5, [2]);
  const {
    manifest: read,
    findings,
    close,
  } = await openRecords(fileOf([...processingResults(manifest)].join("").trimEnd()), manifest.analyses.roiManifest(1));
  const curves = (of: typeof manifest) => {
    const [analysis] = of.analyses.all();
    return [0, 3].map((roi) => of.results.sensorgram({ analysisId: analysis?.analysisId ?? 0, roi }));
  };
  const without = ({ entryId: _, ...curve }: ReturnType<typeof curves>[number]) => curve;
  expect(curves(read).map(without)).toEqual(curves(manifest).map(without));
  expect(read.analyses.all()[0]?.labels).toEqual(manifest.analyses.all()[0]?.labels);
  expect(read.analyses.roiManifest(1)).toEqual(manifest.analyses.roiManifest(1));
  expect(read.readings.of(1)).toMatchObject([{ sensor: "Room air", value: 21 }]);
  expect(findings.map(({ kind, count }) => [kind, count])).toEqual([
    ["records of frames that could not be measured", 1],
  ]);
  close();
  manifest.close();
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith("phorest-records-"))).toEqual([]);
});

test("pages of one file, chosen lines and settings are those of the records", async () => {
  const file = fileOf(
    ...[0, 1, 1, 2].map((page) => jointRecord({ page, imageTimestamp: `2026-03-04T15:20:0${page}.000000Z` })),
  );
  writeFileSync(
    measureFile(file),
    JSON.stringify({ method: "joint", jointLine: "auto", rois: "another", kernel: "3" }),
  );
  const { manifest, findings, close } = await openRecords(file, undefined);
  const analysis = manifest.analyses.inForce();
  expect(analysis).toMatchObject({ method: "joint", kernelVersion: "3", labels: LABELS });
  expect(analysis && manifest.references.linesOf(analysis)).toEqual(LINES.slice(0, 2));
  expect([...manifest.curves.after(analysis?.analysisId ?? 0)].map(({ position }) => [...position])).toEqual(
    [10, 10, 10].map((px) => [px, px + 1]),
  );
  expect([...manifest.history.entries()].map(({ filename, page }) => [filename, page])).toEqual(
    [0, 1, 2].map((page) => ["stack.tif", page]),
  );
  expect(findings.map(({ kind, count }) => [kind, count])).toEqual([
    ["records there more than once, of which the first was taken", 1],
  ]);
  close();
});

test.each([
  ["an empty file", [], "no line of it is a record"],
  ["something else", ["a,b,c", "1,2,3"], "lines of results torn or not usable, left out: 2"],
  [
    "no time and no name that tells it",
    [jointRecord({ imageTimestamp: null })],
    "records without the time of their image, left out: 1",
  ],
])("%s is refused in one line", async (_, lines, reason) => {
  await expect(openRecords(fileOf(...lines), undefined)).rejects.toMatchObject({
    code: "usage.invalid",
    hint: expect.stringContaining(reason),
  });
});

test("of a directory the file of `phorest analyse --out` is read; a missing one is named", async () => {
  const directory = temporaryDirectory();
  await expect(openRecords(directory, undefined)).rejects.toThrow("it has no processing_results.jsonl");
  writeFileSync(join(directory, "processing_results.jsonl"), `${jointRecord({})}\n`);
  const { manifest, close } = await openRecords(directory, undefined);
  expect(manifest.history.counts().processed).toBe(1);
  close();
  await expect(openRecords(join(directory, "no"), undefined)).rejects.toThrow("does not exist");
});
