// Two halves of one experiment become one: the second half was measured in another directory.
import { join } from "node:path";
import { expect, test } from "vitest";
import type { NewInjection } from "../../src/manifest/injections.ts";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import { failureOf } from "../failure/failure-of.ts";
import { experiment, START_US } from "../outputs/csv/experiment.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { ended, startChild } from "./experiment.ts";

const INJECTION: Omit<NewInjection, "startUs" | "endUs"> = {
  solution: "IgG",
  type: "sample",
  concentration: 1e-7,
  refractiveIndex: null,
  dissociationEndUs: null,
  note: "",
};

/** A copy of the whole content of a database, as the rows of its tables. */
const content = (manifest: Manifest) => ({
  frames: [...manifest.history.entries()],
  curves: manifest.analyses.all().map(({ analysisId }) => manifest.results.sensorgram({ analysisId, roi: 1 })),
  markers: manifest.markers.all(),
  injections: manifest.injections.all(),
});

/** `rois` ROIs and `frames` frames from the first one on; both halves begin at the same time. */
function half(rois: number, frames: number, level = 60) {
  const root = temporaryDirectory();
  const { manifest, add } = experiment(root, rois, (roi, frame) => level + roi + frame / 100);
  add(frames);
  return manifest;
}

test("frames, results, markers, injections and temperatures are added once, in order of time", () => {
  const into = half(4, 3);
  const from = half(4, 6, 70);
  const injection = (minutes: number): NewInjection => ({
    ...INJECTION,
    startUs: START_US + minutes * 60e6,
    endUs: START_US + (minutes + 1) * 60e6,
  });
  into.markers.add(START_US, "start", 1);
  from.markers.add(START_US, "start", 1);
  from.markers.add(START_US + 7e6, "wash", 1);
  const change = { type: "add-injections", author: "test" } as const;
  into.injections.change({ ...change, injections: [injection(5)] }, 1);
  from.injections.change({ ...change, injections: [injection(1), injection(5)] }, 1);

  // The first three frames have the same times and names: they are the same frames.
  expect(into.merge(from, 2)).toMatchObject({ frames: 6, added: 3, results: 3, markers: 1, injections: 1 });
  const { frames, curves, markers, injections } = content(into);
  expect(frames.map(({ capturedAtUs }) => capturedAtUs)).toEqual([0, 1, 2, 3, 4, 5].map((n) => START_US + n * 10e6));
  expect(curves).toHaveLength(1);
  expect([...(curves[0]?.position ?? [])]).toEqual([61, 61.01, 61.02, 71.03, 71.04, 71.05]);
  expect(into.readings.of(frames[5]?.entryId ?? 0)).toMatchObject([{ sensor: "Room air", value: 21.05 }]);
  expect(markers.map(({ text }) => text)).toEqual(["start", "wash"]);
  expect(injections.map(({ startUs, cycle }) => [(startUs - START_US) / 60e6, cycle])).toEqual([
    [1, 2],
    [5, 1],
  ]);

  const before = content(into);
  expect(into.merge(from, 3)).toMatchObject({ added: 0, results: 0, markers: 0, injections: 0 });
  expect(content(into)).toEqual(before);
  into.close();
  from.close();
});

test("a merge that is killed in the middle has changed nothing, and the next one does all of it", async () => {
  const [into, from] = [half(4, 3), half(4, 40, 70)];
  from.markers.add(START_US + 7e6, "wash", 1);
  const before = content(into);
  const files = [into, from].map(({ directory }) => join(directory, MANIFEST_FILENAME));
  into.close();
  from.close();
  const { child, line } = await startChild("dies-in-merge", JSON.stringify(files));
  // It had them all, and not yet for good.
  expect(line.trim()).toBe("merged 40 frames");
  await ended(child);
  expect(child.signalCode).toBe("SIGKILL");

  const again = Manifest.open({ file: files[0] ?? "" });
  expect(content(again)).toEqual(before);
  const other = Manifest.open({ file: files[1] ?? "", readonly: true });
  expect(again.merge(other, 2)).toMatchObject({ added: 37, results: 37, markers: 1 });
  expect(again.history.counts().total).toBe(40);
  again.close();
  other.close();
});

