import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import { MOST_MARKERS } from "../../src/manifest/markers.ts";
import { experiment, START_US } from "../outputs/csv/experiment.ts";

function recorded() {
  const root = mkdtempSync(join(tmpdir(), "phorest-markers-"));
  const made = experiment(root, 4);
  onTestFinished(() => {
    made.manifest.close();
    rmSync(root, { recursive: true, force: true });
  });
  return { root, ...made };
}

test("markers come back in order of time, also for a reader, and go one by one", () => {
  const { root, manifest } = recorded();
  const late = manifest.markers.add(2_000, "wash", 5);
  manifest.markers.add(1_000, "antibody", 6);
  const reader = Manifest.open({ file: join(root, "data", MANIFEST_FILENAME), readonly: true });
  expect(reader.markers.all().map(({ atUs, text }) => [atUs, text])).toEqual([
    [1_000, "antibody"],
    [2_000, "wash"],
  ]);
  expect(() => reader.markers.add(1, "no", 1)).toThrow("reading only");
  reader.close();
  expect(manifest.markers.remove(late ?? 0)).toBe(true);
  expect(manifest.markers.remove(late ?? 0)).toBe(false);
  expect(manifest.markers.all()).toHaveLength(1);
});

test("no more markers than may be", () => {
  const { manifest } = recorded();
  manifest.together(() => {
    for (let i = 0; i < MOST_MARKERS; i += 1) manifest.markers.add(i, "x", 1);
  });
  expect(manifest.markers.add(1, "one more", 1)).toBeUndefined();
  expect(manifest.markers.all()).toHaveLength(MOST_MARKERS);
});

test("there is one baseline at most, and none is the configuration's", () => {
  const { manifest } = recorded();
  expect(manifest.markers.baseline()).toBeUndefined();
  manifest.markers.setBaseline({ fromUs: 1, toUs: 5 }, 9);
  manifest.markers.setBaseline({ fromUs: 2, toUs: 7 }, 9);
  expect(manifest.markers.baseline()).toEqual({ fromUs: 2, toUs: 7 });
  manifest.markers.setBaseline(undefined, 9);
  expect(manifest.markers.baseline()).toBeUndefined();
});

test("the frames of a window are read in order of capture, its end excluded, over pages", () => {
  const { manifest, add } = recorded();
  add(600);
  const [analysis] = manifest.analyses.all();
  const within = [
    ...manifest.curves.within(analysis?.analysisId ?? 0, START_US + 10_000_000, START_US + 5_500_000_000),
  ];
  expect(within).toHaveLength(549);
  expect(within.map(({ capturedAtUs }) => capturedAtUs)).toEqual(
    Array.from({ length: 549 }, (_, i) => START_US + (i + 1) * 10_000_000),
  );
});
