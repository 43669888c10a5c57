// `phorest import DIR`: imports an experiment that consists of metadata_manifest.json and images.
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { CommandModule } from "yargs";
import { keptFreeBytes } from "../archive/free-space.ts";
import { loadConfig, roiManifestPath } from "../config/config.ts";
import { hasCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";
import { type ImportSummary, importExperiment } from "../manifest/established-import.ts";
import { findingLine } from "../manifest/import-findings.ts";
import { lockExperiment } from "../manifest/lock.ts";
import { MANIFEST_FILENAME, Manifest } from "../manifest/manifest.ts";
import { readRoiManifestNow } from "../measurement/roi.ts";
import { wallClockUs } from "../system/clock.ts";
import { counted } from "../system/counted.ts";
import { diskSpace } from "../system/disk-space.ts";
import { ensureDirectory, writeDurably } from "../system/files.ts";
import type { GlobalOptions } from "./global.ts";
import { mergeFrom, mergeText, phorestExperiment } from "./import-merge.ts";
import { requireEstablished } from "./import-refusal.ts";
import { keptApart } from "./kept-apart.ts";
import { type PageArguments, pageChoice, pageOptions } from "./page-options.ts";

interface ImportArguments extends GlobalOptions, PageArguments {
  directory: string | undefined;
  pictures: string[] | undefined;
  adopt: boolean;
}

export const importCommand: CommandModule<GlobalOptions, ImportArguments> = {
  command: "import <directory>",
  describe:
    "Import an experiment of the established system, or another phorest experiment of the same chip, without changing it",
  builder: (yargs) =>
    pageOptions(yargs)
      .positional("directory", {
        type: "string",
        describe: "Directory with metadata_manifest.json or phorest.sqlite, or its data/ directory",
      })
      .option("pictures", {
        type: "string",
        array: true,
        requiresArg: true,
        describe: "More directories to find images in (default: only <directory>)",
      })
      .option("adopt", {
        type: "boolean",
        default: false,
        describe: "Copy the images into data_dir and verify them; phorest then treats them like captured images",
      })
      .example(
        "$0 import /media/usb/experiment_7",
        "with enable_camera = false, `phorest run` then measures the pending frames",
      )
      .example("$0 import old --pictures /mnt/disk2/pictures", "if the images are on another disk")
      .example("$0 import ../second_half", "merge another phorest experiment of the same chip into this one")
      .example("$0 import /media/usb/experiment_7 --adopt", "before you remove the USB disk"),
  handler: async ({ config: file, directory, json, pictures = [], adopt, ...axes }) => {
    const { config } = loadConfig(file);
    for (const named of [directory ?? "", ...pictures]) checkDirectory(named);
    const pages = pageChoice(axes, config);
    const dataDir = config.Paths.data_dir;
    const other = phorestExperiment(directory ?? "", dataDir);
    if (other === undefined) requireEstablished(directory ?? "", dataDir);
    await ensureDirectory(dataDir);
    const lock = lockExperiment(dataDir);
    try {
      if (lock.warning !== undefined) process.stderr.write(`${lock.warning}\n`);
      const manifest = Manifest.open({ file: join(dataDir, MANIFEST_FILENAME) });
      try {
        if (other !== undefined) {
          refuseForMerge({ pictures, adopt });
          const merged = mergeFrom(manifest, other, config);
          const apart = keptApart(manifest.analyses);
          const text = [mergeText(merged, other), ...apart].join("\n");
          process.stdout.write(`${json ? JSON.stringify({ ...merged, apart }) : text}\n`);
          return;
        }
        const keepFreeBytes = keptFreeBytes(config, diskSpace(dataDir)?.totalBytes ?? 0);
        const options = { pictures, adopt: adopt ? { keepFreeBytes } : undefined, pages };
        const summary = await importExperiment(manifest, directory ?? "", wallClockUs(), options);
        const rois = await keepRoiManifest(summary.roiManifestFile, roiManifestPath(config));
        process.stdout.write(`${json ? JSON.stringify(summary) : `${summaryText(summary)}\n${rois}`}\n`);
        for (const line of summary.skipped) process.stderr.write(`${line}\n`);
      } finally {
        manifest.close();
      }
    } finally {
      lock.release();
    }
  },
};

/**
 * Refuses options that a merge does not support: images of a phorest experiment stay where they are, and their places are known.
 */
function refuseForMerge({ pictures, adopt }: Pick<ImportArguments, "adopt"> & { readonly pictures: string[] }): void {
  if (pictures.length === 0 && !adopt) return;
  throw new Failure(
    "usage.invalid",
    `${adopt ? "--adopt" : "--pictures"} is for experiments of the established system`,
    {
      hint: "images of a phorest experiment stay where they are",
    },
  );
}

/** Checks that the directories exist before anything is created. Throws Failure `usage.invalid`. */
function checkDirectory(path: string): void {
  let isDirectory = false;
  try {
    isDirectory = statSync(path).isDirectory();
  } catch (error) {
    if (!hasCode(error, "ENOENT", "ENOTDIR")) throw error;
    throw new Failure("usage.invalid", `${path}: no such directory`, { hint: "check the name", cause: error });
  }
  if (isDirectory) return;
  throw new Failure("usage.invalid", `${path}: not a directory`, { hint: "name the directory that the file is in" });
}

/** Makes the experiment's own ROI manifest the one that runs use, unless there is one; reports what was done. */
async function keepRoiManifest(found: string | undefined, file: string): Promise<string> {
  if (found === undefined) {
    return existsSync(file)
      ? `the experiment has no ROI manifest; ${file} stays in use`
      : "the experiment has no ROI manifest; create one with `phorest calibrate IMAGE` before `phorest run`";
  }
  if (existsSync(file)) return `${found}: not copied, ${file} exists and stays in use`;
  await ensureDirectory(dirname(file));
  await writeDurably(file, readRoiManifestNow(found).json);
  return `copied ${found} to ${file}`;
}

function summaryText(summary: ImportSummary): string {
  const { entries, added, pending, processed, failed, missing } = summary;
  const lines = [
    `${filesText(summary.metadataFiles)}: ${counted(entries, "capture")}, ${added} new: ${pending} pending, ${processed} processed, ${failed} failed`,
  ];
  if (summary.adopted > 0)
    lines.push(`${counted(summary.adopted, "image")} copied into the data directory and verified`);
  if (summary.returned > 0)
    lines.push(
      `${counted(summary.returned, "image")} found that ${summary.returned === 1 ? "was" : "were"} missing in an earlier import`,
    );
  if (missing.length > 0) {
    lines.push(
      `${counted(missing.length, "image")} not found; marked as missing (first: ${missing[0]}; --json lists all)`,
    );
  }
  if (summary.outside.length > 0) {
    lines.push(`missing images belong to ${summary.outside.join(", ")}, which is not searched; add it with --pictures`);
  }
  const reasons = Object.entries(summary.skippedFor).map(([reason, count]) => `${count} because ${reason}`);
  if (reasons.length > 0) lines.push(`${summary.skipped.length} skipped: ${reasons.join(", ")}`);
  if (summary.resultsFiles.length > 0) {
    const { results, resultLinesSkipped } = summary;
    lines.push(
      `${filesText(summary.resultsFiles)}: ${counted(results, "result")} imported, ${counted(resultLinesSkipped, "line")} not usable`,
    );
  }
  lines.push(...summary.findings.map(findingLine));
  if (summary.processedWithoutResult > 0) {
    lines.push(
      `${summary.processedWithoutResult} processed frames have no imported result; measure them with \`phorest analyse\``,
    );
  }
  return lines.join("\n");
}

/** Names the newest file, and the number of backups that were read with it. */
function filesText(files: readonly string[]): string {
  const live = files.find((file) => !/_\d{8}_\d{6}\./.test(file)) ?? files.at(-1) ?? "";
  const more = files.length - 1;
  return more === 0 ? live : `${live} and ${more} ${more === 1 ? "backup" : "backups"}`;
}
