// A stack in the data directory that grew: its new pages are frames also if its earlier pages are in its other form, with or
// without .gz, or were moved away.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { FileImporter } from "../../src/cameras/file-importer.ts";
import type { Manifest } from "../../src/manifest/manifest.ts";
import { rowInPlace, takenInPlace } from "../../src/stages/collector/taken-before.ts";
import { writeStack } from "../image/stack-writer.ts";
import { openManifest } from "../manifest/experiment.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const SIDE = 8;
const stack = (count: number): Uint8Array =>
  writeStack(
    Array.from({ length: count }, (_, at) => ({
      ...{ width: SIDE, height: SIDE },
      pixels: new Uint8Array(SIDE * SIDE).fill(at),
    })),
  );

/** Takes all that is new in the directory into the database, as a run does; returns the file and its new pages, from 0. */
async function take(manifest: Manifest, dataDir: string): Promise<(readonly [string, readonly number[]])[]> {
  const importer = new FileImporter({
    dataDir,
    isKnown: (name) => manifest.entries.knowsFile(name),
    takenInPlace: (name) => takenInPlace(manifest, name),
  });
  const signal = new AbortController().signal;
  const taken: (readonly [string, readonly number[]])[] = [];
  await importer.open();
  for (let frame = await importer.capture(signal); frame !== null; frame = await importer.capture(signal)) {
    const { name = "", from = 0 } = frame.file ?? {};
    const count = Number(frame.settings.source_pages);
    const [first, ...further] = Array.from({ length: count - from }, (_, at) => ({
      page: from + at,
      capturedAtUs: (from + at) * 1e6,
    }));
    if (first === undefined) throw new Error(`${name} has no new page`);
    manifest.entries.add({
      ...{ filename: name, bytes: Number(frame.settings.source_bytes), sha256: `${name} ${count}` },
      ...{ settings: JSON.stringify(frame.settings), ...first, furtherPages: further },
      ...(from === 0 ? {} : { continues: rowInPlace(manifest, name) }),
    });
    taken.push([name, [first, ...further].map(({ page }) => page)]);
  }
  await importer.close();
  expect(importer.skipped()).toEqual([]);
  return taken;
}

test.each([
  ["s.tif", "s.tif.gz"],
  ["s.tif.gz", "s.tif"],
])("the new pages of %s are taken beside %s", async (grown, before) => {
  const directory = temporaryDirectory();
  const manifest = openManifest(directory);
  const put = (name: string, count: number) =>
    writeFileSync(join(directory, name), name.endsWith(".gz") ? gzipSync(stack(count)) : stack(count));
  put(before, 2);
  expect(await take(manifest, directory)).toEqual([[before, [0, 1]]]);
  put(grown, 3);
  expect(await take(manifest, directory)).toEqual([[grown, [2]]]);
  put(grown, 5);
  expect(await take(manifest, directory)).toEqual([[grown, [3, 4]]]);
  expect(await take(manifest, directory)).toEqual([]);
  expect(manifest.entries.pagesOf("s.tif")).toEqual([0, 1, 2, 3, 4]);
});

test.each([
  ["removed", undefined],
  ["moved to the share as a compressed file", "/mnt/share"],
])("the new pages of a stack whose earlier pages were %s are taken", async (_, share) => {
  const directory = temporaryDirectory();
  const manifest = openManifest(directory);
  writeFileSync(join(directory, "s.tif"), stack(2));
  await take(manifest, directory);
  const [{ entryId } = { entryId: 0 }] = manifest.storage.named([1]);
  if (share !== undefined) {
    const packed = { filename: "s.tif.gz", bytes: 9, sha256: "packed", originalBytes: 99, originalSha256: "s.tif 2" };
    manifest.storage.settleCompressed(entryId, packed);
    const copy = { ...packed, entryId, remoteId: "share", remotePath: "data/s.tif.gz" };
    expect(manifest.syncing.markSynced(copy, 1)).toBe(true);
  }
  manifest.storage.endRemoval([entryId], share);
  expect(manifest.history.counts()).toMatchObject({ localImages: 0 });
  writeFileSync(join(directory, "s.tif"), stack(4));
  expect(await take(manifest, directory)).toEqual([["s.tif", [2, 3]]]);
  expect(manifest.history.counts()).toMatchObject({ localImages: 1 });
});
