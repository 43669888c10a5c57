// An imported picture is copied to the share, changes, and is then copied in: the old copy on the share is not its copy.
import { expect, onTestFinished, test } from "vitest";
import { Manifest } from "../../src/manifest/manifest.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { manifestFile, NOON_US } from "./frames.ts";

test.each([
  ["ab".repeat(32), [1]],
  ["cd".repeat(32), []],
])("a picture adopted with the hash %s may be removed for its copy: %j", (sha256, removable) => {
  const manifest = Manifest.open({ file: manifestFile(temporaryDirectory()) });
  onTestFinished(() => manifest.close());
  const id = manifest.imported.add(
    { capturedAtUs: NOON_US, filename: "a.png", filepath: "/old", bytes: 7, readings: [] },
    { status: "processed", dataTransmitted: true, imageSynced: false, compressionAttempted: false, missing: false },
  );
  const copy = { remotePath: "old/a.png", bytes: 7, sha256: "ab".repeat(32), filename: "a.png", remoteId: "share" };
  manifest.syncing.markSynced({ entryId: id ?? 0, ...copy }, NOON_US);
  manifest.imported.settleAdopted(id ?? 0, { name: "a.png", bytes: 7, sha256 }, "a.png");
  expect(manifest.storage.removable(9, true).map(({ entryId }) => entryId)).toEqual(removable);
});
