// Imports an experiment that consists of metadata_manifest.json and images. Nothing of it is moved or changed: the new rows name
// the images where they are, or copies of them in the data directory. A second import adds only what is new.
import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { Failure } from "../failure/failure.ts";
import type { PageChoice } from "../image/chosen-pages.ts";
import { otherKinds } from "../image/other-kinds.ts";
import { unusableNameLine } from "../system/names-in-bytes.ts";
import { establishedFiles } from "./established-files.ts";
import { importResults } from "./established-measured.ts";
import { readEntries } from "./established-metadata.ts";
import { orphans } from "./established-orphans.ts";
import { PictureFinder } from "./established-pictures.ts";
import { establishedRois } from "./established-rois.ts";
import { stackPages } from "./established-stacks.ts";
import { type Adoption, Taking, type TakingSummary, withCount } from "./established-taking.ts";
import { type Finding, Findings } from "./import-findings.ts";
import type { Manifest } from "./manifest.ts";

export interface ImportSummary extends TakingSummary {
  /** The files that were read. */
  readonly metadataFiles: readonly string[];
  readonly resultsFiles: readonly string[];
  /** The ROI manifest of the experiment; undefined where it has none that can be used. */
  readonly roiManifestFile: string | undefined;
  /** Distinct captures in the files; `added` of them were new. */
  readonly entries: number;
  /** Results imported with their frames. */
  readonly results: number;
  readonly resultLinesSkipped: number;
  /** Frames added as processed although they have no result. */
  readonly processedWithoutResult: number;
  /** Problems in the files, and how each was handled. */
  readonly findings: readonly Finding[];
}

export interface ImportOptions {
  /** More directories to search for images. */
  readonly pictures?: readonly string[];
  /** Copy the images into the data directory. By default they stay where they are and are only read. */
  readonly adopt?: Adoption | undefined;
  /** Which pages of multi-page files are frames. */
  readonly pages?: PageChoice;
}

/**
 * Imports the experiment in `directory`. Failures: `usage.invalid`, with nothing written, if its manifest is unusable or a
 * directory of images does not exist; `disk.full`, before anything is copied, if the images to adopt do not fit.
 */
export async function importExperiment(
  manifest: Manifest,
  directory: string,
  nowUs: number,
  { pictures: further = [], adopt, pages = {} }: ImportOptions = {},
): Promise<ImportSummary> {
  const root = resolve(directory);
  const files = establishedFiles(root);
  if (files.metadata.length === 0) {
    throw new Failure("usage.invalid", `${root}: it has no metadata_manifest.json, also not in its data directory`, {
      hint: "name the directory that contains it",
    });
  }
  const named = further.map((one) => resolve(one));
  for (const one of named) checkDirectory(one);
  const findings = new Findings();
  for (const file of files.notRead) findings.add("files unfinished or filtered, not read", file);
  const entries = readEntries(files.metadata, findings);
  const finder = new PictureFinder(
    [files.dataDirectory, root, join(root, "data"), ...named],
    [root, ...named],
    manifest.directory,
  );
  const names = finder.names(files.dataDirectory);
  const found = orphans(
    { directory: files.dataDirectory, names },
    entries,
    findings,
    (picture) => manifest.imported.find(picture) !== undefined,
  );
  for (const { name, kind } of await otherKinds(files.dataDirectory, [...names]))
    findings.add("files of a kind that phorest does not read, left out", `${name} is ${kind.name}: ${kind.remedy}`);
  const { captures, stacks } = await stackPages([...entries, ...found], finder, pages, findings);
  const taking = new Taking(manifest, finder, stacks);
  if (adopt === undefined) {
    manifest.together(() => {
      for (const entry of captures) taking.take(entry);
    });
  } else await taking.takeAndAdopt(captures, adopt);
  const rois = establishedRois(root, findings);
  const into = { taking, findings, rois: rois?.manifest, nowUs };
  const taken = await importResults(manifest, files.results, into);
  const { skipped, skippedFor, ...counted } = taking.summary;
  return {
    metadataFiles: files.metadata,
    resultsFiles: files.results,
    roiManifestFile: rois?.file,
    entries: captures.length,
    ...counted,
    skipped: [...skipped, ...finder.skipped.map(unusableNameLine)],
    skippedFor: withCount(skippedFor, "its name is not valid UTF-8", finder.skipped.length),
    ...taken,
    processedWithoutResult: taking.processedIds.size,
    findings: findings.all(),
  };
}

function checkDirectory(directory: string): void {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new Failure("usage.invalid", `--pictures ${directory}: the directory does not exist`);
}
