// Frames of a merged directory that cannot be shown in the same curve are named, with what the user can do.
import { expect, onTestFinished, test } from "vitest";
import { keptApart } from "../../src/commands/kept-apart.ts";
import type { Manifest } from "../../src/manifest/manifest.ts";
import { type Experiment, experiment } from "../outputs/csv/experiment.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

type Other = Parameters<Experiment["measureWith"]>[0];

/** Frames `from` to `to`, not included, measured in a directory of their own. */
function part([from, to]: readonly [number, number], other: Other = {}): Manifest {
  const { manifest, measureWith, skip, add } = experiment(temporaryDirectory(), 4);
  onTestFinished(() => manifest.close());
  measureWith(other);
  skip(from);
  add(to - from);
  return manifest;
}

const OTHER = { settings: '{"subRois":10}' };

test.each([
  ["older", { own: [10, 13], merged: [0, 5] }, { shown: "gaussian", other: "gaussian 2" }],
  ["newer", { own: [0, 5], merged: [10, 15] }, { shown: "gaussian 2", other: "gaussian" }],
] as const)("after a merge of %s frames the newest frames are shown", (_age, { own, merged }, { shown, other }) => {
  const into = part(own);
  into.merge(part(merged, OTHER), 1);
  expect(into.analyses.inForce()?.name).toBe(shown);
  const [line = "", ...more] = keptApart(into.analyses);
  expect(more).toEqual([]);
  expect(line).toContain(`analysis "${other}" has 5 of the frames, apart from "${shown}": `);
  expect(line).toContain("they cannot be joined; `phorest remeasure` measures all frames alike");
});

test.each([
  [
    { settings: '{"subRois":10}' },
    "with other settings (number_of_subROIs 10 instead of not set)",
    "phorest remeasure",
  ],
  [{ kernelVersion: "0" }, "by another version of phorest", "--joined"],
  [{ method: "centre" }, "with method centre", "phorest remeasure"],
] as const)("of other frames it is said why they are apart: %o", (other, why, way) => {
  const into = part([10, 13]);
  into.merge(part([0, 5], other), 1);
  expect(keptApart(into.analyses)).toEqual([expect.stringContaining(`measured ${why}`)]);
  expect(keptApart(into.analyses)[0]).toContain(way);
});

test("frames that were measured alike are not apart", () => {
  const into = part([10, 13]);
  into.merge(part([0, 5]), 1);
  expect(keptApart(into.analyses)).toEqual([]);
});
