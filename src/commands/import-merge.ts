// The part of `phorest import` that merges another phorest experiment into this one.
import { existsSync, realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import { establishedFiles } from "../manifest/established-files.ts";
import { lastRun } from "../manifest/last-run.ts";
import { MANIFEST_FILENAME, Manifest } from "../manifest/manifest.ts";
import { isManifestFile } from "../manifest/manifest-file.ts";
import type { MergeSummary } from "../manifest/merge.ts";
import { wallClockUs } from "../system/clock.ts";
import { counted } from "../system/counted.ts";
import { identityIn } from "./other-experiment.ts";

/**
 * Returns the database in a directory of another phorest experiment, or in its `data`; undefined if there is none except our own.
 * In a directory of the established system, a file that only has the name of a database does not prevent the import.
 */
export function phorestExperiment(directory: string, dataDir: string): string | undefined {
  const found = [directory, join(directory, "data")]
    .map((place) => resolve(place, MANIFEST_FILENAME))
    .find((file) => existsSync(file) && (isManifestFile(file) || establishedFiles(directory).metadata.length === 0));
  const own = join(dataDir, MANIFEST_FILENAME);
  const isOwn = found !== undefined && existsSync(own) && realpathSync(found) === realpathSync(own);
  return isOwn ? undefined : found;
}

/**
 * Merges the experiment in `file`. Throws Failure `usage.invalid`, with nothing changed, if the chip or the sample is another
 * one.
 */
export function mergeFrom(manifest: Manifest, file: string, config: Pick<Config, "Experiment">): MergeSummary {
  const from = Manifest.open({ file, readonly: true, check: true });
  try {
    checkSample(file, config);
    return manifest.merge(from, wallClockUs());
  } finally {
    from.close();
  }
}

/** Chips of one type look alike; only the sample tells them apart. */
function checkSample(file: string, { Experiment }: Pick<Config, "Experiment">): void {
  const sample = identityIn(lastRun(file)?.config ?? "").sample;
  if (sample === undefined || Experiment.sample === undefined || sample === Experiment.sample) return;
  throw new Failure(
    "usage.invalid",
    `${file}: its sample is "${sample}", and that of this experiment "${Experiment.sample}"`,
    {
      hint: "nothing was imported; if it is the same chip, correct Experiment.sample",
    },
  );
}

/** Describes what was merged, for people. */
export function mergeText(
  { frames, added, results, markers, injections, withoutImage, archived }: MergeSummary,
  file: string,
): string {
  const lines = [
    `${file}: ${counted(frames, "frame")}, ${added} new; added ${counted(results, "result")}, ${counted(markers, "marker")} and ${counted(injections, "injection")}`,
  ];
  if (withoutImage > 0) lines.push(`${withoutImage} of the new frames have no image there; they are marked as missing`);
  if (archived > 0)
    lines.push(`${archived} archived frames are not included; restore them there with \`phorest restore\``);
  return lines.join("\n");
}