test("earlier frames that are merged later have their place in the curves", () => {
  const into = half(2, 6);
  const early = half(2, 2);
  // As if the second directory had been begun first.
  const file = join(into.directory, MANIFEST_FILENAME);
  expect(early.merge(into, 1)).toMatchObject({ added: 4 });
  expect([...(content(early).curves[0]?.capturedAtUs ?? [])]).toEqual(
    [0, 1, 2, 3, 4, 5].map((n) => START_US + n * 10e6),
  );
  into.close();
  early.close();
  const again = Manifest.open({ file, readonly: true });
  expect(again.history.counts().total).toBe(6);
  again.close();
});

test("analyses with other settings, and those measured again, stay apart under names of their own", () => {
  const into = half(2, 2);
  const from = half(2, 2);
  const [analysis] = from.analyses.all();
  const again = from.analyses.ensureAgain({ ...analysis, method: "gaussian" } as never, { name: "gaussian 2" }, 5);
  const result = {
    ...{ position: Float64Array.of(1, 2), standardError: Float64Array.of(1, 1), quality: Float64Array.of(1, 1) },
    ...{ flags: Uint8Array.of(0, 0), statistics: new Uint8Array(), brightness: 1, contrast: 1 },
  };
  from.results.add(1, again, result, 6);
  for (const _ of ["first", "again"]) {
    into.merge(from, 7);
    expect(into.analyses.all().map(({ name, remeasuredAtUs }) => [name, remeasuredAtUs])).toEqual([
      ["gaussian", undefined],
      ["gaussian 2", 5],
    ]);
  }
  expect([...into.curves.after(2)].map(({ outcomeId, position }) => [outcomeId < 0, [...position]])).toEqual([
    [true, [1, 2]],
  ]);
  into.close();
  from.close();
});

test.each([
  ["{}", ["gaussian"]],
  ['{"trackDrift":true}', ["gaussian", "gaussian 2", "gaussian 3"]],
])("with settings %s, analyses that began from other places of the chip are called %s", (settings, names) => {
  const [into, from] = [half(2, 2), half(2, 2)];
  for (const [side, manifest] of [into, from].entries()) {
    const roiManifestId = manifest.analyses.all()[0]?.roiManifestId;
    const id = manifest.analyses.ensure({ method: "gaussian", settings, roiManifestId, kernelVersion: "1" });
    manifest.references.keepDrift(id, Uint8Array.of(1, side));
  }
  for (const _ of ["first", "again"]) {
    into.merge(from, 7);
    expect(into.analyses.all().map(({ name }) => name)).toEqual(names);
  }
  into.close();
  from.close();
});

test("another chip is refused in one line, and nothing is changed", () => {
  const into = half(4, 2);
  const other = experiment(temporaryDirectory(), 2, undefined, 0.01);
  const { manifest } = other;
  const rois = manifest.analyses.roiManifest(1);
  if (rois === undefined) throw new Error("the test has no ROI manifest");
  const renamed = rois.rois.map((roi) => ({ ...roi, label: `9${roi.label}` }));
  const foreign = manifest.analyses.ensureRoiManifest({ ...rois, rois: renamed, sha256: "other" });
  manifest.analyses.ensure({ method: "centre", settings: "{}", roiManifestId: foreign, kernelVersion: "1" });
  const before = content(into);
  // Neither holds all ROIs of the other.
  const failure = failureOf(() => into.merge(manifest, 1));
  expect(failure.code).toBe("usage.invalid");
  expect(failure.message).toContain("another chip");
  expect(content(into)).toEqual(before);
  manifest.close();
  into.close();
});

test("a merge that fails at its end has changed nothing", () => {
  const into = half(2, 2);
  const from = half(2, 4);
  const at = (minutes: number, solution: string): NewInjection => ({
    ...INJECTION,
    ...{ solution, startUs: START_US + minutes * 60e6, endUs: START_US + (minutes + 2) * 60e6 },
  });
  const change = { type: "add-injections", author: "test" } as const;
  into.injections.change({ ...change, injections: [at(1, "IgG")] }, 1);
  from.injections.change({ ...change, injections: [at(2, "CRP")] }, 1);
  const before = content(into);
  expect(failureOf(() => into.merge(from, 2)).message).toContain("overlaps injection 1");
  expect(content(into)).toEqual(before);
  into.close();
  from.close();
});
