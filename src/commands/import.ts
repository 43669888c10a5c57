// `phorest import DIR`: takes over an experiment kept in metadata_manifest.json and pictures.
import { join } from "node:path";
import type { CommandModule } from "yargs";
import { keptFreeBytes } from "../archive/room.ts";
import { loadConfig } from "../config/config.ts";
import { type ImportSummary, importExperiment } from "../manifest/established-import.ts";
import { lockExperiment } from "../manifest/lock.ts";
import { MANIFEST_FILENAME, Manifest } from "../manifest/manifest.ts";
import { wallClockUs } from "../system/clock.ts";
import { diskSpace } from "../system/disk-space.ts";
import { ensureDirectory } from "../system/files.ts";
import type { GlobalOptions } from "./global.ts";

interface ImportArguments extends GlobalOptions {
  directory: string | undefined;
  pictures: string[] | undefined;
  adopt: boolean;
}

export const importCommand: CommandModule<GlobalOptions, ImportArguments> = {
  command: "import <directory>",
  describe: "Take over an experiment kept in metadata_manifest.json and pictures; nothing is moved or changed",
  builder: (yargs) =>
    yargs
      .positional("directory", {
        type: "string",
        describe: "Directory that holds metadata_manifest.json, or its data/",
      })
      .option("pictures", {
        type: "string",
        array: true,
        requiresArg: true,
        describe: "Further directories that pictures may be in; otherwise only those in <directory> are used",
      })
      .option("adopt", {
        type: "boolean",
        default: false,
        describe:
          "Copy the pictures into data_dir, verified; they are then compressed, moved and removed like captures",
      })
      .example("$0 import /media/usb/experiment_7", "then `phorest run` measures what was pending")
      .example("$0 import old --pictures /mnt/disk2/pictures", "where its pictures are on another disk")
      .example("$0 import /media/usb/experiment_7 --adopt", "before the USB disk is taken away"),
  handler: async ({ config: file, directory, json, pictures = [], adopt }) => {
    const { config } = loadConfig(file);
    const dataDir = config.Paths.data_dir;
    await ensureDirectory(dataDir);
    const lock = lockExperiment(dataDir);
    try {
      if (lock.warning !== undefined) process.stderr.write(`${lock.warning}\n`);
      const manifest = Manifest.open({ file: join(dataDir, MANIFEST_FILENAME) });
      try {
        const keepFreeBytes = keptFreeBytes(config, diskSpace(dataDir)?.totalBytes ?? 0);
        const options = { pictures, adopt: adopt ? { keepFreeBytes } : undefined };
        const summary = await importExperiment(manifest, directory ?? "", wallClockUs(), options);
        process.stdout.write(`${json ? JSON.stringify(summary) : summaryText(summary)}\n`);
        for (const line of summary.skipped) process.stderr.write(`${line}\n`);
        for (const name of summary.missing) process.stderr.write(`${name}: the picture was not found\n`);
      } finally {
        manifest.close();
      }
    } finally {
      lock.release();
    }
  },
};

function summaryText(summary: ImportSummary): string {
  const { metadataFile, resultsFile, entries, added, pending, processed, failed, missing } = summary;
  const lines = [
    `${metadataFile}: ${entries} captures, ${added} new: ${pending} pending, ${processed} processed, ${failed} failed`,
  ];
  if (summary.adopted > 0) lines.push(`${summary.adopted} pictures copied into the data directory and verified`);
  if (summary.returned > 0) lines.push(`${summary.returned} pictures found that an earlier import missed`);
  if (missing.length > 0) lines.push(`${missing.length} pictures were not found; their rows are marked`);
  if (summary.outside.length > 0) {
    lines.push(
      `missing pictures are named in ${summary.outside.join(", ")}, which is no part of the import; --pictures adds a directory`,
    );
  }
  const reasons = Object.entries(summary.skippedFor).map(([reason, count]) => `${count} because ${reason}`);
  if (reasons.length > 0) lines.push(`${summary.skipped.length} skipped: ${reasons.join(", ")}`);
  if (resultsFile !== undefined) {
    lines.push(`${resultsFile}: ${summary.results} results taken over, ${summary.resultLinesSkipped} lines not usable`);
  }
  if (summary.processedWithoutResult > 0) {
    lines.push(
      `${summary.processedWithoutResult} processed frames have no result here; \`phorest analyse\` can measure them again`,
    );
  }
  return lines.join("\n");
}
