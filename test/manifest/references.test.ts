// What an analysis that continues another one takes over from it, and what of an earlier version counts as sound.
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { emptyReference } from "../../src/analysis/tracking.ts";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import { damageOf } from "../../src/manifest/soundness.ts";
import { experiment } from "../outputs/csv/experiment.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { ensureAnalysis } from "./frames.ts";

function opened(): { manifest: Manifest } {
  const manifest = Manifest.open({ file: join(temporaryDirectory("references"), MANIFEST_FILENAME) });
  onTestFinished(() => manifest.close());
  return { manifest };
}

test("an analysis with the same ROI manifest takes over the drift reference of the last one, and keeps its own", () => {
  const { manifest } = opened();
  const { references } = manifest;
  const first = ensureAnalysis(manifest, "first");
  references.adoptDrift(first);
  expect(references.drift(first)).toBeUndefined();
  references.keepDrift(first, Uint8Array.of(1));
  const second = ensureAnalysis(manifest, "second");
  references.adoptDrift(second);
  expect(references.drift(second)).toEqual(Buffer.of(1));
  const third = ensureAnalysis(manifest, "third");
  references.keepDrift(third, Uint8Array.of(3));
  references.adoptDrift(third);
  expect(references.drift(third)).toEqual(Buffer.of(3));
  // Nothing to hold on to is nothing to take over.
  const empty = ensureAnalysis(manifest, "empty");
  references.keepDrift(empty, new Uint8Array(0));
  const after = ensureAnalysis(manifest, "after");
  references.adoptDrift(after);
  expect(references.drift(after)).toEqual(Buffer.of(3));
  const others = [{ label: "001A_N", flip: false, y: 1, x: 1, height: 10, width: 20 }];
  const roiManifestId = manifest.analyses.ensureRoiManifest({ imageAngle: 0, rois: others, sha256: "h", json: "{}" });
  const elsewhere = manifest.analyses.ensure({ method: "gaussian", settings: "{}", roiManifestId, kernelVersion: "1" });
  references.adoptDrift(elsewhere);
  expect(references.drift(elsewhere)).toBeUndefined();
});

/** Counts, number of ROIs, 21 anchor numbers each and pixels, as version 0.1.0 stored a reference. */
function firstForm(offered: number, joined: number): Uint8Array {
  const numbers = new Float64Array(3 + 2 * 21);
  numbers.set([offered, joined, 2]);
  return Uint8Array.from([...new Uint8Array(numbers.buffer), ...new Uint8Array(2 * 50)]);
}

test.each([
  ["a reference of version 0.1.0", firstForm(16, 16), true],
  ["one of version 0.1.0 to which two frames were offered", firstForm(2, 1), true],
  [
    "a present one",
    emptyReference({ rois: [{ label: "a", flip: false, x: 0, y: 0, width: 9, height: 5 }] }).bytes,
    true,
  ],
  ["zeros", new Uint8Array(1000), false],
  ["a piece of one", firstForm(16, 16).subarray(0, 100), false],
  ["nothing", new Uint8Array(0), false],
])("%s counts as sound or damaged", (_, bytes, sound) => {
  const root = temporaryDirectory("references");
  const { manifest } = experiment(root, 2);
  const [analysis] = manifest.analyses.all();
  manifest.references.keepTracking(analysis?.analysisId ?? 0, bytes);
  manifest.close();
  expect(damageOf(join(root, "data", MANIFEST_FILENAME), true)?.message).toEqual(
    sound ? undefined : expect.stringContaining("1 row of tracking_reference cannot be read"),
  );
});
